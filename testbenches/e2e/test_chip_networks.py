#!/usr/bin/python3
"""End-to-end tests of `memprop run --engine cycle`: graphs on the chip give the bits of the functional engine."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

from engine_settings import ENERGY

MEMPROP = pathlib.Path(sys.argv.pop(1))
STEPS = 60
CHIP_ARGUMENTS = ["--set", "chip.mesh_width=3", "--set", "chip.mesh_height=2"]
REFERENCE = pathlib.Path(__file__).resolve().parent.parent / "reference/nir/valid"


def memprop(*arguments, code=0):
    done = subprocess.run([MEMPROP, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


def network(file, *, inputs=20, neurons=30, readouts=3, kind="LIF", affine=False, recurrent=True, delay=None,
            reset=0.0, uniform=True, scale=1.0, nested=False, change=None):
    """Input -> fc -> neurons (-> rec -> neurons) (-> out -> li) -> output; names in an order of their own."""
    rng = numpy.random.default_rng(inputs + neurons + readouts)
    weights = "Affine" if affine else "Linear"
    nodes, edges = {}, []

    def layer(name, rows, columns, spread):
        nodes[name] = {"type": weights, "weight": rng.normal(0.0, spread * scale, (columns, rows)).astype("f4")}
        if affine:
            nodes[name]["bias"] = rng.normal(0.05, 0.05, columns).astype("f4")

    nodes["input"] = {"type": "Input", "shape": [inputs]}
    layer("fc", inputs, neurons, 0.5)
    nodes["neurons"] = {"type": kind, "r": numpy.full(neurons, 2.0), "v_threshold": numpy.full(neurons, 1.0),
                        "v_reset": numpy.full(neurons, reset)}
    if kind == "LIF":
        nodes["neurons"] |= {"tau": numpy.full(neurons, 0.02) if uniform else rng.uniform(0.01, 0.05, neurons),
                             "v_leak": numpy.zeros(neurons)}
    edges += [("input", "fc"), ("fc", "neurons")]
    if recurrent:
        layer("a_rec", neurons, neurons, 0.3)
        edges += [("neurons", "a_rec"), ("a_rec", "neurons")]
    nodes["output"] = {"type": "Output", "shape": [readouts or neurons]}
    if readouts:
        layer("out", neurons, readouts, 0.4)
        nodes["li"] = {"type": "LI", "tau": numpy.full(readouts, 0.02), "r": numpy.ones(readouts),
                       "v_leak": numpy.zeros(readouts)}
        edges += [("out", "li"), ("li", "output")]
        if delay:
            nodes["delay"] = {"type": "Delay", "delay": numpy.full(neurons, delay)}
            edges += [("neurons", "delay"), ("delay", "out")]
        else:
            edges.append(("neurons", "out"))
    else:
        edges.append(("neurons", "output"))
    if change:
        change(nodes, edges)

    def write(group, nodes, edges):
        group["type"] = "NIRGraph"
        for name, parameters in nodes.items():
            node = group.create_group(f"nodes/{name}")
            for key, value in parameters.items():
                node[key] = value
        group.create_dataset("edges", data=edges, dtype=h5py.string_dtype())

    with h5py.File(file, "w") as out:
        out["version"] = "1.0.7"
        root = out.create_group("node")
        if nested:
            inner = root.create_group("nodes/net")
            write(inner, nodes, edges)
            for name in ("input", "output"):
                node = root.create_group(f"nodes/{name}")
                for key, value in nodes[name].items():
                    node[key] = value
            root["type"] = "NIRGraph"
            root.create_dataset("edges", data=[("input", "net"), ("net", "output")], dtype=h5py.string_dtype())
        else:
            write(root, nodes, edges)
    return file


VARIANTS = {
    "feedback": {},
    "reset_value": {"reset": -0.3},
    "taus": {"uniform": False},
    "feed_forward": {"recurrent": False},
    "spikes_out": {"readouts": 0},
    "only_spikes": {"readouts": 0, "recurrent": False, "neurons": 9, "scale": 3.0},
    "biases": {"affine": True},
    "biases_forward": {"affine": True, "recurrent": False},
    "delay": {"delay": 1e-3},
    "integrate_fire": {"kind": "IF", "scale": 0.2},
    "integrate_fire_bias": {"kind": "IF", "affine": True, "scale": 0.1, "readouts": 0},
    "nested": {"nested": True},
    "one_of_each": {"inputs": 1, "neurons": 1, "readouts": 1, "scale": 6.0},
    "wide": {"inputs": 150, "neurons": 130, "readouts": 17},
}
RULES = [[], ["--reset", "subtract"], ["--reset", "subtract_next"], ["--integrator", "exponential", "--reset", "zero"]]
CHIPS = [[], ["--set", "chip.mesh_width=3", "--set", "chip.mesh_height=2"],
         ["--set", "chip.mesh_width=2", "--set", 'chip.read_mode="per_timestep"', "--set", "chip.fifo_depth=2"]]


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def events(self, inputs, steps=STEPS, several=False):
        rng = numpy.random.default_rng(5)
        file = self.scratch / "events.csv"
        with file.open("w") as out:
            out.write("step,index\n")
            for step in range(steps):
                for index in rng.permutation(inputs)[:rng.integers(0, inputs // 3 + 2)]:
                    out.write(f"{step},{index}\n" * (2 if several and step == 7 else 1))
        return file

    def run_network(self, file, events, name, *arguments, steps=STEPS):
        out = self.scratch / name
        done = memprop("run", file, "--events", events, "--steps", steps, "--out", out, "--json", *arguments)
        return json.loads(done.stdout.splitlines()[-1])

    def assert_same(self, a, b):
        files = sorted(p.relative_to(self.scratch / a) for p in (self.scratch / a).rglob("*.csv")
                       if p.name != "chip.csv")
        self.assertGreater(len(files), 1)
        for file in files:
            self.assertEqual((self.scratch / a / file).read_bytes(), (self.scratch / b / file).read_bytes(), file)


class Bits(Case):
    def test_every_form_rule_and_chip(self):
        for number, (variant, form) in enumerate(VARIANTS.items()):
            file = network(self.scratch / f"{variant}.nir", **form)
            prefix = "net/" if form.get("nested") else ""
            events = self.events(form.get("inputs", 20))
            probes = ["--probe", prefix + "neurons"] + (["--probe", prefix + "li"] if form.get("readouts", 3) else [])
            for rule in (number % len(RULES), (number + 1) % len(RULES)):
                with self.subTest(variant, rule=RULES[rule]):
                    chip = CHIPS[(number // 2 + rule) % len(CHIPS)]
                    one = self.run_network(file, events, f"{variant}{rule}f", "--arithmetic", "single", *probes,
                                           *RULES[rule])
                    two = self.run_network(file, events, f"{variant}{rule}c", "--engine", "cycle", *probes,
                                           *RULES[rule], *chip)
                    self.assert_same(f"{variant}{rule}f", f"{variant}{rule}c")
                    self.assertGreater(sum(one["spikes"].values()), 5)
                    self.assertEqual(one["spikes"], two["spikes"])
                    self.assertEqual(one["output_sum"], two["output_sum"])
                    self.assertEqual((one["engine"], two["engine"]), ("functional", "cycle"))

    def test_trained_networks(self):
        for variant, text in {
                "pcm": "[network]\nrecurrent = 60\n[crossbar]\ntile_rows = 24\n",
                "ideal": '[network]\nrecurrent = 60\n[update]\nscheme = "vanilla"\n',
                "delayed": '[network]\nrecurrent = 60\nreadout_delay_steps = 1\nreset = "subtract"\n'}.items():
            with self.subTest(variant):
                experiment = self.scratch / f"{variant}.toml"
                experiment.write_text("[task]\nsteps = 100\n[run]\nepochs = 2\n" + text)
                memprop("train", experiment, "--out", self.scratch / variant)
                checkpoint = self.scratch / variant / "checkpoint.h5"
                events = self.events(100)
                self.run_network(checkpoint, events, f"{variant}_f")
                result = self.run_network(checkpoint, events, f"{variant}_c", "--engine", "cycle", *CHIPS[1])
                self.assert_same(f"{variant}_f", f"{variant}_c")
                self.assertGreater(result["spikes"]["lif"], 100)

    def test_traces_of_another_implementation(self):
        name = "v03_rlif_li_20_100_3"
        for integrator, options in {"euler": [], "exp": ["--integrator", "exponential"]}.items():
            trace = {part: REFERENCE / f"{name}.{integrator}.{part}.csv"
                     for part in ("output", "spikes.lif", "state.lif", "state.readout")}
            steps = len(trace["output"].read_text().splitlines())
            self.run_network(REFERENCE / f"{name}.nir", REFERENCE / f"{name}.input.csv", integrator, "--engine",
                             "cycle", "--probe", "lif", "--probe", "readout", *options, *CHIPS[1], steps=steps)
            out = self.scratch / integrator
            self.assertEqual((out / "spikes/lif.csv").read_text().splitlines()[1:],
                             trace["spikes.lif"].read_text().splitlines()[1:])
            for node in ("lif", "readout"):  # theirs in double precision, of the first neurons
                theirs = numpy.loadtxt(trace[f"state.{node}"], delimiter=",")
                ours = numpy.loadtxt(out / f"state/{node}.csv", delimiter=",")[:, :theirs.shape[1]]
                numpy.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)

    def test_devices(self):
        experiment = self.scratch / "devices.toml"
        for number, (variant, settings) in enumerate({
                "feedback": 'tile_rows = 16\ntile_columns = 8\nadc_bits = 8\n',
                "wide": 'read_noise = "per_device"\ndrift_compensation = true\n',
                "integrate_fire": 'device = "ideal"\nbits = 6\n',
                "spikes_out": 'device = "reram_array_om"\n',
                "nested": 'device = "pcm_inference"\ntile_rows = 7\n'}.items()):
            with self.subTest(variant):
                experiment.write_text("[crossbar]\n" + settings)
                costs = [word for setting in ENERGY for word in ("--set", setting)]
                form = VARIANTS[variant]
                file = network(self.scratch / f"{variant}.nir", **form)
                common = ["--crossbar", experiment, "--seed", 3, "--device-time", 100, *costs]
                events = self.events(form.get("inputs", 20))
                one = self.run_network(file, events, f"{variant}f", "--arithmetic", "single", *common)
                two = self.run_network(file, events, f"{variant}c", "--engine", "cycle", *common,
                                       *CHIPS[number % len(CHIPS)])
                self.assert_same(f"{variant}f", f"{variant}c")
                self.assertGreater(sum(one["spikes"].values()), 3)
                self.assertEqual(one["programming"], two["programming"])
                for part in ("set", "reset", "verify_read"):  # the devices' part of the energy
                    self.assertEqual(one["energy_j"][part], two["energy_j"][part])
                self.assertGreater(two["energy_j"]["tile_periphery"], 0)
                ideal = self.run_network(file, events, f"{variant}i", "--arithmetic", "single")
                self.assertNotEqual(ideal["output_sum"], one["output_sum"])


class State(Case):
    def test_it_goes_on_on_either_engine(self):
        experiment = self.scratch / "devices.toml"
        experiment.write_text("[crossbar]\n")
        for variant, extra in {"feedback": [], "delay": [], "biases": [], "spikes_out": [], "nested": [],
                               "taus": ["--crossbar", experiment]}.items():
            engines = {"f": ["--arithmetic", "single", *extra], "c": ["--engine", "cycle", *CHIPS[1], *extra]}
            file = network(self.scratch / f"{variant}.nir", **VARIANTS[variant])
            events = self.events(20)
            self.run_network(file, events, f"{variant}_whole", *engines["f"])
            whole = (self.scratch / f"{variant}_whole" / "output.csv").read_text().splitlines()
            for before in engines:
                state = self.scratch / f"{variant}_{before}.h5"
                self.run_network(file, events, f"{variant}_{before}", "--save-state", state, *engines[before], steps=23)
                for after in engines:
                    with self.subTest(variant, before=before, after=after):
                        name = f"{variant}_{before}{after}"
                        self.run_network(file, events, name, "--load-state", state, *engines[after])
                        parts = [self.scratch / part / "output.csv" for part in (f"{variant}_{before}", name)]
                        self.assertEqual([line for part in parts for line in part.read_text().splitlines()], whole)
            if extra:
                continue
            # Not only is it as good: it is the same.
            with h5py.File(self.scratch / f"{variant}_f.h5") as one, h5py.File(self.scratch / f"{variant}_c.h5") as two:
                values = {}
                one.visititems(lambda name, item: values.update({name: item[()]})
                               if isinstance(item, h5py.Dataset) else None)
                self.assertGreater(len(values), 5)
                for name, value in values.items():
                    numpy.testing.assert_array_equal(two[name][()], value, name)


class Report(Case):
    def test_says_what_went_where(self):
        file = network(self.scratch / "n.nir", neurons=50)
        chip = self.scratch / "chip.toml"
        chip.write_text("[chip]\nmesh_width = 3\nmesh_height = 2\n")
        result = self.run_network(file, self.events(20), "c", "--engine", "cycle", "--chip", chip)
        self.assertEqual(result["mapping"]["mesh"], [3, 2])
        cores = result["mapping"]["cores"]
        self.assertEqual(result["mapping"]["fill"]["cores"], {"used": len(cores), "limit": 6})
        self.assertEqual(len({(core["x"], core["y"]) for core in cores}), len(cores))
        held = [part for core in cores for part in core["holds"]]
        self.assertEqual(sum(part["count"] for part in held if part["node"] == "neurons"), 50)
        self.assertEqual(sum(part["count"] for part in held if part["node"] == "li"), 3)
        self.assertEqual(sum(core["synapses"] for core in cores), 20 * 50 + 50 * 50 + 50 * 3)
        self.assertLessEqual(result["mapping"]["hops"]["placed"], result["mapping"]["hops"]["by_distance"])
        self.assertGreater(result["load_cycles"], 20 * 50 + 50 * 50 + 50 * 3)  # a word each, over the bus
        self.assertGreater(result["cycles"], result["load_cycles"])
        energy = dict(result["energy_j"])
        self.assertAlmostEqual(energy.pop("total"), sum(energy.values()), delta=1e-18)
        self.assertTrue(all(value > 0 for value in energy.values()))
        self.assertIn("host.steps,60", (self.scratch / "c" / "chip.csv").read_text())
        self.assertAlmostEqual(energy["digital"], 81e-12 * (50 + 3) * STEPS, delta=1e-18)  # nobody learns
        again = self.run_network(file, self.events(20), "again", "--engine", "cycle", "--chip", chip)
        for key in ("mapping", "cycles", "energy_j"):
            self.assertEqual(again[key], result[key])

    def test_nobody_learns_without_readouts_either(self):
        file = network(self.scratch / "n.nir", readouts=0)
        result = self.run_network(file, self.events(20), "c", "--engine", "cycle")
        self.assertAlmostEqual(result["energy_j"]["digital"], 81e-12 * 30 * STEPS, delta=1e-18)
        self.assertEqual(result["chip"]["cores"][0]["utilisation"]["learning_engine"], 0)


def with_node(name, node, edges_of):
    def change(nodes, edges):
        nodes[name] = node
        edges[:] = edges_of(edges)
    return change


def between(name, source, target):
    return lambda edges: [e for e in edges if e != (source, target)] + [(source, name), (name, target)]


def put(name, key, value):
    def change(nodes, _):
        nodes[name][key] = value
    return change


# Beyond one layer of neurons with one of readouts.
OTHER_FORMS = {
    "second_layer": with_node("late", {"type": "IF", "r": numpy.ones(30), "v_threshold": numpy.ones(30)},
                              between("late", "fc", "neurons")),
    "current": put("neurons", "type", "CubaLIF"),
    "scale": with_node("gain", {"type": "Scale", "scale": numpy.full(20, 2.0)}, between("gain", "input", "fc")),
    "leak": put("neurons", "v_leak", numpy.full(30, 0.1)),
    "thresholds": put("neurons", "v_threshold", numpy.linspace(1, 2, 30)),
    "resets": put("neurons", "v_reset", numpy.linspace(-1, 0, 30)),
    "readout_tau": put("li", "tau", numpy.array([0.02, 0.02, 0.03])),
    "long_delay": with_node("delay", {"type": "Delay", "delay": numpy.full(30, 0.004)},
                            between("delay", "neurons", "out")),
    "delayed_feedback": with_node("delay", {"type": "Delay", "delay": numpy.full(30, 0.001)},
                                  between("delay", "neurons", "a_rec")),
    "weights_out": lambda nodes, edges: edges.append(("out", "output")),
    "skip": with_node("skip", {"type": "Linear", "weight": numpy.ones((3, 20))},
                      lambda edges: edges + [("input", "skip"), ("skip", "li")]),
    "twice": with_node("fc2", {"type": "Linear", "weight": numpy.ones((30, 20))},
                       lambda edges: edges + [("input", "fc2"), ("fc2", "neurons")]),
}


class AnyForm(Case):
    def same(self, name, file, *arguments, events=None):
        """Spikes and outputs of both engines, byte for byte."""
        outs = [self.scratch / f"{name}_{engine}" for engine in ("functional", "cycle")]
        events = events or self.events(20)
        memprop("run", file, "--events", events, "--arithmetic", "single", "--out", outs[0],
                *(a for a in arguments if a not in CHIP_ARGUMENTS))
        memprop("run", file, "--events", events, "--arithmetic", "single", "--out", outs[1], "--engine", "cycle",
                *arguments)
        files = sorted(path.relative_to(outs[0]) for path in outs[0].rglob("*.csv"))
        self.assertIn(pathlib.Path("output.csv"), files)
        for path in files:
            self.assertEqual((outs[0] / path).read_bytes(), (outs[1] / path).read_bytes(), path)

    def test_every_form_has_a_place(self):
        for variant, change in OTHER_FORMS.items():
            extra = {"tau_mem": numpy.full(30, 0.02), "tau_syn": numpy.full(30, 0.01), "w_in": numpy.ones(30)}

            def both(nodes, edges, change=change, variant=variant, extra=extra):
                change(nodes, edges)
                if variant == "current":
                    nodes["neurons"].pop("tau")
                    nodes["neurons"] |= extra
            file = network(self.scratch / f"{variant}.nir", change=both)
            with self.subTest(variant):
                self.same(variant, file)
                self.same(f"{variant}_wide", file, *CHIP_ARGUMENTS)

    def test_biases_delays_and_devices(self):
        experiment = self.scratch / "devices.toml"
        experiment.write_text("[crossbar]\n")
        biases = network(self.scratch / "b.nir", affine=True)
        held = network(self.scratch / "h.nir", delay=1e-3)
        both = network(self.scratch / "d.nir", affine=True, delay=1e-3)
        self.same("carry", network(self.scratch / "n.nir"), "--reset", "subtract_carry")
        self.same("several", network(self.scratch / "n2.nir"), events=self.events(20, several=True))
        self.same("late_bias", biases, "--first-step-recurrence", "off")
        for name, file in {"biases": biases, "held": held, "both": both}.items():
            with self.subTest(name):
                self.same(name, file)
                self.same(f"{name}_devices", file, "--crossbar", experiment, *CHIP_ARGUMENTS)


class Refusals(Case):
    def refused(self, file, text, *arguments, events=None):
        done = memprop("run", file, "--events", events or self.events(20), "--out", self.scratch / "no", "--engine",
                       "cycle", *arguments, code=2)
        self.assertIn(text, done.stderr)
        self.assertFalse((self.scratch / "no" / "output.csv").exists())

    def test_limits_are_named(self):
        file = network(self.scratch / "n.nir")
        for setting, text in {
                "chip.neurons_per_core=29": "chip.neurons_per_core = 29: is too few",
                "chip.tiles_per_core=2": "chip.tiles_per_core = 2: is too few: node 1 needs 3 tiles",
                "chip.axon_ranges=2": "needs 3 rows of the axon table",
                "chip.event_fifo_depth=32": "a time step may have 33 events",
                "chip.multicast_trees=2": "chip.multicast_trees = 2: is too few",
                "chip.mesh=2": "chip.mesh",
                "crossbar.bits=4": "needs --crossbar"}.items():
            with self.subTest(setting):
                self.refused(file, text, "--set", setting)
        self.refused(file, "arithmetic = double: must be single", "--arithmetic", "double")
        experiment = self.scratch / "devices.toml"
        experiment.write_text("[crossbar]\n")
        self.refused(file, "has several in step 7", "--crossbar", experiment, events=self.events(20, several=True))
        self.refused(file, "chip.tiles_per_core = 2", "--crossbar", experiment, "--set", "chip.tiles_per_core=2")
        done = memprop("run", file, "--events", self.events(20), "--out", self.scratch / "no", "--chip", "x.toml",
                       code=2)
        self.assertIn("--chip needs --engine cycle", done.stderr)
        done = memprop("run", file, "--events", self.events(20), "--out", self.scratch / "no", "--engine", "rtl",
                       code=2)
        self.assertIn("engine = rtl: must be functional or cycle", done.stderr)


if __name__ == "__main__":
    unittest.main()
