#!/usr/bin/python3
"""End-to-end tests of networks of populations and projections: as a user types them."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1))
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "examples/three_populations.toml"
SHORT = ("--set", "task.steps=200", "--set", "run.epochs=6")


def memprop(*arguments, **options):
    return subprocess.run([MEMPROP, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
                          **options)


def state_of(checkpoint):
    """Every array below /state of a checkpoint."""
    arrays = {}
    with h5py.File(checkpoint) as file:
        file["state"].visititems(
            lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return arrays


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def ok(self, *arguments):
        done = memprop(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def train(self, *arguments):
        return json.loads(self.ok("train", *arguments, "--json").stdout.splitlines()[-1])

    def same_state(self, one, other):
        first, second = state_of(one), state_of(other)
        self.assertEqual(first.keys(), second.keys())
        for name, values in first.items():
            numpy.testing.assert_array_equal(values, second[name], name)


class ThreePopulations(Case):
    def test_it_learns(self):
        result = self.train(EXAMPLE, "--set", "run.epochs=150", "--out", self.scratch / "out")
        history = result["loss_history"]
        self.assertLess(sum(history[-5:]) / 5, 0.5 * sum(history[:5]) / 5)

    def test_runs_repeat_and_resume_bit_for_bit(self):
        whole, again, parts = (self.scratch / name for name in ("whole", "again", "parts"))
        result = self.train(EXAMPLE, *SHORT, "--out", whole)
        self.assertEqual(self.train(EXAMPLE, *SHORT, "--out", again)["loss_history"], result["loss_history"])
        self.same_state(whole / "checkpoint.h5", again / "checkpoint.h5")
        self.train(EXAMPLE, *SHORT, "--set", "run.epochs=3", "--out", parts)
        resumed = self.train("--resume", parts, "--set", "run.epochs=6")
        self.assertEqual(resumed["loss_history"], result["loss_history"])
        self.same_state(whole / "checkpoint.h5", parts / "checkpoint.h5")
        other = self.train(EXAMPLE, *SHORT, "--seed", 2, "--out", self.scratch / "other")
        self.assertNotEqual(other["loss_history"], result["loss_history"])

    def test_a_resume_of_another_network_is_refused(self):
        out = self.scratch / "out"
        self.train(EXAMPLE, *SHORT, "--out", out)
        for change, words in (("population.inhibitory.size=21", "population.inhibitory.size = 20, not 21"),
                              ("projection.in_to_exc.device=reram", 'projection.in_to_exc.device = "pcm"'),
                              ("population.more.model=input", "without population.more.")):
            done = memprop("train", "--resume", out, "--set", change, "--set", "run.epochs=7")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(words, done.stderr)

    def test_every_key_can_be_swept(self):
        points = [[], ["projection.in_to_exc.device=reram"], ["population.inhibitory.tau_membrane_seconds=0.02"],
                  ["device.pcm.read_noise_scale=0"], ["population.excitatory.model=alif"],
                  ["projection.exc_to_exc.density=0.5"], ["projection.in_to_exc.device=rerum"],
                  ["population.inhibitory.tresholds=1"]]
        done = self.ok_points(points)
        changed = [dict(point["config"]) if "config" in point else None for point in done]
        self.assertEqual(changed[1]["projection.in_to_exc.device"], '"reram"')
        self.assertEqual(changed[2]["population.inhibitory.tau_membrane_seconds"], "0.02")
        self.assertEqual(changed[0]["population.inhibitory.tau_membrane_seconds"], "0.01")
        self.assertEqual(changed[3]["device.pcm.read_noise_scale"], "0.0")
        self.assertIn("population.excitatory.adaptation_beta", changed[4])
        self.assertIn("the nearest is [device.reram]", done[6]["error"])
        self.assertIn("'population.inhibitory.threshold'", done[7]["error"])
        self.assertEqual(done[7]["override"], 0)
        unused = {entry["key"] for entry in done[1]["keys_without_effect"]}
        self.assertNotIn("device.pcm.device", unused)
        losses = [self.train(EXAMPLE, *SHORT, "--set", "run.epochs=2", *(["--set", *point] if point else []), "--out",
                             self.scratch / str(index))["final_loss"] for index, point in enumerate(points[:6])]
        self.assertEqual(len(set(losses)), len(losses))

    def ok_points(self, points):
        file = self.scratch / "points"
        file.write_text("".join(json.dumps(point) + "\n" for point in points))
        return [json.loads(line) for line in self.ok("config", EXAMPLE, "--points", file).stdout.splitlines()]

    def test_config_prints_what_can_be_read_back(self):
        for options in ((), ("--network",)):
            printed = self.scratch / "printed.toml"
            printed.write_text(self.ok("config", EXAMPLE, *options).stdout)
            first = self.train(EXAMPLE, *SHORT, "--set", "run.epochs=2", "--out", self.scratch / "first")
            second = self.train(printed, *SHORT, "--set", "run.epochs=2", "--out", self.scratch / "second")
            self.assertEqual(first["loss_history"], second["loss_history"])
            shutil.rmtree(self.scratch / "first")
            shutil.rmtree(self.scratch / "second")

    def test_the_drawing_names_everything(self):
        dot = self.ok("inspect", EXAMPLE, "--dot").stdout
        tables = tomllib.loads(EXAMPLE.read_text())
        for name in (*tables["population"], *tables["projection"], *tables["objective"]):
            self.assertIn(name, dot)
        self.assertEqual(dot.count(" -> p"), len(tables["projection"]))
        drawn = json.loads(self.ok("inspect", EXAMPLE, "--dot", "--json").stdout)
        self.assertEqual([p["name"] for p in drawn["populations"]], list(tables["population"]))
        self.assertEqual([p["name"] for p in drawn["projections"]], list(tables["projection"]))
        self.train(EXAMPLE, *SHORT, "--set", "run.epochs=1", "--out", self.scratch / "out")
        stored = json.loads((self.scratch / "out/network.json").read_text())
        self.assertEqual(stored, drawn)
        of_checkpoint = json.loads(self.ok("inspect", self.scratch / "out/checkpoint.h5", "--dot", "--json").stdout)
        self.assertEqual(of_checkpoint, drawn)


class ShortForm(Case):
    def test_its_network_as_tables_trains_the_same(self):
        experiment = self.scratch / "experiment.toml"
        experiment.write_text('[network]\nrecurrent = 30\nneuron = "alif"\ndensity_rec = 0.5\n[task]\nsteps = 100\n'
                              "[run]\nepochs = 3\n")
        for scheme in ("vanilla", "mixed_precision"):
            scheme = ("--set", f"update.scheme={scheme}")
            tables = self.scratch / "tables.toml"
            tables.write_text(self.ok("config", experiment, *scheme, "--network").stdout)
            self.assertIn("[population.neurons]", tables.read_text())
            short = self.train(experiment, *scheme, "--out", self.scratch / f"short{scheme[1]}")
            long = self.train(tables, "--out", self.scratch / f"long{scheme[1]}")
            self.assertEqual(short["loss_history"], long["loss_history"])
            self.assertEqual(short["spikes"], long["spikes"])


class Messages(Case):
    def refused(self, text, *words):
        experiment = self.scratch / "experiment.toml"
        experiment.write_text(text)
        done = memprop("train", experiment, "--out", self.scratch / "out")
        self.assertEqual(done.returncode, 2, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_wrong_tables_are_refused_by_name(self):
        text = EXAMPLE.read_text()
        self.refused(text.replace('to = "readouts"', 'to = "readout"'),
                     'projection.exc_to_out.to = "readout"', "[population.readouts]")
        self.refused(text.replace('population = "readouts"', 'population = "read"'), "objective.pattern.population")
        self.refused(text.replace("[device.reram]", "[device.reran]"), "projection.exc_to_inh.device")
        self.refused(text.replace("size = 80", "size = 80.5"), "population.excitatory.size = 80.5")
        self.refused(text.replace("delay_steps = 1\n", ""), "close a cycle without delay")
        self.refused(text.replace("tau_synapse", "tau_synaps"), "population.inhibitory.tau_synaps_seconds",
                     "population.inhibitory.tau_synapse_seconds")
        self.refused(text.replace('name = "pattern_generation"', 'name = "cue_accumulation"')
                     .replace("size = 1\n", "size = 2\n"), "learning.loss")

    def test_models_are_explained(self):
        text = self.ok("config", "--models").stdout
        for word in ("cuba_lif", "tau_synapse_seconds", "adaptation_beta", "eprop", "firing threshold"):
            self.assertIn(word, text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
