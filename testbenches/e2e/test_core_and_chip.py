#!/usr/bin/python3
"""End-to-end test of examples/core_and_chip: both learn, and what it reports is what the runs left behind."""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1)).resolve()
EXAMPLE = pathlib.Path(__file__).resolve().parent.parent.parent / "examples/core_and_chip"
sys.path.insert(0, str(EXAMPLE))
sys.dont_write_bytecode = True
import cue_trials  # noqa: E402  (the path has to be known first)

EPOCHS, TRAINING, HELD_OUT = 3, 80, 40


def example(*arguments):
    return subprocess.run([sys.executable, "-B", EXAMPLE / "train.py", "--memprop", MEMPROP, *map(str, arguments)],
                          capture_output=True, text=True, timeout=600 if "MEMPROP_SANITIZED" in os.environ else 120,
                          check=False)


def read_dat(file):
    """Trials as [step, input] arrays, and labels."""
    numbers = [tuple(map(int, line.split(","))) for line in file.read_text().splitlines()[1:]]
    trials, labels, trial = [], [], numpy.zeros((cue_trials.STEPS, cue_trials.INPUTS), numpy.uint8)
    for index, value in numbers:
        if index == -1:
            trials.append(trial)
            trial = numpy.zeros_like(trial)
        elif index == -2:
            labels.append(value)
        else:
            trial[value, index] = 1
    return numpy.array(trials), numpy.array(labels)


class Trials(unittest.TestCase):
    def test_the_label_is_the_side_with_more_spikes(self):
        x, label = cue_trials.draw_trials(numpy.random.default_rng(7), 200)
        count = x[:, :cue_trials.RECALL_STEP].reshape(200, -1, cue_trials.GROUPS, cue_trials.GROUP).sum(axis=(1, 3))
        # A cue has 40 +- 6 spikes: one cue more is two standard deviations of the difference of all.
        self.assertGreater(numpy.mean((count[:, 1] > count[:, 0]) == label), 0.95)
        self.assertLess(abs(label.mean() - 0.5), 4 * 0.5 / 200**0.5)
        self.assertEqual(count[:, cue_trials.RECALL].sum(), 0)
        self.assertEqual(x[:, 1050:cue_trials.RECALL_STEP, :30].sum(), 0)  # nothing but background to remember by
        self.assertAlmostEqual(x[:, :, 30:].mean(), 0.01, delta=4 * (0.01 / (200 * 2250 * 10)) ** 0.5)


class Example(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.out = pathlib.Path(scratch.name) / "out"
        done = example("--seeds", "11-11", "--epochs", EPOCHS, "--training", TRAINING, "--held-out", HELD_OUT, "--out",
                       cls.out, "--json")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.printed = json.loads(done.stdout.splitlines()[-1])
        cls.progress = done.stderr
        cls.runs = {run["hardware"]: run for run in cls.printed["runs"]}

    def test_both_learn(self):
        for name, run in self.runs.items():
            held_out = run["accuracy"]["held_out"]
            self.assertEqual(len(held_out), EPOCHS)
            self.assertGreaterEqual(held_out[-1], 0.8, name)  # guessing: 0.5, standard deviation 0.08
            self.assertEqual(self.printed["summary"][name]["held_out_accuracy"], [held_out[-1]] * 3)

    def test_both_see_the_same_trials(self):
        with h5py.File(self.out / "seed-11/trials.h5") as file:
            x, label, split = file["x"][:], file["label"][:], file["split"][:]
        for name, code in (("training", 0), ("held_out", 1)):
            trials, labels = read_dat(self.out / f"seed-11/{name}.dat")
            numpy.testing.assert_array_equal(trials, x[split == code])
            numpy.testing.assert_array_equal(labels, label[split == code])
        self.assertFalse(any(numpy.array_equal(a, b) for a in x[split == 0] for b in x[split == 1]))

    def test_the_core_is_charged_for_what_it_did(self):
        x, _ = read_dat(self.out / "seed-11/held_out.dat")
        with open(self.out / "seed-11/core/spikes.csv", newline="", encoding="utf-8") as file:
            steps = [int(row["step"]) for row in csv.DictReader(file) if row["split"] == "test"]
        delivered = sum(step < cue_trials.STEPS - 1 for step in steps)  # the spikes of the last step reach nothing
        last = self.runs["core"]["held_out"][-1]
        self.assertAlmostEqual(last["synaptic_operations"] * HELD_OUT, 100 * x.sum() + 102 * delivered)
        self.assertAlmostEqual(last["energy_j"]["synaptic_operations"], 5.3e-12 * last["synaptic_operations"], 15)
        self.assertEqual(last["energy_j"]["weight_updates"], 0.0)
        for training in self.runs["core"]["training"]:
            self.assertGreater(training["energy_j"]["weight_updates"], 0.0)
            self.assertGreater(training["cycles"], last["cycles"])

    def test_the_chip_is_charged_for_what_it_did(self):
        result = json.loads((self.out / "seed-11/chip/result.json").read_text())
        run = self.runs["chip"]
        cycles = sum(count * p["cycles"] for count, passes in ((TRAINING, "training"), (HELD_OUT, "held_out"))
                     for p in run[passes])
        self.assertAlmostEqual(result["cycles"], result["chip"]["load_cycles"] + cycles, delta=0.001 * cycles)
        operations = 0
        with h5py.File(self.out / "seed-11/chip/run.h5") as file:
            for trial in file["trials"].values():
                steps = trial["spikes"][:, 0]
                operations += 100 * len(trial["input"]) + 100 * sum(steps < cue_trials.STEPS - 1) + 2 * len(steps)
            trials = len(file["trials"])
        self.assertEqual(trials, TRAINING)
        self.assertAlmostEqual(run["training"][-1]["synaptic_operations"] * TRAINING, operations)

    def test_what_it_leaves(self):
        self.assertEqual(json.loads((self.out / "result.json").read_text()), self.printed)
        self.assertEqual((self.out / "core_and_chip.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        self.assertIn("[2/2] seed 11", self.progress)

    def test_refuses(self):
        for arguments, text in (((), "exists already"), (("--seeds", "3-1"), "the last seed is before the first"),
                                (("--epochs", "0"), "must be at least 1"), (("--memprop", "/none"), "not found")):
            out = self.out if not arguments else self.out.parent / "new"
            done = example("--out", out, *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(text, done.stderr)
            self.assertFalse((self.out.parent / "new").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
