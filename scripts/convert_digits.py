#!/usr/bin/python3
"""Converts the 8 x 8 digits that scikit-learn brings along (1797 scans; Alpaydin and Kaynak, UCI, 1998)
into a file of the task `dataset`: row by row, 8 inputs, 10 steps a row; a pixel of intensity v of 16 spikes
in v / 16 of the steps of its row, evenly spread.

usage: convert_digits.py OUT.h5
"""
import sys

import memprop_terminal
from debian_packages import need

need("h5py", "numpy", "sklearn")

import h5py  # noqa: E402  (what is missing has to be told first)
import numpy as np  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402

STEPS_PER_ROW = 10


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 0 if sys.argv[1:] in (["--help"], ["-h"]) else 2
    digits = load_digits()
    rate = digits.images / 16.0  # [trial, row, column]
    edges = np.floor(np.arange(STEPS_PER_ROW + 1)[:, None, None, None] * rate + 0.5)
    spikes = np.diff(edges, axis=0) > 0  # [step, trial, row, column]
    x = spikes.transpose(1, 2, 0, 3).reshape(len(rate), 8 * STEPS_PER_ROW, 8).astype(np.uint8)
    order = np.random.RandomState(0).permutation(len(rate))
    split = np.zeros(len(rate), np.uint8)
    split[order[1200:1437]] = 1
    split[order[1437:]] = 2
    with h5py.File(sys.argv[1], "w") as out:
        out.create_dataset("x", data=x, compression=4)
        out["label"] = digits.target
        out["split"] = split
        out["window"] = [6 * STEPS_PER_ROW, 8 * STEPS_PER_ROW]
    print(f"{sys.argv[1]}: {np.bincount(split).tolist()} trials for training, validation, test; "
          f"{x.sum(axis=(1, 2)).mean():.0f} spikes each")
    return 0


if __name__ == "__main__":
    memprop_terminal.run(main)
