#!/usr/bin/python3
"""Runs `memprop train` on the published regression case and compares it with the recorded numbers.

usage: golden_regression.py MEMPROP EXPERIMENT.toml CASE.npz
"""
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np


def convert(case, path):
    """The case in the layout of the task golden."""
    with h5py.File(path, "w") as out:
        out["x"] = np.unpackbits(case["x"], axis=-1)[None, None, :, :100]
        out["target"] = case["target"][None, None, :, None]
        out["window"] = np.array([0, case["target"].size])
        for name in ("w_in", "w_rec", "w_out", "b_fb"):
            out[name] = case[name]


def train(memprop, experiment, data, directory, precision):
    result = subprocess.run(
        [memprop, "train", experiment, "--set", f"task.file={data}", "--set", f"run.precision={precision}",
         "--out", directory, "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(result.splitlines()[-1]), h5py.File(os.path.join(directory, "run.h5"))["golden"]


def main():
    memprop, experiment, npz = sys.argv[1:]
    case = np.load(npz)
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        data = os.path.join(scratch, "case.h5")
        convert(case, data)
        for precision, tolerance in (("double", 1e-10), ("single", 1e-6)):
            out, golden = train(memprop, experiment, data, os.path.join(scratch, precision), precision)
            spikes = np.unpackbits(case["z"], axis=-1)[:, None, :, :100]
            weights = {n: np.abs(golden[n][()] - case["wfinal_" + n]).max() for n in ("w_in", "w_rec", "w_out")}
            checks = {
                "losses": np.abs(golden["loss"][()] / case["loss"] - 1).max() <= tolerance,
                "reported losses": np.array_equal(out["loss_history"], golden["loss"][()]),
                "spikes": np.array_equal(golden["z"][()], spikes),
                "readouts": np.abs(golden["y"][:, 0, :, 0] - case["y"]).max() <= tolerance,
                "final weights": max(weights.values()) <= tolerance,
            }
            print(precision, "relative error of the losses", golden["loss"][()] / case["loss"] - 1,
                  "of the final weights", weights)
            for what, holds in checks.items():
                if not holds:
                    print(f"FAILED: {what}, {precision} precision")
                    failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
