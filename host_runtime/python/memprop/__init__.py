"""Memristive crossbars and neuromorphic cores that learn with e-prop."""

from . import crossbar
from ._native import InputError, Network, RunError, Simulation, run, train

__all__ = ["InputError", "Network", "RunError", "Simulation", "crossbar", "run", "train"]

for _item in (InputError, Network, RunError, Simulation):
    _item.__module__ = "memprop"
del _item
