#!/usr/bin/python3
"""The cycle-level chip computes the same bits as the functional engine: losses, spikes, every device.

    test_engines.py MEMPROP           a pairwise cover of the grid, 3 epochs, and what else matters
    test_engines.py MEMPROP --full    every combination of the grid, 20 epochs
"""

import concurrent.futures
import csv
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

from engine_settings import CHIP, CUES, EXTRA, NETWORK, SCHEMES, WITHIN

MEMPROP = pathlib.Path(sys.argv.pop(1))
FULL = "--full" in sys.argv
if FULL:
    sys.argv.remove("--full")
EPOCHS = 20 if FULL else 3

GRID = {
    "scheme": list(SCHEMES),
    "gradient": ["factorised", "online"],
    "mesh": ["1", "2"],
    "read_mode": ["per_event", "per_timestep"],
    "adc_bits": ["0", "6"],
    "seed": ["1", "2", "3"],
}


def grid_settings(point):
    return [f"update.scheme={point['scheme']}", *SCHEMES[point["scheme"]], f"learning.gradient={point['gradient']}",
            f"chip.mesh_width={point['mesh']}", f"chip.mesh_height={point['mesh']}",
            f"chip.read_mode={point['read_mode']}", f"crossbar.adc_bits={point['adc_bits']}",
            f"run.seed={point['seed']}"]


def pairs(row):
    return {frozenset(((i, a), (j, b))) for (i, a), (j, b) in itertools.combinations(enumerate(row), 2)}


def pairwise_cover():
    """Rows of the grid in which every two values of different factors meet; the best row next, first of equals."""
    rows = list(itertools.product(*GRID.values()))
    missing = set().union(*(pairs(row) for row in rows))
    cover = []
    while missing:
        best = max(rows, key=lambda row: len(pairs(row) & missing))
        missing -= pairs(best)
        cover.append(dict(zip(GRID, best)))
    return cover


def memprop(*arguments):
    return subprocess.run([MEMPROP, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)


def train(directory, engine, settings, *arguments, experiment="/dev/null"):
    """The result of a run; its files are in `directory`."""
    sets = [part for setting in settings for part in ("--set", setting)]
    done = memprop("train", experiment, "--engine", engine, "--out", directory, "--json", *sets, *arguments)
    if done.returncode != 0:
        raise AssertionError(f"{engine}: {settings}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def datasets(file):
    """Every dataset of an HDF5 file by its path, but the resolved settings, which name the engine, and what a chip
    spent."""
    found = {}
    with h5py.File(file) as tree:
        tree.visititems(lambda path, item: found.update({path: item[()]})
                        if isinstance(item, h5py.Dataset) and path != "config" and not path.startswith("chip/")
                        else None)
    return found


def differences(one, other, files=("run.h5", "checkpoint.h5")):
    """Paths of datasets that are not the same bits."""
    found = []
    for name in files:
        a, b = datasets(one / name), datasets(other / name)
        found += [f"{name}:{path} is in one only" for path in a.keys() ^ b.keys()]
        for path in a.keys() & b.keys():
            x, y = numpy.asarray(a[path]), numpy.asarray(b[path])
            if x.dtype != y.dtype or x.shape != y.shape or x.tobytes() != y.tobytes():
                found.append(f"{name}:{path}")
    return sorted(found)


class Engines(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def assert_same(self, name, functional, cycle, files=("run.h5", "checkpoint.h5")):
        (one, a), (other, b) = functional, cycle
        self.assertEqual(a["loss_history"], b["loss_history"], name)
        for key in ("final_loss", "spikes", "pulses", "steps", "refresh"):
            self.assertEqual(a[key], b[key], f"{name}: {key}")
        self.assertEqual(differences(one, other, files), [], name)
        self.assertGreater(b["cycles"], b["steps"], name)

    def compare(self, cases):
        """Runs each case, settings by name, on both engines. Settings of the chip alone share the functional run."""
        runs, keys = {}, {}
        for name, settings in cases.items():
            settings = [*NETWORK, f"run.epochs={EPOCHS}", *settings]
            functional = [s for s in settings if not s.startswith("chip.")]
            keys[name] = (("functional", *functional), ("cycle", *settings))
            for key in keys[name]:
                runs.setdefault(key, self.scratch / f"run{len(runs)}")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            started = {key: pool.submit(train, directory, key[0], key[1:]) for key, directory in runs.items()}
        results = {}
        for name, (functional, cycle) in keys.items():
            with self.subTest(name):
                results[name] = started[cycle].result()
                self.assert_same(name, (runs[functional], started[functional].result()),
                                 (runs[cycle], results[name]))
        return results

    def test_grid(self):
        points = ([dict(zip(GRID, row)) for row in itertools.product(*GRID.values())] if FULL else pairwise_cover())
        results = self.compare({" ".join(point.values()): grid_settings(point) for point in points})
        for point in points:
            result = results[" ".join(point.values())]
            with self.subTest(point):
                self.assertGreater(result["spikes"], 50)
                if point["scheme"] != "vanilla":
                    self.assertGreater(result["pulses"]["set"], 0)
        self.assertGreater(sum(r["refresh"]["pairs"] for r in results.values() if r["refresh"]), 0)

    def test_the_cover_has_every_pair(self):
        cover = pairwise_cover()
        covered = set().union(*(pairs(tuple(point.values())) for point in cover))
        counts = [len(values) for values in GRID.values()]
        self.assertEqual(len(covered), sum(a * b for a, b in itertools.combinations(counts, 2)))
        self.assertLess(len(cover), 40)

    def test_the_grid_has_every_scheme(self):
        listed = memprop("train", "--list").stdout.split("Update schemes (update.scheme):\n")[1]
        self.assertEqual(set(re.findall(r"^  (\w+)", listed.split("\nNeuron models")[0], re.M)),
                         set(SCHEMES))

    def test_other_settings(self):
        for name, result in self.compare(EXTRA).items():
            with self.subTest(name):
                self.assertGreater(result["spikes"], 0)

    def test_more_cycles_not_other_numbers(self):
        cases = {"plain": CHIP, "slow": [*CHIP, "chip.drive_cycles=50", "chip.conversion_cycles=100",
                                         "chip.pulse_cycles=70", "chip.neuron_cycles=30", "chip.update_cycles=9"]}
        results = self.compare(cases)
        self.assertGreater(results["slow"]["cycles"], 2 * results["plain"]["cycles"])

    def test_passes_add_up_to_the_run(self):
        settings = [*NETWORK, *dict(EXTRA)["validation"], "run.epochs=2"]
        out = self.scratch / "run"
        result = train(out, "cycle", settings)
        with open(out / "chip_passes.csv", newline="", encoding="utf-8") as file:
            rows = [{k: v if k == "pass" else float(v) for k, v in row.items()} for row in csv.DictReader(file)]
        self.assertEqual([(row["epoch"], row["pass"]) for row in rows],
                         [(1, "training"), (1, "validation"), (2, "training"), (2, "validation"), (2, "final")])
        counted = rows[:-1]  # the result ends with the training
        self.assertEqual(sum(row["cycles"] for row in counted) + result["chip"]["load_cycles"], result["cycles"])
        for row in rows:
            self.assertEqual(row["learning_engines_j"] > 0, row["pass"] == "training")
        spent = {name: sum(row[f"{name}_j"] for row in counted) for name in
                 ("devices", "routing", "tile_periphery", "neuron_units", "learning_engines")}
        self.assertAlmostEqual(spent["neuron_units"] + spent["learning_engines"], result["energy_j"]["digital"], 12)
        self.assertAlmostEqual(spent["tile_periphery"], result["energy_j"]["tile_periphery"], 12)
        self.assertGreater(rows[-1]["devices_j"], 0)
        self.assertLessEqual(spent["routing"], result["energy_j"]["routing"])  # loading the chip is in no pass
        operations = 0
        with h5py.File(out / "run.h5") as run:
            for trial in run["trials"].values():
                spikes, last = trial["spikes"][:, 0], len(trial["output"]) - 1
                operations += 23 * len(trial["input"]) + 23 * sum(spikes < last) + 2 * len(spikes)
        self.assertEqual(rows[2]["synaptic_operations"], operations)

    def test_evaluate(self):
        settings = [*NETWORK, "run.epochs=2"]
        train(self.scratch / "trained", "functional", settings)
        for more in ([], ["chip.mesh_width=2", "crossbar.adc_bits=6"]):
            runs = []
            for engine in ("functional", "cycle"):
                out = self.scratch / f"{engine}{len(more)}"
                runs.append((out, train(out, engine, [*settings, *more], "--evaluate", "--init",
                                        self.scratch / "trained/checkpoint.h5")))
            self.assert_same("evaluate", *runs, files=("run.h5",))
            self.assertGreater(runs[1][1]["spikes"], 0)
            self.assertEqual(runs[0][1]["pulses"]["set"], 0)

    def test_resume_on_the_other_engine(self):
        cases = {(scheme, kept): [f"update.scheme={scheme}", f"network.state_reset={kept}"]
                 for scheme in ("mixed_precision", "vanilla", "batch_accumulate") for kept in ("trial", "never")}
        for scheme in ("dynamic_transfer", "short_term"):
            cases[scheme, ""] = [f"update.scheme={scheme}", *SCHEMES[scheme], "network.init_std_in=0.3",
                                 "network.init_std_rec=0.1"]
        cases["adaptive feedback", "clipping"] = ["learning.feedback=adaptive", "learning.feedback_decay=0.01",
                                                  "learning.gradient_clip=0.5"]
        for scheme in ("mixed_precision", "vanilla"):
            cases["within", scheme] = [*WITHIN, "learning.update_every_steps=2", f"update.scheme={scheme}",
                                       "network.state_reset=never", "network.init_std_in=0.5",
                                       "network.init_std_rec=0.1"]
        cases["reward", ""] = ["learning.supervision=reward", *CUES]
        for case, more in cases.items():
            settings = [*NETWORK, *CHIP, "learning.optimizer=adam", "network.init_std_in=2", "network.init_std_rec=1",
                        *more]
            whole = self.scratch / "".join(case)
            result = train(whole, "functional", [*settings, "run.epochs=5"])
            for first, second in (("functional", "cycle"), ("cycle", "functional"), ("cycle", "cycle")):
                with self.subTest(case=case, first=first, second=second):
                    out = self.scratch / f"{''.join(case)}{first}{second}"
                    train(out, first, [*settings, "run.epochs=2"])
                    done = memprop("train", "--resume", out, "--engine", second, "--set", "run.epochs=5", "--json")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    resumed = json.loads(done.stdout.splitlines()[-1])
                    self.assertEqual(resumed["loss_history"], result["loss_history"])
                    self.assertEqual(differences(whole, out), [])

    def test_a_resumed_run_counts_all_that_its_chips_spent(self):
        settings = [*NETWORK, *CHIP, "crossbar.adc_bits=6", "crossbar.energy.adc_conversion_pj=2"]
        whole = train(self.scratch / "whole", "cycle", [*settings, "run.epochs=6"])
        # By way of an engine without a chip, which adds to the devices only.
        for between in (["cycle"], ["functional", "cycle"]):
            out = self.scratch / f"resumed{len(between)}"
            epochs, result = 2, train(out, "cycle", [*settings, "run.epochs=2"])
            self.assertLess(result["cycles"], 0.5 * whole["cycles"])
            for engine in between:
                epochs += 4 // len(between)
                done = memprop("train", "--resume", out, "--engine", engine, "--set", f"run.epochs={epochs}", "--json")
                self.assertEqual(done.returncode, 0, done.stderr)
                result = json.loads(done.stdout.splitlines()[-1])
            self.assertEqual(epochs, 6)
            if between == ["cycle"]:
                self.assertLess(abs(result["cycles"] - whole["cycles"]), 10)
                self.assertEqual(result["deadline_misses"], whole["deadline_misses"])
                for part, joule in whole["energy_j"].items():
                    self.assertLessEqual(abs(result["energy_j"][part] - joule), 1e-3 * abs(joule), part)
            else:
                for part in ("routing", "tile_periphery", "digital"):
                    self.assertLess(result["energy_j"][part], 0.9 * whole["energy_j"][part])
                    self.assertGreater(result["energy_j"][part], 0.5 * whole["energy_j"][part])

    def test_refused(self):
        for settings, expected in (
            (["crossbar.drift_compensation=true"], ["crossbar.drift_compensation = true", "must be false"]),
            (["update.scheme=vanilla", "update.write_verify=true"],
             ["update.write_verify = true", 'update.scheme = "vanilla"']),
            (["run.precision=double", "update.scheme=vanilla"], ["run.precision = double", "single"]),
            (["chip.neurons_per_core=5"], ["chip.neurons_per_core = 5", "23 per core"]),
            (["chip.tile_cost.conversion_pj=-1"], ["chip.tile_cost.conversion_pj = -1", "is not known"]),
            (["chip.tile_cost.conversion_pj=3"], ["chip.tile_cost.conversion_pj = 3", "chip.tile_cost.source"]),
            (["chip.router_cost.source="], ["chip.router_cost.source", "where the costs come from"]),
            (["update.scheme=tiki_taka", "crossbar.device=reram_sb", "chip.tiles_per_core=5"],
             ["chip.tiles_per_core = 5", "needs 6 tiles"]),
            (["chip.mesh_width=0"], ["chip.mesh_width = 0", "[1, 63]"]),
        ):
            with self.subTest(settings):
                sets = [part for setting in (*NETWORK, *settings) for part in ("--set", setting)]
                out = self.scratch / "refused"
                done = memprop("train", "/dev/null", "--engine", "cycle", "--out", out, *sets)
                self.assertEqual(done.returncode, 2, done.stderr)
                for text in ("cycle" if "learning" in settings[0] else "", *expected):
                    self.assertIn(text, done.stderr)
                self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
