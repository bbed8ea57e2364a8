#!/usr/bin/python3
"""End-to-end tests of what runs report of single trials: answers and intervals in run.h5, memory, R2, histories."""

import json
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1))
INTERVALS = """
[task]
name = "interval_discrimination"
samples = 10
validation_samples = 20
test_samples = 60
fresh_trials = true
interval_min_seconds = 0.012
interval_max_seconds = 0.05
gap_seconds = 0.005
delay_seconds = 0.01
response_seconds = 0.01
cue_rate_hz = 200.0
[network]
inputs = 20
recurrent = 12
outputs = 2
threshold = 0.2
[learning]
loss = "cross_entropy"
batch = 5
[run]
epochs = 3
validate_every = 1
"""
SPLITS = {"training": 10, "validation": 20, "test": 60}


def nested(values):
    return numpy.array([[math.nan if v is None else v for v in row] for row in values])


def quintile_parts(of, by, label):
    """Part of `of`, by label and quintile of `by`."""
    place = numpy.digitize(by, numpy.quantile(by, [0.2, 0.4, 0.6, 0.8]))
    return numpy.array([[of[(label == k) & (place == q)].mean() if ((label == k) & (place == q)).any() else math.nan
                         for q in range(5)] for k in range(2)])


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def train(self, text, name, *arguments):
        """result, run.h5, what is said."""
        file = self.scratch / "experiment.toml"
        file.write_text(text)
        done = subprocess.run([MEMPROP, "train", file, "--json", "--out", self.scratch / name, *arguments],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return (json.loads(done.stdout.splitlines()[-1], parse_constant=self.fail),
                h5py.File(self.scratch / name / "run.h5"), done.stderr)


class Intervals(Case):
    def check(self, result, run, epochs):
        metrics = result["metrics"]
        self.assertEqual(set(run["answers"]), set(SPLITS))
        for split, trials in SPLITS.items():
            of_split = {name: values[()] for name, values in run["answers"][split].items()}
            self.assertEqual(set(of_split), {"trial", "label", "answer", "first_seconds", "second_seconds"})
            first, second, label, answer = (of_split[n] for n in ("first_seconds", "second_seconds", "label", "answer"))
            begin = (epochs - 1) * trials if split == "training" else 0
            numpy.testing.assert_array_equal(of_split["trial"], numpy.arange(begin, begin + trials))
            numpy.testing.assert_array_equal(label, second > first)
            numpy.testing.assert_allclose(first, numpy.round(first, 3), atol=1e-12)  # whole steps
            self.assertTrue(set(answer) <= {0, 1})
            self.assertTrue(((second >= 0.012) & (second <= 0.05)).all())
            accuracy = metrics["train_accuracy" if split == "training" else f"{split}_accuracy"]
            self.assertAlmostEqual(numpy.mean(answer == label), accuracy, places=12)
            if split == "training":
                continue
            self.assertEqual(metrics[f"{split}_memory_free_accuracy"], 0.5)
            numpy.testing.assert_allclose(nested(metrics[f"{split}_correct_by_quintile"]),
                                          quintile_parts(answer == label, first, label), rtol=1e-12)
            numpy.testing.assert_allclose(nested(metrics[f"{split}_psychometric_curve"]),
                                          quintile_parts(answer == 1, second, label), rtol=1e-12)
            above = first > math.sqrt(0.012 * 0.05)
            self.assertAlmostEqual(metrics[f"{split}_contraction_bias"],
                                   answer[above].mean() - answer[~above].mean(), places=12)
            confusion = [[int(((label == k) & (answer == a)).sum()) for a in range(2)] for k in range(2)]
            self.assertEqual(metrics[f"{split}_confusion"], confusion)
        self.assertEqual(len(metrics["validation_accuracy_history"]), epochs)

    def test_answers_and_intervals_of_every_trial_on_both_engines(self):
        result, run, said = self.train(INTERVALS, "functional")
        self.check(result, run, 3)
        self.assertIn(f"test_memory      {result['metrics']['test_memory']}", said)
        on_chip, chip_run, _ = self.train(INTERVALS, "cycle", "--engine", "cycle")
        self.check(on_chip, chip_run, 3)
        self.assertEqual(on_chip["metrics"], result["metrics"])
        for split in SPLITS:
            for name, values in run["answers"][split].items():
                numpy.testing.assert_array_equal(chip_run["answers"][split][name][()], values[()])

    def test_an_evaluation_shows_the_first_trials(self):
        self.train(INTERVALS, "trained")
        checkpoint = self.scratch / "trained/checkpoint.h5"
        result, run, _ = self.train(INTERVALS, "evaluated", "--init", checkpoint, "--evaluate")
        numpy.testing.assert_array_equal(run["answers/training/trial"], numpy.arange(10))
        answers = run["answers/training"]
        self.assertAlmostEqual(numpy.mean(answers["answer"][()] == answers["label"][()]),
                               result["metrics"]["train_accuracy"], places=12)

    def test_a_network_that_cannot_hear_has_no_memory_in_words(self):
        # Noise alone: the readouts know nothing of either interval.
        result, _, said = self.train(INTERVALS.replace("cue_rate_hz = 200.0", "cue_rate_hz = 0.0"), "deaf")
        self.assertRegex(result["metrics"]["test_memory"],
                         "^(not defined|too few|no memory)")
        self.assertIn("test_memory  ", said)
        self.assertIn("test_memory_free_accuracy 50.00 %", said)

    def test_intervals_that_steps_cannot_tell_apart_are_refused(self):
        file = self.scratch / "experiment.toml"
        file.write_text(INTERVALS)
        done = subprocess.run([MEMPROP, "train", file, "--set", "task.interval_ratio=1.05", "--out",
                               self.scratch / "x"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("task.interval_ratio = 1.05", done.stderr)
        self.assertFalse((self.scratch / "x").exists())


class Regression(Case):
    def test_r2_and_no_history_of_what_there_is_not(self):
        rng = numpy.random.default_rng(4)
        data = self.scratch / "data.h5"
        split = numpy.array([0] * 6 + [1] * 3 + [2] * 4)
        target = rng.normal([0.3, -1.0], [0.2, 0.6], (13, 30, 2))
        with h5py.File(data, "w") as out:
            out["x"] = rng.random((13, 30, 10)) < 0.1
            out["target"] = target
            out["split"] = split
            out["window"] = [4, 25]
        text = (f'[task]\nname = "dataset"\nfile = "{data}"\n[network]\nthreshold = 0.03\nrecurrent = 20\n'
                '[run]\nepochs = 4\nvalidate_every = 2\n')
        result, run, said = self.train(text, "regression")
        metrics = result["metrics"]
        for name, number, loss in [("r2", 0, result["final_loss"]), ("validation_r2", 1, metrics["validation_loss"]),
                                   ("test_r2", 2, metrics["test_loss"])]:
            wanted = target[split == number][:, 4:25]
            variance = ((wanted - wanted.mean(axis=(0, 1))) ** 2).mean()
            self.assertAlmostEqual(metrics[name], 1 - loss / variance, places=9)
            self.assertIn(f"{name:<16} {metrics[name]:.4f}", said)
        # The same from the recorded readouts of the last epoch.
        output = numpy.array([run[f"trials/{i}/output"][4:25] for i in range(6)])
        wanted = target[split == 0][:, 4:25]
        errors = ((output - wanted) ** 2).sum() / ((wanted - wanted.mean(axis=(0, 1))) ** 2).sum()
        self.assertAlmostEqual(metrics["r2"], 1 - errors, delta=1e-5)  # recorded in single precision
        self.assertEqual(len(metrics["validation_loss_history"]), 2)
        self.assertFalse([name for name in metrics if "accuracy" in name or "confusion" in name])
        self.assertNotIn("answers", run)
        header = (self.scratch / "regression/history.csv").read_text().splitlines()[0]
        self.assertNotIn("accuracy", header)

    def test_targets_that_do_not_vary_have_no_r2(self):
        data = self.scratch / "data.h5"
        with h5py.File(data, "w") as out:
            out["x"] = numpy.ones((2, 10, 3), dtype="u1")
            out["target"] = numpy.full((2, 10, 1), 0.1)
        result, _, _ = self.train(f'[task]\nname = "dataset"\nfile = "{data}"\n[run]\nepochs = 1\n', "flat")
        self.assertIsNone(result["metrics"]["r2"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
