#!/usr/bin/python3
"""End-to-end tests of `memprop train`, `config` and `characterize`: as a user types them."""

import csv
import io
import json
import math
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1))
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHORT = ["--set", "run.epochs=4", "--set", "task.steps=120", "--set", "network.recurrent=30"]


def memprop(*arguments, **options):
    return subprocess.run([MEMPROP, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False,
                          **options)


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.experiment = self.scratch / "experiment.toml"
        self.experiment.write_text('[update]\nscheme = "mixed_precision"\n')

    def refused(self, *arguments, code=2, contains=()):
        done = memprop(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        for text in contains:
            self.assertIn(text, done.stderr)
        return done

    def train(self, *arguments, **options):
        done = memprop("train", *arguments, "--json", **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])


class Results(Case):
    def test_directory_and_json(self):
        out = self.scratch / "out"
        result = self.train(self.experiment, *SHORT, "--out", out, "--seed", 7)
        self.assertEqual({p.name for p in out.iterdir()},
                         {"result.json", "history.csv", "run.h5", "checkpoint.h5", "config.toml", "network.json"})
        self.assertEqual(json.loads((out / "result.json").read_text()), result)
        self.assertEqual(len(result["loss_history"]), 4)
        self.assertEqual(result["epochs"], 4)
        self.assertEqual(result["steps"], 4 * 3 * 120)
        self.assertEqual(result["seed"], 7)
        self.assertEqual(result["final_loss"], result["loss_history"][-1])
        energy = dict(result["energy_j"])
        self.assertAlmostEqual(energy.pop("total"), sum(energy.values()), delta=1e-18)
        rows = list(csv.DictReader(io.StringIO((out / "history.csv").read_text())))
        self.assertEqual([float(row["loss"]) for row in rows], result["loss_history"])

    def test_accuracy_means_the_same_whatever_splits_there_are(self):
        task = ["--set", "task.name=cue_accumulation", "--set", "learning.loss=cross_entropy", "--set",
                "task.samples=24",
                "--set", "network.outputs=2", "--set", "update.scheme=vanilla", "--set", "learning.optimizer=adam",
                "--set", "task.delay_seconds=0.01", "--set", "task.cue_seconds=0.02", "--set", "task.gap_seconds=0.01",
                "--set", "run.epochs=12", "--set", "network.threshold=0.3", "--set", "learning.lr=5e-3"]
        splits = ["--set", "task.validation_samples=8", "--set", "task.test_samples=8"]
        alone = self.train(self.experiment, *task, "--out", self.scratch / "alone")
        split = self.train(self.experiment, *task, *splits, "--out", self.scratch / "split")
        history = alone["metrics"]["train_accuracy_history"]
        self.assertGreater(len(set(history)), 1)  # or the last epoch could not be told from a mean
        for result in (alone, split):
            self.assertEqual(result["final_loss"], alone["loss_history"][-1])
            self.assertEqual(result["metrics"]["train_accuracy"], history[-1])
            self.assertEqual(result["metrics"]["accuracy"], history[-1])
        self.assertNotIn("test_accuracy", alone["metrics"])
        self.assertEqual(sum(map(sum, split["metrics"]["test_confusion"])), 8)
        # Without learning an epoch and an evaluation show the same.
        frozen = [*task, "--set", "learning.lr=0", "--set", "learning.lr_out=0", "--set", "run.epochs=1"]
        still = self.train(self.experiment, *frozen, "--out", self.scratch / "still")
        evaluated = self.train(self.experiment, *frozen, "--init", self.scratch / "still/checkpoint.h5", "--evaluate",
                               "--out", self.scratch / "evaluated")
        self.assertAlmostEqual(evaluated["final_loss"], still["final_loss"], places=12)
        for key in ("accuracy", "train_accuracy"):
            self.assertEqual(evaluated["metrics"][key], still["metrics"][key])

    def test_printed_energies_add_up(self):
        for more in ([], ["--engine", "cycle"], ["--set", "crossbar.adc_bits=8", "--set",
                     "crossbar.energy.adc_conversion_pj=2", "--set", "crossbar.wires.r_wl_ohm=5"]):
            with self.subTest(more):
                done = memprop("train", self.experiment, *SHORT, *more, "--out", self.scratch / str(len(more)))
                self.assertEqual(done.returncode, 0, done.stderr)
                line = next(line for line in done.stdout.splitlines() if line.startswith("energy  "))
                total, *parts = [float(number) for number in re.findall(r"[0-9]+\.[0-9]{3}", line)]
                self.assertLessEqual(abs(total - sum(parts)), 0.0005 * (len(parts) + 1) + 1e-9, line)
                self.assertIn("last epoch", done.stdout)

    def test_recording_agrees_with_the_summary(self):
        out = self.scratch / "out"
        result = self.train(self.experiment, *SHORT, "--out", out)
        with h5py.File(out / "run.h5") as run:
            errors = [numpy.mean((run[f"trials/{k}/output"][:].astype(float) - run[f"trials/{k}/target"][:]) ** 2)
                      for k in range(3)]
            self.assertAlmostEqual(numpy.mean(errors), result["loss_history"][-1], delta=1e-6)
            self.assertEqual(run["weights/w_in"].shape, (30, 100))
            pulses = sum(int(run[f"devices/{w}/set_pulses"][:].sum()) for w in ("w_in", "w_rec", "w_out"))
            self.assertEqual(pulses, result["pulses"]["set"])
            most = max(int((run[f"devices/{w}/set_pulses"][:] + run[f"devices/{w}/reset_pulses"][:]).max())
                       for w in ("w_in", "w_rec", "w_out"))
            self.assertEqual(most, result["pulses_per_device_max"])
            self.assertTrue(numpy.all(numpy.diagonal(run["weights/w_rec"][:]) == 0))

    def test_resolved_file_gives_the_same_run(self):
        first = self.train(self.experiment, *SHORT, "--out", self.scratch / "a", "--set", "crossbar.read_noise_scale=2")
        second = self.train(self.scratch / "a/config.toml", "--out", self.scratch / "b")
        self.assertEqual(first["loss_history"], second["loss_history"])

    def test_every_example_runs(self):
        for index, file in enumerate(sorted((ROOT / "examples").glob("pattern_generation_*.toml"))):
            with self.subTest(file.name):
                result = self.train(file, "--set", "run.epochs=1", "--out", self.scratch / str(index))
                self.assertTrue(math.isfinite(result["final_loss"]))

    def test_list_names_everything(self):
        done = memprop("train", "--list")
        self.assertEqual(done.returncode, 0)
        for name in ("pattern_generation", "pcm_nandakumar2018", "ideal", "vanilla", "sign", "stochastic",
                     "multi_device", "mixed_precision", "batch_accumulate", "lif"):
            self.assertIn(f"  {name} ", done.stdout)

    def test_plots(self):
        out = self.scratch / "out"
        self.train(self.experiment, *SHORT, "--out", out)
        done = subprocess.run([ROOT / "scripts/plot.py", out], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("learning_curve", "output", "raster", "conductances", "pulses"):
            self.assertGreater((out / f"plots/{name}.png").stat().st_size, 5000)


class Repeatability(Case):
    def test_same_seed_same_bits_at_every_simd_level(self):
        runs = []
        for index, level in enumerate(("scalar", "sse4", "avx2", "avx512")):
            done = memprop("train", self.experiment, *SHORT, "--out", self.scratch / str(index), "--json",
                           env=os.environ | {"MEMPROP_SIMD": level})
            if done.returncode == 2 and "this machine has" in done.stderr:
                continue
            self.assertEqual(done.returncode, 0, done.stderr)
            runs.append(json.loads(done.stdout.splitlines()[-1])["loss_history"])
        self.assertGreaterEqual(len(runs), 1)
        self.assertTrue(all(run == runs[0] for run in runs))

    def test_other_seed_other_run(self):
        a = self.train(self.experiment, *SHORT, "--out", self.scratch / "a", "--seed", 1)
        b = self.train(self.experiment, *SHORT, "--out", self.scratch / "b", "--seed", 2)
        self.assertNotEqual(a["loss_history"], b["loss_history"])

    def test_unknown_simd_level(self):
        done = memprop("train", "--list", env=os.environ | {"MEMPROP_SIMD": "avx1024"})
        self.assertEqual(done.returncode, 2)
        self.assertIn("scalar", done.stderr)

    def test_interrupt_and_resume(self):
        whole = self.train(self.experiment, *SHORT, "--set", "run.epochs=400", "--out", self.scratch / "whole")
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            out = self.scratch / f"cut{code}"
            process = subprocess.Popen([MEMPROP, "train", self.experiment, *SHORT, "--set", "run.epochs=400", "--out",
                                        out], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            while not (out / "config.toml").exists():
                time.sleep(0.002)
            time.sleep(0.03)
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code, errors)
            self.assertEqual({p.name for p in out.iterdir()}, {"config.toml", "checkpoint.h5"})
            resumed = self.train("--resume", out)
            self.assertEqual(resumed["loss_history"], whole["loss_history"])
            self.assertEqual(resumed["pulses"], whole["pulses"])
            with h5py.File(out / "run.h5") as a, h5py.File(self.scratch / "whole/run.h5") as b:
                for path in ("trials/0/spikes", "trials/2/output", "devices/w_rec/conductance_us", "weights/w_out"):
                    self.assertTrue(numpy.array_equal(a[path][:], b[path][:]), path)

    def test_more_epochs(self):
        out = self.scratch / "out"
        self.train(self.experiment, *SHORT, "--out", out)
        longer = self.train("--resume", out, "--set", "run.epochs=7")
        whole = self.train(self.experiment, *SHORT, "--set", "run.epochs=7", "--out", self.scratch / "whole")
        self.assertEqual(longer["loss_history"], whole["loss_history"])

    def test_evaluate(self):
        out = self.scratch / "out"
        self.train(self.experiment, *SHORT, "--out", out)
        quiet = ["--set", "crossbar.read_noise_scale=0", "--set", "crossbar.drift_scale=0"]
        runs = [self.train(self.experiment, *SHORT, *quiet, "--init", out / "checkpoint.h5", "--evaluate", "--out",
                           self.scratch / name) for name in ("a", "b")]
        self.assertEqual(runs[0]["final_loss"], runs[1]["final_loss"])
        self.assertEqual(runs[0]["epochs"], 1)
        self.assertEqual(runs[0]["pulses"]["set"], 0)

    def test_init_keeps_the_start_of_drift_compensation(self):
        settings = [*SHORT, "--set", "crossbar.read_noise_scale=0", "--set", "task.samples=1",
                    "--set", "task.update_interval_seconds=1e4"]
        on, off = (["--set", f"crossbar.drift_compensation={value}"] for value in ("true", "false"))
        # Initial weights that differ from those of the donor: their magnitude must play no part.
        other = [argument for layer in ("in", "rec", "out") for argument in ("--set", f"network.init_std_{layer}=0.5")]

        def evaluate(donor, *more):
            return self.train(self.experiment, *settings, *other, *more, "--init", donor / "checkpoint.h5",
                              "--evaluate", "--out",
                              self.scratch / f"evaluated{len(list(self.scratch.iterdir()))}")["final_loss"]

        compensated, plain = self.scratch / "compensated", self.scratch / "plain"
        self.train(self.experiment, *settings, *on, "--out", compensated)
        self.train(self.experiment, *settings, *off, "--out", plain)
        from_compensated, uncompensated = evaluate(compensated, *on), evaluate(compensated, *off)
        longer = self.train("--resume", compensated, "--set", "run.epochs=5")
        self.assertEqual(from_compensated, longer["loss_history"][4])  # before its update
        self.assertNotEqual(from_compensated, uncompensated)
        # The end of training without compensation is where compensation starts: nothing to do yet.
        self.assertEqual(evaluate(plain, *on), evaluate(plain, *off))

    def test_a_year_later_compensation_finds_what_was_trained(self):
        settings = ["--set", "run.epochs=40", "--set", "task.steps=300", "--set", "crossbar.weight_scale_per_us=0.04",
                    "--set", "crossbar.weight_scale_out_per_us=0.1", "--set", "network.init_std_rec=0.044"]
        out = self.scratch / "trained"
        trained = self.train(self.experiment, *settings, "--out", out)["final_loss"]
        later = [self.train(self.experiment, *settings, "--init", out / "checkpoint.h5", "--evaluate", "--set",
                            "task.update_interval_seconds=3e7", "--set", f"crossbar.drift_compensation={on}", "--out",
                            self.scratch / on)["final_loss"] for on in ("true", "false")]
        self.assertLess(later[0], 3 * trained)
        self.assertLess(later[0], later[1])


class ProgrammingWarnings(Case):
    def warnings(self, *arguments):
        done = memprop("train", *arguments, "--out", self.scratch / f"{len(list(self.scratch.iterdir()))}")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line for line in done.stderr.splitlines() if line.startswith("memprop: warning: ")]

    def test_weights_beyond_the_devices_are_said(self):
        numbers = self.scratch / "numbers"
        large = ["--set", "network.init_std_in=1.2", "--set", "run.epochs=1"]
        self.train(self.experiment, *SHORT, *large, "--set", "update.scheme=vanilla", "--out", numbers)
        init = ["--init", numbers / "checkpoint.h5", *SHORT]
        for more in (["--evaluate"], []):
            lines = self.warnings(self.experiment, *init, *more)
            self.assertEqual(len(lines), 1, lines)
            self.assertIn("w_in: ", lines[0])
            self.assertIn("clipped", lines[0])
            scale = lines[0].split("crossbar.weight_scale_per_us = ")[1].split()[0]
            # What it names mends it.
            self.assertEqual(self.warnings(self.experiment, *init, *more,
                                           "--set", f"crossbar.weight_scale_per_us={scale}",
                                           "--set", "crossbar.programming.method=write_verify"), [])
        self.assertEqual(len(self.warnings(self.experiment, *SHORT, *large)), 1)

    def test_devices_that_miss_their_weights_are_said_and_good_ones_not(self):
        self.assertEqual(self.warnings(self.experiment, *SHORT), [])
        lines = self.warnings(self.experiment, *SHORT, "--set", "update.epsilon_us=0.1",
                              "--set", "network.init_std_in=0.1", "--set", "crossbar.weight_scale_per_us=0.027")
        self.assertEqual([line.split()[2] for line in lines if "w_in" in line], ["w_in:"], lines)
        self.assertTrue(any("update.epsilon_us" in line for line in lines), lines)


class BadInput(Case):
    def test_experiment_values(self):
        for text, expected in (
            ("[crosbar]\nbits = 3\n", ["experiment.toml:1:", "crosbar", "crossbar"]),
            ("[crossbar]\n\ng_max = 3\n", ["experiment.toml:3:1", "crossbar.g_max", "crossbar.g_max_us"]),
            ("[crossbar]\ng_max_us = -1\n", ["experiment.toml:2:", "crossbar.g_max_us = -1", "[1e-06, 1000000]"]),
            ("[crossbar]\ng_max_us = nan\n", ["crossbar.g_max_us = nan", "must be a number in"]),
            ("[crossbar]\ng_max_us = inf\n", ["crossbar.g_max_us = inf"]),
            ("[crossbar]\nbits = 2.5\n", ["crossbar.bits = 2.5", "whole number"]),
            ("[crossbar]\ndevice = 7\n", ["crossbar.device = 7", "must be a string"]),
            ("[crossbar]\ndevice = 'pcm'\n", ["crossbar.device = pcm", "pcm_nandakumar2018"]),
            ("[update]\nscheme = 'mixed'\n", ["update.scheme = mixed", "mixed_precision"]),
            ("[task]\nname = 'mnist'\n", ["task.name = mnist", "pattern_generation"]),
            ("[learning]\ngradient = 'bptt'\n", ["learning.gradient", "factorised, online"]),
            ("[crossbar]\nclamp_reads = true\n", ["crossbar.clamp_reads", "per_device"]),
            ("[run\n", ["experiment.toml:1:"]),
            ("run = 3\n", ["run = 3", "must be a table"]),
        ):
            with self.subTest(text):
                self.experiment.write_text(text)
                self.refused("train", self.experiment, "--out", self.scratch / "out", contains=expected)
                self.assertFalse((self.scratch / "out").exists())

    def test_command_line(self):
        for arguments, expected in (
            (["train"], ["experiment"]),
            (["train", self.scratch / "missing.toml"], ["missing.toml", "No such file"]),
            (["train", self.scratch], ["is a directory"]),
            (["train", self.experiment, "--set", "bits"], ["--set bits", "key=value"]),
            (["train", self.experiment, "--sed", "1"], ["--sed"]),
            (["train", self.experiment, "--seed", "x"], ["--seed"]),
            (["train", self.experiment, "--evaluate"], ["--init"]),
            (["train", self.experiment, "--engine", "cycle9"], ["run.engine"]),
            (["trian", self.experiment], ["trian"]),
            (["characterize", "pcm"], ["pcm_nandakumar2018"]),
            (["characterize", "ideal", "--curve", "x"], ["--curve", "staircase"]),
            (["characterize", "ideal", "--devices", "0"], ["--devices"]),
            (["characterize", "ideal", "--interval", "nan"], ["--interval"]),
        ):
            with self.subTest(arguments):
                self.refused(*arguments, contains=expected)

    def test_existing_directory_is_left_alone(self):
        out = self.scratch / "out"
        out.mkdir()
        (out / "precious").write_text("x")
        self.refused("train", self.experiment, *SHORT, "--out", out, contains=["out", "exists"])
        self.assertEqual([p.name for p in out.iterdir()], ["precious"])

    def test_damaged_checkpoints(self):
        out = self.scratch / "out"
        self.train(self.experiment, *SHORT, "--out", out)
        whole = (out / "checkpoint.h5").read_bytes()
        for name, content in (("truncated", whole[: len(whole) // 2]), ("empty", b""), ("text", b"hello\n" * 99)):
            with self.subTest(name):
                (out / "checkpoint.h5").write_bytes(content)
                self.refused("train", "--resume", out, contains=["checkpoint.h5"])
                self.assertEqual((out / "checkpoint.h5").read_bytes(), content)
        (out / "checkpoint.h5").write_bytes(whole)
        with h5py.File(out / "checkpoint.h5", "a") as file:
            del file["state/w_in/devices/pulse_memory"]
        self.refused("train", "--resume", out, contains=["checkpoint.h5", "seal"])

    def test_resume_with_other_settings(self):
        out = self.scratch / "out"
        self.train(self.experiment, *SHORT, "--out", out)
        self.refused("train", "--resume", out, "--set", "learning.lr=0.1", contains=["learning.lr"])
        self.refused("train", "--resume", out, "--set", "run.epochs=2", contains=["run.epochs"])
        self.refused("train", "--resume", self.scratch / "nowhere", contains=["nowhere"])

    def test_a_full_disk_keeps_the_old_checkpoint(self):
        out = self.scratch / "out"
        self.train(self.experiment, *SHORT, "--out", out)
        before = (out / "checkpoint.h5").read_bytes()
        limit = len(before) // 2
        done = memprop("train", "--resume", out, "--set", "run.epochs=8",
                       preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                                           resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("checkpoint.h5", done.stderr)
        self.assertEqual((out / "checkpoint.h5").read_bytes(), before)
        self.assertEqual([p.name for p in out.iterdir() if "tmp" in p.name], [])
        longer = self.train("--resume", out, "--set", "run.epochs=8")
        self.assertEqual(longer["epochs"], 8)

    def test_diverging_learning_is_reported(self):
        self.refused("train", self.experiment, "--set", "update.scheme=vanilla", "--set", "learning.lr=1e6", "--set",
                     "learning.lr_out=1e6", "--out", self.scratch / "a", code=1, contains=["diverged"])


class Commands(Case):
    def test_help(self):
        for arguments in (["--help"], ["train", "--help"], ["config", "--help"], ["characterize", "-h"]):
            done = memprop(*arguments)
            self.assertEqual(done.returncode, 0)
            self.assertGreater(len(done.stdout), 200)

    def test_config_round_trip(self):
        first = memprop("config", self.experiment, "--set", "run.seed=9", "--set", "crossbar.energy.source=a \"b\" \\c")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.experiment.write_text(first.stdout)
        self.assertEqual(memprop("config", self.experiment).stdout, first.stdout)

    def test_characterize(self):
        done = memprop("characterize", "ideal", "--set", "crossbar.bits=3", "--set", "crossbar.g_max_us=8",
                       "--pulses", 10)
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertEqual([float(row["mean_us"]) for row in rows], [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8])
        file = self.scratch / "reset.csv"
        self.assertEqual(memprop("characterize", "pcm_nandakumar2018", "--curve", "reset", "--csv", file).returncode, 0)
        rows = list(csv.DictReader(io.StringIO(file.read_text())))
        self.assertGreater(float(rows[0]["mean_us"]), 5)
        self.assertAlmostEqual(float(rows[1]["mean_us"]), 0.1, delta=4 * 0.14 / 100)


if __name__ == "__main__":
    unittest.main(verbosity=2)
