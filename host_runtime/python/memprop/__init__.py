"""Memristive crossbars and neuromorphic cores that learn with e-prop."""

from . import crossbar
from ._native import InputError, Network, RunError, Simulation, Trainer, run, train
from .network import Device, Objective, Population, Projection, Rule, Update

__all__ = ["Device", "InputError", "Network", "Objective", "Population", "Projection", "Rule", "RunError", "Simulation",
           "Trainer", "Update", "crossbar", "run", "train"]

for _item in (InputError, Network, RunError, Simulation, Trainer):
    _item.__module__ = "memprop"
del _item
