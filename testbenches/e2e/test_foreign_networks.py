#!/usr/bin/python3
"""End-to-end tests of `memprop run` and `inspect` on networks as other programs write them."""

import json
import resource
import unittest

import h5py
import numpy

from test_networks import Case, events_of, memprop, result_of


def write_graph(file, nodes, edges):
    """nodes: name -> (type, parameters), or name -> (nodes, edges) of a nested graph."""
    def fill(group, nodes, edges):
        group["type"] = "NIRGraph"
        group.create_group("nodes")
        for name, (kind, content) in nodes.items():
            node = group.create_group(f"nodes/{name}")
            if isinstance(kind, dict):
                fill(node, kind, content)
                continue
            node["type"] = kind
            for key, value in content.items():
                node[key] = value
        group.create_dataset("edges", data=edges, dtype=h5py.string_dtype())

    with h5py.File(file, "w") as out:
        out["version"] = "1.0.7"
        fill(out.create_group("node"), nodes, edges)
    return file


def lif(size=3, tau=0.005, threshold=0.5):
    ones = numpy.ones(size)
    return "LIF", {"tau": tau * ones, "r": 4 * ones, "v_leak": 0 * ones, "v_threshold": threshold * ones,
                   "v_reset": 0 * ones}


def shape(*extents):
    return {"shape": numpy.array(extents)}


PORTS = {"input": ("Input", shape(3)), "output": ("Output", shape(3))}


class Foreign(Case):
    """Networks in the forms of other writers; each is the same network as one in memprop's own form."""

    def run_it(self, network, *arguments, events=None, steps=60, name="out", **options):
        file = self.write_events(events or events_of(steps, 3, 2))
        done = memprop("run", network, "--events", file, "--steps", steps, "--out", self.scratch / name, "--json",
                       *arguments, **options)
        return result_of(done), done.stderr

    def output(self, name="out"):
        return numpy.loadtxt(self.scratch / name / "output.csv", delimiter=",", ndmin=2)

    def spikes(self, file, name="out"):
        return numpy.loadtxt(self.scratch / name / file, delimiter=",", skiprows=1, dtype=int, ndmin=2).reshape(-1, 2)

    def test_every_node_has_a_file_of_its_own(self):
        long = "n" * 251
        inner = ({"input": ("Input", shape(3)), "lif": lif(threshold=0.9), "output": ("Output", shape(3))},
                 [("input", "lif"), ("lif", "output")])
        network = write_graph(self.scratch / "n.nir", {**PORTS, "a": inner, "a__lif": lif(), long: lif(),
                                                       long + "m": lif(threshold=0.2)},
                              [("input", "a"), ("input", "a__lif"), ("input", long), ("input", long + "m"),
                               ("a", "output"), ("a__lif", "output"), (long, "output"), (long + "m", "output")])
        result, log = self.run_it(network, "--hdf5", "--probe", "a/lif", "--probe", "a__lif", "--probe", long)
        self.assertEqual(result["files"]["spikes"], {"a/lif": "spikes/a__lif~2.csv", long: f"spikes/{'n' * 220}~1.csv",
                                                     long + "m": f"spikes/{'n' * 220}~2.csv"})
        self.assertEqual(json.loads((self.scratch / "out" / "files.json").read_text()), result["files"])
        self.assertIn("spikes/a__lif~2.csv", log)
        with h5py.File(self.scratch / "out" / "run.h5") as run:
            for node, path in [("a/lif", "a/nodes/lif"), ("a__lif", "a__lif"), (long, long), (long + "m", long + "m")]:
                written = self.spikes(result["files"]["spikes"].get(node, f"spikes/{node}.csv"))
                self.assertEqual(len(written), result["spikes"][node])
                numpy.testing.assert_array_equal(written[:, 1], run[f"nodes/{path}/observables/spikes/idx"][0])
            self.assertEqual(run["nodes/a"].attrs["__type__"], "NIRGraphData")
        self.assertNotEqual(result["spikes"]["a/lif"], result["spikes"]["a__lif"])
        for probe in ("a/lif", "a__lif"):
            file = result["files"]["state"].get(probe, f"state/{probe}.csv")
            self.assertEqual(len((self.scratch / "out" / file).read_text().splitlines()), 60)

    def test_more_nodes_than_open_files(self):
        nodes, edges, last = dict(PORTS), [], "input"
        for k in range(300):
            nodes[f"n{k}"] = lif(threshold=0.3) if k % 2 == 0 else ("Linear", {"weight": 2 * numpy.eye(3)})
            edges.append((last, f"n{k}"))
            last = f"n{k}"
        network = write_graph(self.scratch / "many.nir", nodes, [*edges, (last, "output")])

        def few_files():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

        result, _ = self.run_it(network, steps=20, preexec_fn=few_files)
        self.assertEqual(len(result["spikes"]), 150)
        self.assertGreater(min(result["spikes"].values()), 0)
        for k in (0, 150, 298):
            numpy.testing.assert_array_equal(self.spikes(f"spikes/n{k}.csv"), self.spikes("spikes/n0.csv"))

    def test_recordings_follow_the_rules_of_the_nir_library(self):
        """floor(time / dt) is the step, floor(t_max / dt) the number of steps, whatever dt; each Output is a node."""
        inner = ({"input": ("Input", shape(3)), "deeper": ({"input": ("Input", shape(3)), "lif": lif(),
                                                            "output": ("Output", shape(3))},
                                                           [("input", "lif"), ("lif", "output")]),
                  "output": ("Output", shape(3))}, [("input", "deeper"), ("deeper", "output")])
        network = write_graph(self.scratch / "n.nir", {**PORTS, "sub": inner, "lif": lif(), "w": ("Linear", {
            "weight": numpy.ones((1, 3))}), "second": ("Output", shape(1))},
                              [("input", "sub"), ("input", "lif"), ("sub", "output"), ("lif", "w"), ("w", "second")])
        for dt in (1e-3, 1e-2 / 3, 1e-4, 0.007, 1.1e-3):
            self.run_it(network, "--hdf5", "--dt", dt, "--integrator", "exponential", steps=300)
            with h5py.File(self.scratch / "out" / "run.h5") as run:
                for node, path in [("lif", "lif"), ("sub__deeper__lif", "sub/nodes/deeper/nodes/lif")]:
                    data = run[f"nodes/{path}/observables/spikes"]
                    steps = numpy.floor(data["time"][0] / dt).astype(int)
                    numpy.testing.assert_array_equal(numpy.column_stack([steps, data["idx"][0]]),
                                                     self.spikes(f"spikes/{node}.csv"))
                    self.assertGreater(len(steps), 50)
                    self.assertEqual(int(data.attrs["t_max"] / dt), 300)
                self.assertEqual(run["nodes/sub/nodes/deeper"].attrs["__type__"], "NIRGraphData")
                both = [run[f"nodes/{name}/observables/output/data"][0] for name in ("output", "second")]
                numpy.testing.assert_allclose(numpy.hstack(both), self.output())

    def test_missing_ports_are_added_and_said(self):
        whole = write_graph(self.scratch / "whole.nir", {
            "input_w": ("Input", shape(3)), "w": ("Linear", {"weight": 3 * numpy.eye(3)}), "lif": lif(),
            "output_lif": ("Output", shape(3))}, [("input_w", "w"), ("w", "lif"), ("lif", "output_lif")])
        bare = write_graph(self.scratch / "bare.nir", {
            "w": ("Linear", {"weight": numpy.eye(3, dtype=bool)}), "s": ("Scale", {"scale": numpy.array([3.0])}),
            "lif": lif()}, [("w", "s"), ("s", "lif")])
        first, _ = self.run_it(whole, name="whole")
        second, log = self.run_it(bare, name="bare")
        numpy.testing.assert_array_equal(self.output("whole"), self.output("bare"))
        self.assertEqual(first["warnings"], [])
        self.assertEqual(len(second["warnings"]), 2)
        self.assertIn("the Input input_w was put in front of it", log)
        inspected = result_of(memprop("inspect", bare, "--json"))
        self.assertEqual(inspected["warnings"], second["warnings"])
        self.assertIn("output_lif", [node["name"] for node in inspected["nodes"]])

    def test_options_for_foreign_steps(self):
        """IF by dv/dt, CubaLIF with unscaled jumps, r = tau/X: noticed, and mended by what the warning names."""
        ones = numpy.ones(3)
        events = events_of(60, 3, 2)
        integrators = write_graph(self.scratch / "if.nir", {**PORTS, "n": ("IF", {
            "r": 1e4 * ones, "v_threshold": 2.5 * ones, "v_reset": 0 * ones})}, [("input", "n"), ("n", "output")])
        result, _ = self.run_it(integrators, "--dt", 1e-4)
        self.assertIn("--if-integration per_second", result["warnings"][0])
        result, log = self.run_it(integrators, "--dt", 1e-4, "--if-integration=per_second")
        self.assertEqual((result["warnings"], result["discretisation"]["if_integration"]), ([], "per_second"))
        v, want = numpy.zeros(3), []
        for k in range(60):
            for step, index in events:
                v[index] += step == k
            want.append(v > 2.5)
            v[v > 2.5] = 0
        numpy.testing.assert_array_equal(self.output(), want)
        self.assertIn("if-integration = per_second", log)
        done = memprop("run", integrators, "--events", "-", "--out", self.scratch / "x", "--if-integration", "dt",
                       code=2)
        self.assertIn("per_step, per_second", done.stderr)

        cuba = write_graph(self.scratch / "cuba.nir", {**PORTS, "n": ("CubaLIF", {
            "tau_mem": 0.01 * ones, "tau_syn": 0.005 * ones, "r": ones, "v_leak": 0 * ones, "v_threshold": 1.5 * ones,
            "w_in": ones})}, [("input", "n"), ("n", "output")])
        result, _ = self.run_it(cuba)
        self.assertIn("--current-jump unscaled", result["warnings"][0])
        self.assertEqual(result["spikes"]["n"], 0)
        result, _ = self.run_it(cuba, "--current-jump", "unscaled")
        self.assertEqual((result["warnings"], result["discretisation"]["current_jump"]), ([], "unscaled"))
        i, v, want = numpy.zeros(3), numpy.zeros(3), []  # as Norse: the current jumps, then both decay
        for k in range(60):
            for step, index in events:
                i[index] += step == k
            v += 0.1 * (i - v)
            i -= 0.2 * i
            want.append(v > 1.5)
            v[v > 1.5] = 0
        numpy.testing.assert_array_equal(self.output(), want)
        self.assertGreater(numpy.sum(want), 10)

        for tau in (0.002, 0.02):
            kind, parameters = lif(tau=tau)
            parameters["r"] = parameters["tau"] / 1e-4
            foreign = write_graph(self.scratch / "lif.nir", {**PORTS, "lif": (kind, parameters)},
                                  [("input", "lif"), ("lif", "output")])
            result, _ = self.run_it(foreign)
            self.assertIn("--dt 0.0001", result["warnings"][0])
            self.assertEqual(len(result["warnings"]), 2 if tau == 0.002 else 1)
            self.assertEqual(self.run_it(foreign, "--dt", 1e-4)[0]["warnings"], [])

    def test_a_batch_axis_on_devices_and_on_the_chip(self):
        rng = numpy.random.default_rng(4)
        w, out = rng.normal(0.5, 1, (6, 3)), rng.normal(0, 1, (2, 6))
        readout = {"tau": 0.02 * numpy.ones(2), "r": numpy.ones(2), "v_leak": numpy.zeros(2)}
        edges = [("input", "w"), ("w", "lif"), ("lif", "v"), ("v", "li"), ("li", "output")]
        plain = write_graph(self.scratch / "plain.nir", {
            **PORTS, "output": ("Output", shape(2)), "w": ("Linear", {"weight": w}), "lif": lif(6),
            "v": ("Linear", {"weight": out}), "li": ("LI", readout)}, edges)
        batch = write_graph(self.scratch / "batch.nir", {
            "input": ("Input", shape(1, 3)), "output": ("Output", shape(1, 2)), "w": ("Linear", {"weight": w[None]}),
            "lif": ("LIF", {name: value[None] for name, value in lif(6)[1].items()}),
            "v": ("Linear", {"weight": out[None]}),
            "li": ("LI", {name: value[None] for name, value in readout.items()})}, edges)
        experiment = self.scratch / "devices.toml"
        experiment.write_text("[crossbar]\n")
        events = sorted(set(events_of(60, 3, 2)))
        for name, arguments in [("single", ["--arithmetic", "single"]), ("graph", []),
                                ("chip", ["--engine", "cycle", "--set", "chip.mesh_width=2"]),
                                ("devices", ["--crossbar", experiment])]:
            with self.subTest(name):
                first, _ = self.run_it(plain, *arguments, events=events, name=f"plain_{name}")
                second, _ = self.run_it(batch, *arguments, events=events, name=f"batch_{name}")
                numpy.testing.assert_array_equal(self.output(f"plain_{name}"), self.output(f"batch_{name}"))
                self.assertEqual(first["spikes"], second["spikes"])
                self.assertGreater(first["spikes"]["lif"], 20)
        numpy.testing.assert_array_equal(self.output("plain_single"), self.output("batch_chip"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
