#!/usr/bin/python3
"""End-to-end tests of `memprop core`: quantisation, an independent integer model, learning, the reference task.

  test_core.py MEMPROP                  all that needs no data set
  test_core.py MEMPROP --public-data    the reference task; exit code 77 where its data set is not on this machine
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1))
PUBLIC_DATA = "--public-data" in sys.argv
if PUBLIC_DATA:
    sys.argv.remove("--public-data")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True
from public_data import public_data  # noqa: E402  (the path has to be known first)


def memprop(*arguments, code=0):
    done = subprocess.run([MEMPROP, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


def write_network(file, inputs=12, neurons=21, outputs=3, tau=0.03, tau_out=0.02, **extra):
    rng = numpy.random.default_rng(7)
    with h5py.File(file, "w") as out:
        out["version"] = "1.0.7"
        root = out.create_group("node")
        root["type"] = "NIRGraph"

        def node(name, kind, **parameters):
            group = root.create_group(f"nodes/{name}")
            group["type"] = kind
            for key, value in parameters.items():
                group[key] = value

        ones = numpy.ones(neurons)
        lif = dict(tau=tau * ones, r=ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones)
        lif.update(extra)
        node("input", "Input", shape=[inputs])
        node("w_in", "Linear", weight=rng.normal(3, 5, (neurons, inputs)))
        node("lif", "LIF", **lif)
        node("w_rec", "Linear", weight=rng.normal(0, 3, (neurons, neurons)))
        node("w_out", "Linear", weight=rng.normal(0, 1, (outputs, neurons)))
        node("readout", "LI", tau=numpy.full(outputs, tau_out), r=numpy.ones(outputs), v_leak=numpy.zeros(outputs))
        node("output", "Output", shape=[outputs])
        edges = [("input", "w_in"), ("w_in", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "w_out"),
                 ("w_out", "readout"), ("readout", "output")]
        root.create_dataset("edges", data=edges, dtype=h5py.string_dtype())
    return file


def matrix(file):
    return numpy.loadtxt(file, delimiter=",", dtype=int, ndmin=2)


def integer_spikes(directory, events, steps):
    """The equations of the core on Python integers; nothing may saturate."""
    w_in, w_rec = (matrix(directory / "weights" / f"{n}.csv") for n in ("w_in", "w_rec"))
    neurons = numpy.loadtxt(directory / "neurons.csv", delimiter=",", skiprows=1, dtype=int)
    registers = dict(line.split(",") for line in (directory / "registers.csv").read_text().split()[1:])
    shift_in, shift_rec = int(registers["FP_LOC_WINP"]), int(registers["FP_LOC_WREC"])
    threshold, alpha = neurons[:len(w_rec), 2], neurons[:len(w_rec), 3]
    u = numpy.zeros(len(w_rec), dtype=int)
    z = numpy.zeros(len(w_rec), dtype=bool)
    spikes = []
    for step in range(steps + 1):
        if step > 0:
            z = u >= threshold
            decayed = (u * alpha) >> 15
            u = numpy.where(z, 0 if registers["RST_MODE"] == "1" else decayed - threshold, decayed)
            spikes += [(step - 1, j) for j in numpy.flatnonzero(z)]
        active = sorted({i for k, i in events if k == step})
        u = u + (w_in[active].sum(axis=0) << shift_in) + (w_rec[z].sum(axis=0) << shift_rec)
        assert numpy.abs(u).max() < 32768
    return spikes


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def write_events(self, steps=120, inputs=12, per_step=2, seed=3):
        rng = numpy.random.default_rng(seed)
        events = [(k, int(i)) for k in range(steps) for i in rng.choice(inputs, per_step, replace=False)]
        file = self.scratch / "events.csv"
        file.write_text("step,index\n" + "".join(f"{k},{i}\n" for k, i in events))
        return file, events

    def core(self, network, events, name, *arguments):
        out = self.scratch / name
        done = memprop("core", network, "--events", events, "--out", out, "--json", *arguments)
        rows = [tuple(map(int, line.split(",")[1:])) for line in (out / "spikes.csv").read_text().splitlines()[1:]]
        return json.loads(done.stdout.splitlines()[-1]), [(k, j) for _, k, j in rows], out


class Quantisation(Case):
    def test_spikes_are_those_of_the_integer_equations(self):
        network = write_network(self.scratch / "net.nir")
        file, events = self.write_events()
        for reset in ("zero", "subtract_next"):
            result, spikes, out = self.core(network, file, reset, "--reset", reset)
            self.assertGreater(len(spikes), 100)
            self.assertEqual(result["spikes"], len(spikes))
            self.assertEqual(spikes, [s for s in integer_spikes(out, events, 120) if s[1] < 21])
            self.assertEqual(matrix(out / "weights" / "w_rec.csv").shape, (22, 22))  # a silent neuron fills the pair
            self.assertGreater(result["cycles"], 120 * 22)
            delivered = sum(step < 119 for step, _ in spikes)  # the spikes of the last step reach nothing
            self.assertEqual(result["passes"], [{"epoch": 1, "split": "events", "cycles": result["cycles"],
                                                 "spikes": len(spikes), "weight_updates": 0,
                                                 "synaptic_operations": 22 * len(events) + (22 + 3) * delivered}])

    def test_numbers_follow_the_rule(self):
        network = write_network(self.scratch / "net.nir", neurons=20)
        file, _ = self.write_events()
        result, _, out = self.core(network, file, "out", "--integrator", "exponential")
        q = result["quantisation"]
        alpha = numpy.exp(-1e-3 / 0.03)
        self.assertEqual(q["alpha"], round(32768 * alpha))
        self.assertEqual(q["kappa"], round(128 * numpy.exp(-1e-3 / 0.02)))
        with h5py.File(network) as f:
            w_in, w_out = f["node/nodes/w_in/weight"][:].T, f["node/nodes/w_out/weight"][:].T
        effective = (1 - alpha) * w_in
        self.assertEqual(q["threshold"], int(1 / q["membrane_unit"]) + 1)  # firing above the threshold
        got = matrix(out / "weights" / "w_in.csv") * q["w_in"]["unit"]
        self.assertLessEqual(numpy.abs(got - effective).max(), 0.5001 * q["w_in"]["unit"])
        self.assertLess(q["w_in"]["rms_error"], 0.02)
        self.assertAlmostEqual(q["w_in"]["unit"], q["membrane_unit"] * 2 ** q["w_in"]["shift"], places=12)
        wanted = 2048 * (1 - numpy.exp(-1e-3 / 0.02)) * w_out / 2 ** q["w_out"]["shift"]
        self.assertLessEqual(numpy.abs(matrix(out / "weights" / "w_out.csv") - wanted).max(), 0.5001)

    def test_close_to_the_floating_point_network(self):
        network = write_network(self.scratch / "net.nir", neurons=20)
        file, _ = self.write_events()
        _, spikes, _ = self.core(network, file, "out")
        memprop("run", network, "--events", file, "--out", self.scratch / "float")
        rows = (self.scratch / "float" / "spikes" / "lif.csv").read_text().splitlines()[1:]
        expected = [tuple(map(int, row.split(","))) for row in rows]
        self.assertEqual([s for s in spikes if s[0] < 8], [s for s in expected if s[0] < 8])
        self.assertLess(abs(len(spikes) - len(expected)), 0.1 * len(expected))

    def test_what_does_not_fit_is_refused_with_its_limit(self):
        file, _ = self.write_events()
        ones = numpy.ones(21)
        uneven = 0.03 * ones
        uneven[5] = 0.04
        for arguments, text in [
                (dict(inputs=300), "300 inputs needed, the core has 256"),
                (dict(neurons=257), "257 neurons needed, the core has 256"),
                (dict(outputs=17), "17 outputs needed, the core has 16"),
                (dict(tau=0.004), "keeps 0.75 of the membrane per step, the core 0.875 to"),
                (dict(tau=uneven), "tau of neurons 4 and 5 differ"),
                (dict(v_threshold=0 * ones), "v_threshold[0] = 0: must be above 0"),
                (dict(v_reset=0.5 * ones), "v_reset[0] = 0.5: the core resets to 0"),
                (dict(v_leak=ones), "v_leak[0] = 1: the core leaks to 0"),
                (dict(v_threshold=1e-9 * ones), "is less than one unit"),
                (dict(tau_out=numpy.array([0.02, 0.03, 0.02])), "the core has one leak for all outputs")]:
            network = write_network(self.scratch / "net.nir", **arguments)
            done = memprop("core", network, "--events", file, "--out", self.scratch / "no", code=2)
            self.assertIn(text, done.stderr)
        network = write_network(self.scratch / "net.nir")
        for arguments, text in [(["--reset", "subtract"], "reset = subtract"), (["--register", "KAPPA=256"], "8 bits"),
                                (["--register", "KAPA=1"], "the core has EN_CONF"),
                                (["--register", "NUM_REC=5"], "the network needs 11, 21, 2")]:
            done = memprop("core", network, "--events", file, "--out", self.scratch / "no", *arguments, code=2)
            self.assertIn(text, done.stderr)
        for content, text in [("2\n1, 5\n-1, 9\n", "2 samples were announced, there are 1"),
                              ("1\n12, 5\n-1, 9\n", "line 2: index = 12"), ("1\n1, 9\n-1, 9\n", "ends with tick 9"),
                              ("1\n-2, 3\n-1, 9\n", "label = 3"), ("1\n1, x\n", "line 2"), ("", "is empty")]:
            (self.scratch / "e.dat").write_text(content)
            done = memprop("core", network, "--events", self.scratch / "e.dat", "--out", self.scratch / "no", code=2)
            self.assertIn(text, done.stderr)
        self.assertFalse((self.scratch / "no").exists())


LEARNING = ["DO_EPROP=7", "FP_LOC_TINP=3", "FP_LOC_TREC=4", "FP_LOC_TOUT=6", "LEARN_SIG_SCALE=5", "THR_H_0=2000",
            "THR_H_1=2000", "THR_H_2=2000", "THR_H_3=2000", "H_4=1", "LR_P_WINP=8", "LR_P_WREC=8", "LR_P_WOUT=14",
            "SEED_INP=0xF0F0", "SEED_REC=0xF1F1", "SEED_OUT=0xF2F2"]


class Learning(Case):
    def test_labels_change_weights_and_the_result_can_be_loaded(self):
        network = write_network(self.scratch / "net.nir", neurons=20)
        rng = numpy.random.default_rng(1)
        samples = []
        for _ in range(30):
            label = int(rng.integers(3))
            lines = [f"{4 * label + int(rng.integers(4))}, {k}" for k in range(50) for _ in range(2)]
            samples.append("\n".join(lines[:60]) + f"\n-2, {label}\n" + "\n".join(lines[60:]) + "\n-1, 51\n")
        file = self.scratch / "samples.dat"
        file.write_text("30\n" + "".join(samples))
        registers = [word for text in LEARNING for word in ("--register", text)]
        before, _, silent = self.core(network, file, "before")
        after, _, out = self.core(network, file, "after", "--epochs", 20, "--test", file, *registers)
        self.assertGreater(after["accuracy"]["test"][-1], max(0.85, before["accuracy"]["events"][0]))
        self.assertEqual([(p["epoch"], p["split"]) for p in after["passes"]],
                         [(epoch, split) for epoch in range(1, 21) for split in ("events", "test")])
        self.assertEqual(sum(p["cycles"] for p in after["passes"]), after["cycles"])
        for p in after["passes"]:
            if p["split"] == "test":
                self.assertEqual(p["weight_updates"], 0)
            else:  # 30 samples of at most 50 steps that learn, at most 4 + 20 rows of 20 weights and 20 of 3
                self.assertGreater(p["weight_updates"], 30 * 20)
                self.assertLess(p["weight_updates"], 30 * 50 * (12 * 20 + 20 * 20 + 20 * 3))
        changed = matrix(out / "weights" / "w_out.csv") != matrix(silent / "weights" / "w_out.csv")
        self.assertGreater(changed.sum(), 20)
        again, _, loaded = self.core(out, file, "again", "--register", "DO_EPROP=0")
        self.assertEqual(again["accuracy"]["events"][0], after["accuracy"]["test"][-1])
        for name in ("w_in", "w_rec", "w_out"):
            numpy.testing.assert_array_equal(matrix(loaded / "weights" / f"{name}.csv"),
                                             matrix(out / "weights" / f"{name}.csv"))


class ReferenceTask(Case):
    """Run with --public-data only."""

    REGISTERS = {2: 0, 3: 0, 8: 0, 9: 7, 10: 0, 11: 1, 12: 3, 13: 3, 14: 3, 15: 3, 16: 4, 17: 6, 18: 5, 19: 2, 20: 3,
                 21: 1, 22: 0, 23: 0, 25: 0, 26: 1, 27: 0, 30: 0, 31: 1, 32: 0, 33: 0, 64: 0, 69: 0x79, 70: 205, 71: 205,
                 72: 205, 73: 205, 78: 1, 80: 8, 82: 8, 84: 14, 85: 0xF0F0, 86: 0xF1F1, 87: 0xF2F2, 88: 0x3F3FF3F3,
                 89: 0x74F4, 90: 0x3F5FF5F5, 91: 0x3F6FF6F6, 92: 0x3F7FF7F7, 93: 0x0FF0, 94: 39, 95: 99, 96: 1, 98: 160,
                 100: 10, 102: 10}

    def test_accuracies_are_those_of_the_rtl(self):
        dataset = public_data() / "dataset"
        core = self.scratch / "core"
        (core / "weights").mkdir(parents=True)
        for name, file, rows, columns in [("w_in", "inp", 40, 100), ("w_rec", "rec", 100, 100), ("w_out", "out", 100, 2)]:
            weights = numpy.loadtxt(dataset / f"init_rand_weights_{file}_cueAcc.dat", dtype=int).reshape(rows, columns)
            numpy.savetxt(core / "weights" / f"{name}.csv", weights, "%d", ",")
        (core / "neurons.csv").write_text("neuron,u,threshold,alpha,trace_in,trace_rec,trace_out\n" +
                                          "".join(f"{j},0,614,{0x7FEF},0,0,0\n" for j in range(100)))
        (core / "registers.csv").write_text("register,value\n" + "".join(f"{n},{v}\n" for n, v in self.REGISTERS.items()))
        result, _, _ = self.core(core, dataset / "dataset_cueAcc_train.dat", "out", "--test",
                                 dataset / "dataset_cueAcc_test.dat", "--epochs", 2, "--supervise-from", 2100)
        self.assertEqual([round(50 * a) for a in result["accuracy"]["events"]], [32, 46])
        self.assertEqual([round(50 * a) for a in result["accuracy"]["test"]], [45, 49])


def load_tests(loader, _tests, _pattern):
    if PUBLIC_DATA:
        public_data()
        return loader.loadTestsFromTestCase(ReferenceTask)
    suites = [loader.loadTestsFromTestCase(case) for case in Case.__subclasses__() if case is not ReferenceTask]
    return unittest.TestSuite(suites)


if __name__ == "__main__":
    unittest.main(verbosity=2)
