"""Exact solutions of resistive crossbars with wire resistance."""

from ._native.crossbar import effective_conductance, node_voltages, read_power, solve

__all__ = ["effective_conductance", "node_voltages", "read_power", "solve"]
