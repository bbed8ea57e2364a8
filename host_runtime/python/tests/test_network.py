"""memprop.train, Network, run, Simulation: values, errors, interrupts."""

import hashlib
import os
import pathlib
import signal
import tempfile
import threading
import time
import unittest
import warnings

import h5py
import numpy as np

import memprop

REFERENCE = os.path.join(os.environ["MEMPROP_REFERENCE_DATA"], "nir", "valid")
SHORT = {"run.epochs": 4, "task.steps": 100, "network.recurrent": 30}


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.experiment = str(self.scratch / "experiment.toml")
        pathlib.Path(self.experiment).write_text("[network]\nthreshold = 0.03\n")

    def trained(self):
        """A small network and its recorded evaluation."""
        memprop.train(self.experiment, SHORT, 3, out=str(self.scratch / "out"))
        return memprop.Network.load(str(self.scratch / "out" / "checkpoint.h5"))

    def events(self, steps=100, per_step=10):
        rng = np.random.default_rng(1)
        return np.column_stack([np.repeat(np.arange(steps), per_step), rng.integers(0, 100, steps * per_step)])


class Train(Case):
    def test_result_is_that_of_the_command_line(self):
        overrides = {**SHORT, "crossbar.read_noise_scale": np.float64(2.0)}
        result = memprop.train(self.experiment, overrides=overrides, seed=1)
        self.assertEqual(result["epochs"], 4)
        self.assertEqual(len(result["loss_history"]), 4)
        self.assertEqual(result["seed"], 1)
        again = memprop.train(self.experiment, {**SHORT, "crossbar.read_noise_scale": 2.0}, 1)
        self.assertEqual(result["loss_history"], again["loss_history"])
        other = memprop.train(self.experiment, {**SHORT, "update.scheme": "vanilla"}, 1)
        self.assertIsNone(other["device"])

    def test_evaluate_and_out(self):
        self.trained()
        out = self.scratch / "evaluated"
        memprop.train(self.experiment, SHORT, 3, init=str(self.scratch / "out" / "checkpoint.h5"), evaluate=True,
                      out=str(out))
        self.assertTrue((out / "run.h5").exists())

    def test_errors(self):
        with self.assertRaises(ValueError) as caught:
            memprop.train(self.experiment, {"crossbar.read_noise": "none"})
        self.assertIsInstance(caught.exception, memprop.InputError)
        self.assertIn("crossbar.read_noise", str(caught.exception))
        for call, text in [(lambda: memprop.train(str(self.scratch / "no.toml")), "no.toml"),
                           (lambda: memprop.train(self.experiment, {"run.epochz": 1}), "run.epochs"),
                           (lambda: memprop.train(self.experiment, {"run.epochs": object()}), "overrides"),
                           (lambda: memprop.train(self.experiment, evaluate=True), "init")]:
            with self.assertRaisesRegex(memprop.InputError, text):
                call()

    def test_interrupt_and_threads(self):
        ticks = []
        stop = threading.Event()
        ticker = threading.Thread(target=lambda: [ticks.append(1) for _ in iter(lambda: stop.wait(0.01), True)])
        ticker.start()
        alarm = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
        alarm.start()
        begin = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            memprop.train(self.experiment, {"run.epochs": 1000000})
        self.assertLess(time.monotonic() - begin, 20)
        stop.set()
        ticker.join()
        self.assertGreater(len(ticks), 5)  # other threads ran meanwhile


class Run(Case):
    def test_round_trip_through_a_file(self):
        net = self.trained()
        self.assertEqual([n["name"] for n in net.nodes],
                         ["input", "lif", "output", "readout", "w_in", "w_out", "w_rec"])
        self.assertIn(("w_rec", "lif"), net.edges)
        net.save(str(self.scratch / "n.nir"))
        back = memprop.Network.load(str(self.scratch / "n.nir"))
        a, b = (memprop.run(n, self.events(), probe=["lif", "readout"]) for n in (net, back))
        np.testing.assert_array_equal(a["spikes"]["lif"], b["spikes"]["lif"])
        np.testing.assert_array_equal(a["output"], b["output"])
        self.assertGreater(len(a["spikes"]["lif"]), 20)
        self.assertEqual(a["spikes"]["lif"].dtype, np.int64)
        self.assertEqual(a["output"].shape, (100, 1))
        self.assertEqual(a["state"]["lif"]["v"].shape, (100, 30))
        np.testing.assert_array_equal(a["state"]["readout"]["v"], a["output"])
        self.assertEqual((a["steps"], a["energy_j"], a["programming"]), (100, None, []))

    def test_reference_traces(self):
        for name, dt, nodes in [("v01_ff_lif_2layer", 1e-3, ["lif1", "lif2"]), ("v02_rec_cubalif", 1e-4, ["lif1.lif"])]:
            net = memprop.Network.load(os.path.join(REFERENCE, name + ".nir"))

            def load(kind):
                return np.loadtxt(os.path.join(REFERENCE, f"{name}.{kind}.csv"), delimiter=",", ndmin=2)

            events = np.loadtxt(os.path.join(REFERENCE, name + ".input.csv"), delimiter=",", skiprows=1, dtype=int)
            steps = len(load("euler.output"))
            run = memprop.run(net, events[::-1], steps=steps, dt=dt, probe=nodes)  # any order
            for node in nodes:
                spikes = np.loadtxt(os.path.join(REFERENCE, f"{name}.euler.spikes.{node}.csv"), delimiter=",",
                                    skiprows=1, dtype=int)
                np.testing.assert_array_equal(run["spikes"][node], spikes)
                state = run["state"][node]
                got = np.hstack([state["v"], state["i"]]) if "i" in state else state["v"]
                np.testing.assert_allclose(got, load(f"euler.state.{node}"), rtol=1e-5, atol=1e-9)

    def test_pieces_equal_the_whole(self):
        net, events = self.trained(), self.events()
        whole = memprop.run(net, events)
        simulation = memprop.Simulation(net)
        first = simulation.run(events[events[:, 0] < 40], steps=40)
        simulation.save(str(self.scratch / "state.h5"))
        rest = simulation.run(events[events[:, 0] >= 40])
        self.assertEqual(simulation.steps_done, 100)
        np.testing.assert_array_equal(np.vstack([first["output"], rest["output"]]), whole["output"])
        simulation.restore(str(self.scratch / "state.h5"))
        self.assertEqual(simulation.steps_done, 40)
        np.testing.assert_array_equal(simulation.run(events[events[:, 0] >= 40])["output"], rest["output"])
        simulation.reset()
        np.testing.assert_array_equal(simulation.run(events)["output"], whole["output"])

    def test_a_refused_state_changes_nothing(self):
        net, events = self.trained(), self.events()
        early, late = events[events[:, 0] < 40], events[events[:, 0] >= 40]
        for options in ({}, {"crossbar": self.experiment, "seed": 2}):
            whole = memprop.Simulation(net, **options)
            whole.run(early, steps=40)
            wanted = whole.run(late, probe=["lif"])
            simulation = memprop.Simulation(net, **options)
            simulation.run(early[:100], steps=10)
            state = self.scratch / "state.h5"
            simulation.save(str(state))
            simulation.run(early[100:], steps=30)
            content = state.read_bytes()
            for name in ("damaged", "cut", "crafted"):
                if name == "damaged":
                    state.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
                elif name == "cut":
                    state.write_bytes(content[:-1])
                else:  # with a right seal: the last value that is read is missing
                    body = content[:content.rindex(b"memprop seal")]
                    state.write_bytes(body)
                    with h5py.File(state, "r+") as tree:
                        last = max(int(name[10:]) for name in tree["state"] if name.startswith("population"))
                        held = tree[f"state/population{last}"]
                        del held[sorted(held)[-1]]
                    body = state.read_bytes()
                    digest = hashlib.sha256(body).hexdigest().encode()
                    state.write_bytes(body + b"memprop seal 1 sha256 " + digest + b"\n")
                with self.subTest(name, **options), self.assertRaisesRegex(memprop.InputError, "state.h5"):
                    simulation.restore(str(state))
                self.assertEqual(simulation.steps_done, 40)
            got = simulation.run(late, probe=["lif"])
            np.testing.assert_array_equal(got["output"], wanted["output"])
            np.testing.assert_array_equal(got["state"]["lif"]["v"], wanted["state"]["lif"]["v"])
            self.assertEqual(got["energy_j"], wanted["energy_j"])

    def test_the_chip_gives_the_same_bits(self):
        net, events = self.trained(), np.unique(self.events(), axis=0)  # a word line is driven once in a step
        with self.assertRaisesRegex(ValueError, "chip.tiles_per_core = 1: is too few"):
            memprop.run(net, events, engine="cycle", overrides={"chip.tiles_per_core": 1})
        with self.assertRaisesRegex(ValueError, "engine = rtl: must be functional or cycle"):
            memprop.run(net, events, engine="rtl")
        with self.assertRaisesRegex(ValueError, "chip needs engine"):
            memprop.run(net, events, chip="chip.toml")
        one = memprop.run(net, events, probe=["lif"])
        on_chip = memprop.Simulation(net, engine="cycle", overrides={"chip.mesh_width": 2})
        early = on_chip.run(events[events[:, 0] < 40], steps=40)
        two = on_chip.run(events[events[:, 0] >= 40], probe=["lif"])
        np.testing.assert_array_equal(np.vstack([early["spikes"]["lif"], two["spikes"]["lif"]]), one["spikes"]["lif"])
        np.testing.assert_array_equal(np.vstack([early["output"], two["output"]]), one["output"])
        np.testing.assert_array_equal(two["state"]["lif"]["v"], one["state"]["lif"]["v"][40:])
        self.assertGreater(two["cycles"], early["cycles"])
        self.assertEqual(two["mapping"]["mesh"], [2, 1])
        self.assertGreater(two["energy_j"]["total"], 0)
        self.assertIsNone(one["energy_j"])
        on_chip.reset()
        again = on_chip.run(events, probe=["lif"])
        other = memprop.Simulation(net, engine="cycle")  # a second chip
        on_chip.reload(net)  # the same weights: the run goes on
        self.assertEqual(on_chip.steps_done, other.run(events)["output"].shape[0])
        for run in again, memprop.run(net, events, engine="cycle", probe=["lif"]):
            np.testing.assert_array_equal(run["spikes"]["lif"], one["spikes"]["lif"])
            np.testing.assert_array_equal(run["output"], one["output"])
            np.testing.assert_array_equal(run["state"]["lif"]["v"], one["state"]["lif"]["v"])

    def test_weights_and_conductances_by_name(self):
        net = self.trained()
        ideal = memprop.Simulation(net)
        np.testing.assert_array_equal(ideal.weights("w_rec"), net.parameter("w_rec", "weight"))
        with self.assertRaisesRegex(ValueError, "w_rec.*is on no crossbar"):
            ideal.conductances("w_rec")
        with self.assertRaisesRegex(ValueError, "weight"):
            ideal.weights("lif")
        quiet = {"crossbar.read_noise_scale": 0, "crossbar.drift_scale": 0}
        on_devices = memprop.Simulation(net, crossbar=self.experiment, overrides=quiet, seed=2)
        us, weights = on_devices.conductances("w_rec"), on_devices.weights("w_rec")
        unit = {p["node"]: p["weight_per_us"] for p in on_devices.run([], steps=1)["programming"]}["w_rec"]
        self.assertEqual(us.shape, (1, *weights.T.shape))
        np.testing.assert_allclose(weights, unit * us[0].T, rtol=1e-6)
        wanted = net.parameter("w_rec", "weight")
        self.assertGreater(np.corrcoef(weights.ravel(), wanted.ravel())[0, 1], 0.98)
        self.assertFalse(np.array_equal(weights, wanted))
        # One input spike reads one row: asking changes nothing.
        row = on_devices.weights("w_in")[:, 3]
        before = memprop.Simulation(net, crossbar=self.experiment, overrides=quiet, seed=2)
        once = before.run([[0, 3]], steps=1, probe=["lif"])["state"]["lif"]["v"]
        before.restore(self.saved_start(net, quiet))
        before.conductances("w_in")
        again = before.run([[0, 3]], steps=1, probe=["lif"])["state"]["lif"]["v"]
        np.testing.assert_array_equal(once, again)
        self.assertGreater(np.corrcoef(once[0], row)[0, 1], 0.999)

    def saved_start(self, net, overrides):
        file = str(self.scratch / "start.h5")
        memprop.Simulation(net, crossbar=self.experiment, overrides=overrides, seed=2).save(file)
        return file

    def test_reload_keeps_the_state(self):
        net, events = self.trained(), self.events()
        simulation = memprop.Simulation(net)
        simulation.run(events[events[:, 0] < 40], steps=40)
        other = memprop.Network.load(str(self.scratch / "out" / "checkpoint.h5"))
        other.set_parameter("w_out", "weight", 2 * other.parameter("w_out", "weight"))
        before = simulation.run([], steps=1, probe=["lif"])
        simulation.reload(other)
        after = simulation.run([], steps=1, probe=["lif"])
        self.assertEqual(simulation.steps_done, 42)
        self.assertFalse(np.array_equal(before["state"]["lif"]["v"], after["state"]["lif"]["v"]))
        self.assertTrue(np.any(after["state"]["lif"]["v"] != 0))

    def test_reload_programs_fresh_devices(self):
        net, events = self.trained(), self.events()
        early, late = events[events[:, 0] < 40], events[events[:, 0] >= 40]
        options = dict(crossbar=self.experiment, overrides={"crossbar.programming.tolerance_us": 0.6}, seed=2)
        whole = memprop.run(net, events, **options)["output"]
        other = memprop.Network.load(str(self.scratch / "out" / "checkpoint.h5"))
        other.set_parameter("w_out", "weight", -other.parameter("w_out", "weight"))
        outputs = []
        for network in (net, other):
            simulation = memprop.Simulation(net, **options)
            simulation.run(early, steps=40)
            simulation.reload(network)
            outputs.append(simulation.run(late)["output"])
        np.testing.assert_array_equal(outputs[0], whole[40:])  # same weights and seed: the same devices
        self.assertLess(np.corrcoef(outputs[1][20:, 0], whole[60:, 0])[0, 1], 0)

    def test_crossbar(self):
        net, events = self.trained(), self.events()
        options = dict(crossbar=self.experiment, overrides={"crossbar.programming.tolerance_us": 0.6})
        a, b = (memprop.run(net, events, seed=2, **options) for _ in range(2))
        np.testing.assert_array_equal(a["output"], b["output"])
        self.assertGreater(a["energy_j"]["total"], 0)
        self.assertEqual({layer["node"] for layer in a["programming"]}, {"w_in", "w_rec", "w_out"})
        late = memprop.run(net, events, seed=2, device_time=1e9, **options)
        self.assertFalse(np.array_equal(a["output"], late["output"]))

    def test_errors(self):
        net = self.trained()
        for call, text in [
                (lambda: memprop.run(net, [[0, 100]]), r"events\[0, 1\] = 100: the network's input has 100 elements"),
                (lambda: memprop.run(net, [[-1, 0]]), r"events\[0, 0\] = -1"),
                (lambda: memprop.run(net, [[0.5, 0]]), "whole numbers"),
                (lambda: memprop.run(net, [1, 2, 3]), "shape"),
                (lambda: memprop.run(net, [], steps=-1), "steps = -1"),
                (lambda: memprop.run(net, [], dt=0), "dt = 0"),
                (lambda: memprop.run(net, [], reset="never"), "reset = never"),
                (lambda: memprop.run(net, [], seed=1), "need crossbar"),
                (lambda: memprop.run(net, [], probe=["fc"]), "probe = fc"),
                (lambda: net.parameter("w_in", "bias"), "has no parameter bias"),
                (lambda: net.set_parameter("lif", "tau", np.zeros(30)), "tau"),
                (lambda: net.set_parameter("lif", "tau", np.ones(3)), "has shape"),
                (lambda: memprop.Network.load("no_such_file.nir"), "no_such_file.nir")]:
            with self.assertRaisesRegex(memprop.InputError, text):
                call()
        self.assertEqual(memprop.run(net, [])["steps"], 0)

    def test_interrupt(self):
        net = self.trained()
        alarm = threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT))
        simulation = memprop.Simulation(net)
        alarm.start()
        with self.assertRaises(KeyboardInterrupt):
            simulation.run([], steps=10**8)
        self.assertGreater(simulation.steps_done, 0)
        self.assertLess(simulation.steps_done, 10**8)


class Foreign(Case):
    """Networks of other writers: what is noticed, and the options that mend it."""

    @staticmethod
    def write(file, kind, weight=None, **parameters):
        with h5py.File(file, "w") as out:
            out["version"] = "1.0.7"
            nodes = out.create_group("node/nodes")
            out["node/type"] = "NIRGraph"
            content = {"input": ("Input", {"shape": np.array([3])}), "n": (kind, parameters),
                       "output": ("Output", {"shape": np.array([3])})}
            edges = [("input", "n"), ("n", "output")]
            if weight is not None:
                content["w"] = ("Linear", {"weight": weight})
                edges = [("input", "w"), ("w", "n"), ("n", "output")]
            for name, (node_kind, values) in content.items():
                group = nodes.create_group(name)
                group["type"] = node_kind
                for key, value in values.items():
                    group[key] = value
            out["node"].create_dataset("edges", data=edges, dtype=h5py.string_dtype())
        return memprop.Network.load(str(file))

    def test_if_by_the_derivative(self):
        ones = np.ones(3)
        net = self.write(self.scratch / "if.nir", "IF", r=1e3 * ones, v_threshold=2.5 * ones, v_reset=0 * ones)
        events = np.column_stack([np.arange(30), np.arange(30) % 2])
        with self.assertWarnsRegex(UserWarning, "if_integration = per_second"):
            per_step = memprop.run(net, events)
        self.assertEqual(per_step["output"].sum(), 30)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = memprop.run(net, events, if_integration="per_second")
        self.assertEqual(result["output"].sum(), 10)
        self.assertEqual((result["discretisation"]["if_integration"], result["warnings"]), ("per_second", []))
        with self.assertRaisesRegex(memprop.InputError, "per_step, per_second"):
            memprop.Simulation(net, if_integration="dt")

    def test_silent_currents(self):
        ones = np.ones(3)
        net = self.write(self.scratch / "cuba.nir", "CubaLIF", tau_mem=0.01 * ones, tau_syn=0.005 * ones, r=ones,
                         v_leak=0 * ones, v_threshold=1.5 * ones, w_in=ones)
        events = np.column_stack([np.repeat(np.arange(40), 3), np.tile([0, 1, 2], 40)])
        simulation = memprop.Simulation(net)
        with self.assertWarnsRegex(UserWarning, "current_jump = unscaled"):
            self.assertEqual(simulation.run(events, 40)["output"].sum(), 0)
        self.assertEqual(len(simulation.warnings), 1)
        self.assertGreater(memprop.run(net, events, current_jump="unscaled")["output"].sum(), 10)

    def test_boolean_weights_take_real_ones(self):
        ones = np.ones(3)
        net = self.write(self.scratch / "w.nir", "IF", np.eye(3, dtype=bool), r=ones, v_threshold=ones,
                         v_reset=0 * ones)
        np.testing.assert_array_equal(net.parameter("w", "weight"), np.eye(3))
        net.set_parameter("w", "weight", np.ones((3, 3)))
        self.assertEqual(net.parameter("w", "weight").dtype, np.int64)
        net.set_parameter("w", "weight", 0.75 * np.eye(3))
        np.testing.assert_array_equal(net.parameter("w", "weight"), 0.75 * np.eye(3))
        result = memprop.run(net, np.array([[0, 0], [1, 0], [2, 1]]))
        np.testing.assert_array_equal(result["spikes"]["n"], [[1, 0]])


if __name__ == "__main__":
    unittest.main()
