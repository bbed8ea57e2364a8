#!/usr/bin/python3
"""examples/firmware against the installed package: what it prints is what the functional engine computes."""

import collections
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

MEMPROP, BUILD = map(pathlib.Path, (sys.argv.pop(1), sys.argv.pop(1)))
FIRMWARE, TRAINING = BUILD / "firmware", BUILD / "firmware_training"
EXPERIMENT = pathlib.Path(__file__).resolve().parents[2] / "examples/firmware/training.toml"
REFERENCE = pathlib.Path(__file__).resolve().parent.parent / "reference/nir/valid"
STEPS = 40


def run(*arguments, code=0):
    done = subprocess.run([*map(str, arguments)], capture_output=True, text=True, timeout=100, check=False)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


class Firmware(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def image(self, network, *options):
        file = self.folder / "net.image"
        done = run(MEMPROP, "image", network, "--arithmetic", "single", "--out", file, "--json", *options)
        return file, json.loads(done.stdout)

    def assert_spikes(self, name, dt=1e-3, chip=()):
        network, events = REFERENCE / f"{name}.nir", REFERENCE / f"{name}.input.csv"
        file, description = self.image(network, "--dt", dt, *chip)
        printed = run(FIRMWARE, file, events, STEPS)
        rows = collections.defaultdict(set)
        for step, node, neuron, _ in csv.reader(printed.stdout.splitlines()):
            rows[node].add((int(step), int(neuron)))
        out = self.folder / "functional"
        run(MEMPROP, "run", network, "--events", events, "--steps", STEPS, "--dt", dt, "--arithmetic", "single",
            "--out", out)
        compared = 0
        for population in description["outputs"]:
            if population["spikes"]:
                with open(out / "spikes" / f"{population['name']}.csv", encoding="utf-8") as spikes:
                    wanted = {(int(step), int(index)) for step, index in list(csv.reader(spikes))[1:]}
                self.assertEqual(rows[population["name"]], wanted)
                compared += len(wanted)
        self.assertGreater(compared, 30)

    def test_networks_give_the_spikes_of_memprop_run(self):
        for name, dt in (("v01_ff_lif_2layer", 1e-3), ("v02_rec_cubalif", 1e-4), ("v03_rlif_li_20_100_3", 1e-3)):
            with self.subTest(name):
                self.assert_spikes(name, dt)

    def test_several_cores_give_them_too(self):
        self.assert_spikes("v03_rlif_li_20_100_3", chip=("--set", "chip.mesh_width=3", "--set", "chip.mesh_height=2"))

    def test_training_through_the_bus_gives_the_weights_of_memprop_train(self):
        image, out = self.folder / "training.image", self.folder / "trained"
        run(MEMPROP, "image", EXPERIMENT, "--out", image)
        result = json.loads(run(MEMPROP, "train", EXPERIMENT, "--out", out, "--json").stdout.splitlines()[-1])
        losses, trials = result["loss_history"], 3  # of an epoch
        printed = collections.defaultdict(list)
        for kind, value in csv.reader(run(TRAINING, image, trials * len(losses)).stdout.splitlines()):
            printed[kind].append(float(value))
        with h5py.File(out / "run.h5") as file:
            wanted = numpy.concatenate([file[f"weights/{name}"][:].ravel() for name in ("w_in", "w_rec", "w_out")])
        numpy.testing.assert_array_equal(numpy.sort(numpy.float32(printed["weight"])), numpy.sort(wanted))
        of_epochs = numpy.array(printed["loss"]).reshape(-1, trials).mean(axis=1) / (120 * 2)  # steps and readouts
        numpy.testing.assert_allclose(of_epochs, losses, rtol=1e-12)
        self.assertLess(printed["evaluation"][0], printed["loss"][0])

    def test_damaged_images_are_refused(self):
        network = REFERENCE / "v03_rlif_li_20_100_3.nir"
        file, _ = self.image(network)
        events = REFERENCE / "v03_rlif_li_20_100_3.input.csv"
        words = file.read_bytes()
        for change, message in ((words[:-4], "the number of words is another one"),
                                (words[:-1], "no whole number of words"),
                                (b"X" + words[1:], "the first word must be"),
                                (words[:400] + bytes([words[400] ^ 1]) + words[401:], "checksum"),
                                (b"", "ends too early")):
            damaged = self.folder / "damaged.image"
            damaged.write_bytes(change)
            self.assertIn(message, run(FIRMWARE, damaged, events, 1, code=2).stderr)

    @unittest.skipIf("MEMPROP_SANITIZED" in os.environ,
                     "SystemC changes stacks, and AddressSanitizer misjudges exceptions after that")
    def test_events_of_unknown_inputs_are_refused(self):
        file, _ = self.image(REFERENCE / "v03_rlif_li_20_100_3.nir")
        beyond = self.folder / "beyond.csv"
        beyond.write_text("step,index\n0,20\n", encoding="utf-8")
        self.assertIn("event of input 20", run(FIRMWARE, file, beyond, 1, code=1).stderr)


if __name__ == "__main__":
    unittest.main()
