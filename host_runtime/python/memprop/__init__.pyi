from typing import Any, Mapping, NotRequired, Sequence, TypedDict

import numpy
from numpy.typing import ArrayLike, NDArray

from . import crossbar as crossbar
from .network import (
    Device as Device,
    Objective as Objective,
    Population as Population,
    Projection as Projection,
    Rule as Rule,
    Update as Update,
    _Table,
)

__all__ = [
    "Device",
    "InputError",
    "Network",
    "Objective",
    "Population",
    "Projection",
    "Rule",
    "RunError",
    "Simulation",
    "Trainer",
    "Update",
    "crossbar",
    "run",
    "train",
]

class InputError(ValueError):
    """What the caller gave is wrong; the message names the argument, the value and what is allowed."""

class RunError(RuntimeError):
    """The input was fine and the run failed all the same."""

class _Node(TypedDict):
    name: str
    type: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: list[str]

class _Run(TypedDict):
    steps: int
    spikes: dict[str, NDArray[numpy.int64]]
    """node -> (n, 2): step, index"""
    state: dict[str, dict[str, NDArray[numpy.float64]]]
    """probed node -> {"v": (steps, neurons), "i": (steps, neurons)}"""
    output: NDArray[numpy.float64]
    """(steps, outputs)"""
    energy_j: dict[str, float] | None
    programming: list[dict[str, Any]]
    converters: dict[str, int] | None
    keys_without_effect: list[dict[str, str]]
    """keys of the experiment that are set and change nothing; also a UserWarning"""
    discretisation: dict[str, Any]
    warnings: list[str]
    cycles: NotRequired[int]
    """with engine = "cycle", as those that follow"""
    load_cycles: NotRequired[int]
    deadline_misses: NotRequired[int]
    mapping: NotRequired[dict[str, Any]]
    chip: NotRequired[dict[str, Any]]

def train(
    path: str,
    overrides: Mapping[str, Any] | None = None,
    seed: int | None = None,
    *,
    init: str | None = None,
    evaluate: bool = False,
    out: str | None = None,
    network: Network | None = None,
) -> dict[str, Any]:
    """Trains a network as `memprop train` does and returns the content of result.json."""

class Trainer:
    """A training run in pieces, on the functional engine: as train(), epoch by epoch."""

    def __init__(
        self,
        path: str,
        overrides: Mapping[str, Any] | None = None,
        seed: int | None = None,
        *,
        network: Network | None = None,
    ) -> None: ...
    def train(self, epochs: int = 1) -> list[float]:
        """Trains that many epochs more and returns their losses."""
    def evaluate(self, split: str = "training") -> dict[str, float | None]:
        """Shows all trials of a split without learning: {"loss", "accuracy"}."""
    def weights(self, projection: str) -> NDArray[numpy.float64]:
        """Noise-free weights of a projection, [pre, post] where they are a matrix."""
    @property
    def projections(self) -> list[str]: ...
    @property
    def epochs_done(self) -> int: ...

class Network:
    """A network: in the Neural Intermediate Representation (NIR), or of populations and projections."""

    def __init__(self, *tables: _Table) -> None: ...
    @staticmethod
    def of_experiment(path: str, overrides: Mapping[str, Any] | None = None) -> Network:
        """The network of an experiment, of [network] too, as tables."""
    @property
    def tables(self) -> tuple[_Table, ...]: ...
    @property
    def populations(self) -> dict[str, Population]: ...
    @property
    def projections(self) -> dict[str, Projection]: ...
    @property
    def objectives(self) -> dict[str, Objective]: ...
    @property
    def devices(self) -> dict[str, Device]: ...
    @property
    def rules(self) -> dict[str, Rule]: ...
    @property
    def updates(self) -> dict[str, Update]: ...
    @staticmethod
    def load(path: str) -> Network:
        """Reads a NIR file or a checkpoint.h5 of `memprop train`."""
    def save(self, path: str) -> None:
        """Writes a NIR file; it appears whole or not at all."""
    @property
    def nodes(self) -> list[_Node]: ...
    @property
    def edges(self) -> list[tuple[str, str]]: ...
    @property
    def warnings(self) -> list[str]: ...
    def parameter(self, node: str, name: str) -> NDArray[Any]:
        """A parameter of a node (a copy)."""
    def set_parameter(self, node: str, name: str, values: ArrayLike) -> None:
        """Replaces a parameter by values of the same shape."""

class Simulation:
    """A network that runs in pieces: run() goes on where the last one ended."""

    def __init__(
        self,
        network: Network,
        *,
        dt: float | None = None,
        integrator: str | None = None,
        reset: str | None = None,
        first_step_recurrence: bool | None = None,
        arithmetic: str | None = None,
        engine: str = "functional",
        chip: str | None = None,
        crossbar: str | None = None,
        device_time: float | None = None,
        overrides: Mapping[str, Any] | None = None,
        seed: int | None = None,
        if_integration: str | None = None,
        current_jump: str | None = None,
    ) -> None: ...
    def run(self, events: ArrayLike, steps: int | None = None, *, probe: Sequence[str] = ()) -> _Run:
        """Runs `steps` more steps; steps of events count from the start of the simulation."""
    @property
    def steps_done(self) -> int: ...
    @property
    def warnings(self) -> list[str]: ...
    def weights(self, node: str) -> NDArray[numpy.float64]:
        """The weights a node computes with, in the shape of its weight."""
    def conductances(self, node: str) -> NDArray[numpy.float64]:
        """[array, row, column], uS: noise-free, at the device time."""
    def reset(self) -> None:
        """State back to the beginning; weights stay."""
    def reload(self, network: Network) -> None:
        """Other weights; the state stays. On crossbars they are programmed onto fresh devices."""
    def save(self, path: str) -> None:
        """Writes the state to a file."""
    def restore(self, path: str) -> None:
        """Replaces the state by that of a file."""

def run(
    net: Network,
    events: ArrayLike,
    steps: int | None = None,
    dt: float | None = None,
    *,
    probe: Sequence[str] = (),
    integrator: str | None = None,
    reset: str | None = None,
    first_step_recurrence: bool | None = None,
    arithmetic: str | None = None,
    engine: str = "functional",
    chip: str | None = None,
    crossbar: str | None = None,
    device_time: float | None = None,
    overrides: Mapping[str, Any] | None = None,
    seed: int | None = None,
    if_integration: str | None = None,
    current_jump: str | None = None,
) -> _Run:
    """Runs a network on events, int64 (n, 2): step, index, from its initial state."""
