#!/usr/bin/python3
"""End-to-end tests of `memprop export`, `run` and `train --init`: a network keeps its spikes on every way."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1))
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
QUIET = ["--set", "crossbar.read_noise_scale=0", "--set", "crossbar.drift_scale=0"]

PCM = """
[task]
steps = 400
[network]
recurrent = 140
[run]
epochs = 6
[crossbar]
tile_rows = 48
"""

VARIANTS = {
    "pcm": PCM,
    "pcm_several_devices": PCM + '[update]\nscheme = "multi_device"\ndevices_per_polarity = 3\n',
    "ideal": '[task]\nsteps = 300\n[run]\nepochs = 5\n[update]\nscheme = "vanilla"\n',
    "double": '[task]\nsteps = 300\n[run]\nepochs = 3\nprecision = "double"\n[update]\nscheme = "vanilla"\n',
    "reset_at_once": '[task]\nsteps = 300\n[run]\nepochs = 3\n[network]\nreset = "subtract"\nfiring_test = "above"\n'
                     'tau_membrane_max_seconds = 0.2\n',
    "reset_to_value": '[task]\nsteps = 300\n[run]\nepochs = 3\n[network]\nreset = "to_value"\nreset_value = -0.01\n'
                      'readout_delay_steps = 1\n',
    "unscaled_inputs": '[task]\nsteps = 300\n[run]\nepochs = 3\n[network]\ninput_scaling = "one"\n'
                       'readout_scaling = "one"\nthreshold = 0.6\n',
}


def memprop(*arguments, code=0, **options):
    done = subprocess.run([MEMPROP, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
                          **options)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


def result_of(done):
    return json.loads(done.stdout.splitlines()[-1])


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def train(self, text, name="trained", *arguments):
        experiment = self.scratch / f"{name}.toml"
        experiment.write_text(text)
        memprop("train", experiment, "--out", self.scratch / name, *arguments)
        return experiment, self.scratch / name / "checkpoint.h5"

    def evaluate(self, experiment, start, name):
        memprop("train", experiment, "--init", start, "--evaluate", *QUIET, "--out", self.scratch / name)
        with h5py.File(self.scratch / name / "run.h5") as run:
            return [{key: run[f"trials/{k}/{key}"][:] for key in ("input", "spikes", "output")} for k in range(3)]

    def write_events(self, events):
        file = self.scratch / "events.csv"
        file.write_text("step,index\n" + "".join(f"{step},{index}\n" for step, index in events))
        return file

    def run_network(self, network, events, steps, name, *arguments):
        out = self.scratch / name
        done = memprop("run", network, "--events", self.write_events(events), "--steps", steps, "--out", out, "--json",
                       *arguments)
        spikes = numpy.loadtxt(out / "spikes" / "lif.csv", delimiter=",", skiprows=1, dtype=int).reshape(-1, 2)
        output = numpy.loadtxt(out / "output.csv", delimiter=",", ndmin=2)
        return result_of(done), spikes, output


class RoundTrip(Case):
    def check(self, variant):
        experiment, checkpoint = self.train(VARIANTS[variant])
        network = self.scratch / "network.nir"
        memprop("export", checkpoint, "--out", network)
        trials = self.evaluate(experiment, checkpoint, "evaluated")
        self.assertGreater(sum(len(t["spikes"]) for t in trials), 100)
        for k, trial in enumerate(trials):
            steps = len(trial["output"])
            for file in (network, checkpoint):
                _, spikes, output = self.run_network(file, trial["input"], steps, f"run{k}{file.suffix}")
                numpy.testing.assert_array_equal(spikes, trial["spikes"])
                numpy.testing.assert_array_equal(output.astype(numpy.float32), trial["output"])

    def test_noise_off_gives_the_same_bits(self):
        for variant in VARIANTS:
            with self.subTest(variant):
                with tempfile.TemporaryDirectory() as scratch:
                    self.scratch = pathlib.Path(scratch)
                    self.check(variant)

    def test_plain_nir_semantics_give_nearly_the_same(self):
        """Without our metadata: the exponential integrator in double precision finds the same first spikes."""
        experiment, checkpoint = self.train(VARIANTS["ideal"])
        network = self.scratch / "network.nir"
        memprop("export", checkpoint, "--out", network)
        with h5py.File(network, "a") as file:
            self.assertEqual(file["node/metadata/memprop/reset"][()], b"subtract_next")
            threshold = file["node/nodes/lif/v_threshold"][0]
            self.assertEqual(numpy.nextafter(numpy.float32(threshold), numpy.float32(1)), numpy.float32(0.03))
            del file["node/metadata"]
        trial = self.evaluate(experiment, checkpoint, "evaluated")[0]
        _, spikes, _ = self.run_network(network, trial["input"], 60, "plain", "--integrator", "exponential", "--reset",
                                        "subtract_next")
        expected = trial["spikes"][trial["spikes"][:, 0] < 60]
        self.assertGreater(len(expected), 10)
        numpy.testing.assert_array_equal(spikes, expected)

    def test_what_nir_cannot_say_is_refused(self):
        _, checkpoint = self.train('[task]\nsteps = 50\n[run]\nepochs = 1\n[network]\nneuron = "alif"\n')
        done = memprop("export", checkpoint, "--out", self.scratch / "n.nir", code=2)
        self.assertIn("network.neuron = alif", done.stderr)
        _, checkpoint = self.train('[task]\nsteps = 50\n[run]\nepochs = 1\n[network]\nrefractory_steps = 4\n', "other")
        done = memprop("run", checkpoint, "--events", "-", "--out", self.scratch / "o", code=2)
        self.assertIn("network.refractory_steps = 4", done.stderr)
        self.assertFalse((self.scratch / "n.nir").exists())


class Init(Case):
    def test_a_network_trains_on_from_its_file(self):
        experiment, checkpoint = self.train(VARIANTS["ideal"])
        network = self.scratch / "network.nir"
        memprop("export", checkpoint, "--out", network)
        for a, b in zip(self.evaluate(experiment, checkpoint, "a"), self.evaluate(experiment, network, "b")):
            numpy.testing.assert_array_equal(a["spikes"], b["spikes"])
            numpy.testing.assert_array_equal(a["output"], b["output"])
        again = memprop("train", experiment, "--init", network, "--out", self.scratch / "again", "--json")
        fresh = json.loads((self.scratch / "trained" / "result.json").read_text())["loss_history"]
        self.assertLess(result_of(again)["loss_history"][0], fresh[0])

    def test_weights_go_onto_devices(self):
        experiment, checkpoint = self.train(VARIANTS["ideal"])
        network = self.scratch / "network.nir"
        memprop("export", checkpoint, "--out", network)
        memprop("train", experiment, "--init", network, "--out", self.scratch / "on_devices", "--evaluate",
                "--set", 'update.scheme="mixed_precision"', "--set", 'crossbar.device="ideal"', "--set",
                "crossbar.bits=12", "--set", 'crossbar.programming.method="write_verify"')
        with h5py.File(network) as file, h5py.File(self.scratch / "on_devices" / "run.h5") as run:
            wanted, got = file["node/nodes/w_in/weight"][:], run["weights/w_in"][:]
        self.assertGreater(numpy.corrcoef(wanted.ravel(), got.ravel())[0, 1], 0.97)

    def test_differences_are_named(self):
        experiment, checkpoint = self.train(VARIANTS["ideal"])
        network = self.scratch / "network.nir"
        memprop("export", checkpoint, "--out", network)
        for key, value, text in [("network.recurrent", 90, "node lif: has 100 elements, but network.recurrent = 90"),
                                 ("network.threshold", 0.04, "network.threshold = 0.04"),
                                 ("network.tau_membrane_seconds", 0.02, "network.tau_membrane_seconds = 0.02"),
                                 ("network.tau_readout_seconds", 0.02, "network.tau_readout_seconds = 0.02")]:
            done = memprop("train", experiment, "--init", network, "--set", f"{key}={value}", "--out",
                           self.scratch / "no", code=2)
            self.assertIn(text, done.stderr)
        self.assertFalse((self.scratch / "no").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
