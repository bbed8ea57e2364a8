"""Memristive crossbars and neuromorphic cores that learn with e-prop."""

from . import crossbar
from ._native import InputError, RunError

__all__ = ["InputError", "RunError", "crossbar"]
