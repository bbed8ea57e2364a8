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
    "pcm_layers": PCM.replace("recurrent = 140", "recurrent = 140\nlayers = 2\ndensity_rec = 0.5"),
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
        layers = sorted((out / "spikes").glob("*.csv"))  # lif, or layer1, layer2, ... of 140 neurons together
        spikes = numpy.concatenate([
            numpy.loadtxt(layer, delimiter=",", skiprows=1, dtype=int).reshape(-1, 2) + [0, k * (140 // len(layers))]
            for k, layer in enumerate(layers)])
        spikes = spikes[numpy.lexsort((spikes[:, 1], spikes[:, 0]))]
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
        for device, verified in [("pcm_nandakumar2018", True), ("pcm_inference", False)]:
            done = memprop("train", experiment, "--init", network, "--out", self.scratch / device, "--evaluate",
                           "--json", "--set", 'update.scheme="mixed_precision"', "--set", f'crossbar.device="{device}"',
                           "--set", 'crossbar.programming.method="write_verify"')
            rate = result_of(done)["programming"]["success_rate"]
            self.assertGreater(rate, 0.99) if verified else self.assertIsNone(rate)

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


def write_conv_network(file):
    """Conv2d (two groups, stride, padding, bias) -> IF -> Flatten -> Affine -> LIF with feedback."""
    rng = numpy.random.default_rng(3)
    with h5py.File(file, "w") as out:
        out["version"] = "1.0.7"
        root = out.create_group("node")
        root["type"] = "NIRGraph"

        def node(name, kind, **parameters):
            group = root.create_group(f"nodes/{name}")
            group["type"] = kind
            for key, value in parameters.items():
                group[key] = value

        ones = numpy.ones(6)
        node("input", "Input", shape=[2, 8, 8])
        node("conv", "Conv2d", weight=rng.normal(0.3, 0.4, (4, 1, 3, 3)).astype("f4"), bias=[0.0, 0.01, 0.0, -0.01],
             stride=[2, 2], padding=[1, 1], dilation=[1, 1], groups=2, input_shape=[8, 8])
        node("if", "IF", r=1.0, v_threshold=1.0, v_reset=0.0)
        node("flat", "Flatten", start_dim=0, end_dim=-1, input_type=[4, 4, 4])
        node("fc", "Affine", weight=rng.normal(0.2, 0.5, (6, 64)), bias=numpy.full(6, 0.05))
        node("lif", "LIF", tau=0.01 * ones, r=5 * ones, v_leak=0 * ones, v_threshold=ones)
        node("rec", "Linear", weight=rng.normal(0, 0.4, (6, 6)))
        node("output", "Output", shape=[6])
        edges = [("input", "conv"), ("conv", "if"), ("if", "flat"), ("flat", "fc"), ("fc", "lif"), ("lif", "rec"),
                 ("rec", "lif"), ("lif", "output")]
        root.create_dataset("edges", data=edges, dtype=h5py.string_dtype())
    return file


def events_of(steps, size, per_step, seed=1):
    rng = numpy.random.default_rng(seed)
    return [(k, i) for k in range(steps) for i in sorted(rng.integers(0, size, per_step))]


class Crossbar(Case):
    FINE = ["--set", 'crossbar.device="ideal"', "--set", "crossbar.bits=14",
            "--set", "crossbar.programming.max_pulses=30000", "--set", "crossbar.programming.tolerance_us=0.001"]

    def setUp(self):
        super().setUp()
        self.network = write_conv_network(self.scratch / "conv.nir")
        self.events = events_of(120, 128, 6)
        self.experiment = self.scratch / "devices.toml"
        self.experiment.write_text("[crossbar]\n")

    def run_it(self, name, *arguments):
        return self.run_network(self.network, self.events, 120, name, *arguments)

    def on_devices(self, name, *arguments):
        return self.run_it(name, "--crossbar", self.experiment, *arguments)

    def test_fine_devices_come_close_to_numbers(self):
        ideal, spikes, _ = self.run_it("ideal")
        self.assertIsNone(ideal["energy_j"])
        self.assertEqual(ideal["programming"], [])
        result, mapped, _ = self.on_devices("fine", *self.FINE)
        self.assertGreater(len(spikes), 50)
        self.assertLess(abs(len(mapped) - len(spikes)), 0.05 * len(spikes))
        early = spikes[spikes[:, 0] < 15]
        numpy.testing.assert_array_equal(mapped[mapped[:, 0] < 15], early)
        self.assertGreater(len(early), 5)
        layers = {layer["node"]: layer for layer in result["programming"]}
        self.assertEqual(set(layers), {"conv", "fc", "rec"})
        self.assertEqual([layers[n]["synapses"] for n in ("conv", "fc", "rec")], [36, 384, 36])
        self.assertEqual(layers["conv"]["arrays"], 2)
        for layer in layers.values():
            self.assertEqual(layer["success_rate"], 1)
            self.assertLessEqual(layer["largest_error_us"], 0.001)
            self.assertGreater(layer["pulses"]["set"], layer["synapses"])

    def test_noise_and_drift(self):
        result, spikes, _ = self.on_devices("pcm", "--seed", 5)
        again, same, _ = self.on_devices("again", "--seed", 5)
        numpy.testing.assert_array_equal(spikes, same)
        self.assertEqual(result["programming"], again["programming"])
        energy = dict(result["energy_j"])
        self.assertAlmostEqual(energy.pop("total"), sum(energy.values()), delta=1e-18)
        self.assertGreater(energy["read"], 0)
        self.assertGreater(energy["verify_read"], 0)
        for layer in result["programming"]:
            self.assertGreater(layer["mean_error_us"], 0.05)
            self.assertGreater(layer["pulses_per_synapse"], 1)
            self.assertEqual(layer["success_rate"], 1)
        _, other, _ = self.on_devices("other", "--seed", 6)
        self.assertFalse(numpy.array_equal(spikes, other))
        counts = [self.on_devices(f"t{t}", "--seed", 5, "--device-time", t)[0]["spikes"]["if"] for t in (38.6, 1e8)]
        self.assertLess(counts[1], 0.8 * counts[0])  # drift lowers all conductances

    def test_errors_that_are_large_against_the_range_are_said(self):
        events = self.write_events(self.events)
        for name, settings, expected in [("fine", [], []),
                                         ("stopped", ["crossbar.programming.max_pulses=1"], ["rec:"])]:
            done = memprop("run", self.network, "--events", events, "--steps", 5, "--out", self.scratch / name,
                           "--crossbar", self.experiment, *[word for key in settings for word in ("--set", key)])
            said = [line.split()[2] for line in done.stderr.splitlines() if line.startswith("memprop: warning: ")]
            said = [word for word in said if word != f"{self.network}:"]  # of its time step
            self.assertEqual(said, expected, done.stderr)

    def test_devices_without_pulses_have_no_success_rate(self):
        events = self.write_events(self.events)
        for device, verified in [("pcm_nandakumar2018", True), ("pcm_inference", False)]:
            done = memprop("run", self.network, "--events", events, "--steps", 5, "--out", self.scratch / device,
                           "--json", "--crossbar", self.experiment, "--set", f'crossbar.device="{device}"')
            rates = [layer["success_rate"] for layer in result_of(done)["programming"]]
            self.assertEqual(rates, [1 if verified else None] * 3)
            heading, *layers = done.stderr[done.stderr.index("memprop: weights on crossbars"):].splitlines()[:4]
            self.assertEqual([line.split()[0] for line in layers], ["conv", "fc", "rec"], heading)
            self.assertEqual(["% within the tolerance" in line for line in layers], [verified] * 3)

    def test_refusals(self):
        events = self.write_events(self.events)
        for arguments, text in [(["--device-time", "5"], "--device-time needs --crossbar"),
                                (["--crossbar", self.experiment, "--device-time", "-1"], "device-time = -1"),
                                (["--crossbar", self.experiment, "--set", "crossbar.devise=1"], "crossbar.device")]:
            done = memprop("run", self.network, "--events", events, "--out", self.scratch / "no", *arguments, code=2)
            self.assertIn(text, done.stderr)
        self.assertFalse((self.scratch / "no").exists())

    def test_a_trained_network_keeps_its_scale(self):
        _, checkpoint = self.train(VARIANTS["pcm"])
        result, _, _ = self.run_network(checkpoint, events_of(40, 100, 30), 40, "trained", "--crossbar",
                                        self.experiment)
        units = {layer["node"]: layer["weight_per_us"] for layer in result["programming"]}
        self.assertEqual({n: round(u, 6) for n, u in units.items()}, {"w_in": 0.027, "w_rec": 0.027, "w_out": 0.072})


class State(Case):
    def test_resumed_run_equals_uninterrupted(self):
        network = write_conv_network(self.scratch / "conv.nir")
        experiment = self.scratch / "devices.toml"
        experiment.write_text("[crossbar]\nadc_bits = 8\n")
        _, checkpoint = self.train(VARIANTS["ideal"])
        for kind, file, extra in [("numbers", network, []), ("carry", network, ["--reset", "subtract_carry"]),
                                  ("devices", network, ["--crossbar", experiment]), ("trained", checkpoint, [])]:
            with self.subTest(kind):
                state = self.scratch / f"{kind}.h5"
                events = events_of(100, 100 if kind == "trained" else 128, 6)
                _, whole, whole_out = self.run_network(file, events, 100, f"{kind}_whole", *extra)
                _, first, first_out = self.run_network(file, events, 37, f"{kind}_a", "--save-state", state, *extra)
                _, rest, rest_out = self.run_network(file, events, 100, f"{kind}_b", "--load-state", state, *extra)
                numpy.testing.assert_array_equal(numpy.concatenate([first, rest]), whole)
                numpy.testing.assert_array_equal(numpy.concatenate([first_out, rest_out]), whole_out)
                self.assertGreater(len(rest), 0)

    def test_a_state_belongs_to_its_network(self):
        network = write_conv_network(self.scratch / "conv.nir")
        state = self.scratch / "state.h5"
        events = events_of(10, 128, 6)
        self.run_network(network, events, 5, "a", "--save-state", state)
        file = self.write_events(events)
        done = memprop("run", network, "--events", file, "--out", self.scratch / "b", "--load-state", state, "--dt",
                       "0.002", code=2)
        self.assertIn("it has 'dt = 0.001' where this one has 'dt = 0.002'", done.stderr)
        done = memprop("run", network, "--events", file, "--out", self.scratch / "b", "--load-state", network, code=2)
        self.assertIn("is not a state of this version", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
