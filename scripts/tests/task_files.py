"""The smallest experiment of every task of `memprop train --list`, with made files for those that read one."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

# Holds for all tasks; trials of memory tasks are 60 to 100 steps.
COMMON = """\
[network]
inputs = 40
recurrent = 12
outputs = 2
init_std_in = 0.3

[task]
samples = 3
steps = 60
cues = 2
cue_seconds = 0.02
gap_seconds = 0.01
delay_seconds = 0.02
response_seconds = 0.02
interval_min_seconds = 0.01
interval_max_seconds = 0.02
validation_samples = 2
test_samples = 3

[crossbar.energy]  # of every device, since the chip asks for them
set_pulse_pj = 1.0
reset_pulse_pj = 1.0
read_voltage_v = 0.2
read_pulse_ns = 100.0
source = "figures of a test"

[run]
epochs = 2
validate_every = 1
"""
CLASSES = {"learning.loss": "cross_entropy"}
_TRIALS, _STEPS, _INPUTS, _NEURONS, _READOUTS = 3, 20, 6, 5, 2

Settings = dict[str, str]


def _spikes(*shape: int) -> np.ndarray:
    return (np.random.default_rng(1).random(shape) < 0.3).astype(np.uint8)


def _sines(*shape: int) -> np.ndarray:
    """Targets [..., step, readout]."""
    step = np.arange(shape[-2])[:, None]
    return np.broadcast_to(np.sin(0.3 * step + np.arange(shape[-1])), shape)


def golden(directory: Path) -> Settings:
    """A recorded experiment of two iterations with targets."""
    rng = np.random.default_rng(2)
    file = directory / "golden.h5"
    with h5py.File(file, "w") as out:
        out["x"] = _spikes(2, _TRIALS, _STEPS, _INPUTS)
        out["target"] = _sines(1, _TRIALS, _STEPS, _READOUTS)
        for name, shape in (
            ("w_in", (_NEURONS, _INPUTS)),
            ("w_rec", (_NEURONS, _NEURONS)),
            ("w_out", (_READOUTS, _NEURONS)),
            ("b_fb", (_NEURONS, _READOUTS)),
        ):
            out[name] = rng.normal(0, 0.3, shape)
    return {"task.file": str(file)}


def dataset(directory: Path) -> Settings:
    """Trials with classes in all three splits."""
    file = directory / "dataset.h5"
    with h5py.File(file, "w") as out:
        out["x"] = _spikes(6, _STEPS, _INPUTS)
        out["label"] = np.array([0, 1, 2, 0, 1, 2])
        out["split"] = np.array([0, 0, 0, 1, 2, 2], np.uint8)
    return CLASSES | {"task.file": str(file)}


def dataset_with_targets(directory: Path) -> Settings:
    """The other kind of a dataset: events, and targets in place of classes."""
    file = directory / "targets.h5"
    with h5py.File(file, "w") as out:
        out["events/step"], out["events/index"] = np.array([0, 5, 50, 1]), np.array([3, 4, 39, 0])
        out["events/end"] = np.array([3, 4])
        out["target"] = _sines(2, 60, _READOUTS)
    return {"task.file": str(file)}


def shd(directory: Path) -> Settings:
    """Two files in the layout of the Spiking Heidelberg Digits."""
    rng = np.random.default_rng(3)
    names = directory / "shd_train.h5", directory / "shd_test.h5"
    for file in names:
        with h5py.File(file, "w") as out:
            out["labels"] = np.arange(4) % 3
            for name, kind, draw in (
                ("spikes/times", np.float32, lambda: np.sort(rng.random(30) * 0.05)),
                ("spikes/units", np.uint16, lambda: rng.integers(0, 700, 30)),
            ):
                rows = out.create_dataset(name, 4, h5py.vlen_dtype(kind))
                for i in range(4):
                    rows[i] = draw().astype(kind)
    return CLASSES | {"task.file": str(names[0]), "task.test_file": str(names[1])}


def _of_memory(_: Path) -> Settings:
    return CLASSES


# Schemes that need devices with pulses of both signs; the others learn on phase-change memory, the default.
BOTH_SIGNS = {"crossbar.device": "reram_sb"}
SCHEMES: dict[str, Settings] = dict.fromkeys(
    ("tiki_taka", "buffered_transfer", "chopped_transfer", "dynamic_transfer"), BOTH_SIGNS
)

# A task that is not here makes the tests fail that loop over all of them.
TASKS: dict[str, Callable[[Path], Settings]] = {
    "pattern_generation": lambda _: {},
    "cue_accumulation": _of_memory,
    "delayed_match": _of_memory,
    "store_recall": _of_memory,
    "interval_discrimination": _of_memory,
    "golden": golden,
    "dataset": dataset,
    "shd": shd,
}
