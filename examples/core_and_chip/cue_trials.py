"""Evidence accumulation as spike trains, in the file formats of the digital core and of the chip.

Seven cues come from the left or the right; a second later the network is asked which side had more.
"""

import h5py
import numpy

STEPS, RECALL_STEP = 2250, 2100  # of 1 ms; the answer counts from RECALL_STEP on
CUES, CUE_STEPS, SLOT_STEPS = 7, 100, 150
GROUPS, GROUP = 4, 10  # inputs: left, right, recall, background
INPUTS = GROUPS * GROUP
LEFT, RIGHT, RECALL, BACKGROUND = range(GROUPS)
CUE_RATE, BACKGROUND_RATE = 0.04, 0.01  # spikes per step and input: 40 and 10 Hz
FAVOURED_SIDE = 0.7  # probability of a cue on the side that the trial favours


def draw_trials(rng, count):
    """x: uint8 [trial, step, input], 1 where an input spikes; label: [trial], 1 if more cues came from the right."""
    favours_right = rng.integers(2, size=(count, 1))
    right = numpy.where(rng.random((count, CUES)) < FAVOURED_SIDE, favours_right, 1 - favours_right)
    rate = numpy.zeros((count, STEPS, GROUPS))
    rate[:, :, BACKGROUND] = BACKGROUND_RATE
    rate[:, RECALL_STEP:, RECALL] = CUE_RATE
    for cue in range(CUES):
        shown = slice(cue * SLOT_STEPS, cue * SLOT_STEPS + CUE_STEPS)
        rate[:, shown, LEFT] = CUE_RATE * (1 - right[:, cue, None])
        rate[:, shown, RIGHT] = CUE_RATE * right[:, cue, None]
    x = rng.random((count, STEPS, INPUTS)) < rate.repeat(GROUP, axis=2)
    return x.astype(numpy.uint8), (right.sum(axis=1) > CUES / 2).astype(int)


def write_dat(file, x, label):
    """For `memprop core`. A trial has one tick more than steps: spikes of a step are known in the next tick."""
    with open(file, "w", encoding="utf-8") as out:
        out.write(f"{len(x)}\n")
        for trial, answer in zip(x, label):
            out.writelines(f"{i}, {step}\n" for step, i in numpy.argwhere(trial))
            out.write(f"-2, {answer}\n-1, {len(trial) + 1}\n")


def write_hdf5(file, training, held_out):
    """For the task `dataset` of `memprop train`: held-out trials are its validation split."""
    with h5py.File(file, "w") as out:
        out.create_dataset("x", data=numpy.concatenate([training[0], held_out[0]]), compression=1)
        out["label"] = numpy.concatenate([training[1], held_out[1]])
        out["split"] = numpy.repeat(numpy.uint8([0, 1]), [len(training[1]), len(held_out[1])])
        out["window"] = [RECALL_STEP, STEPS]
