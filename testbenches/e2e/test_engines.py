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

MEMPROP = pathlib.Path(sys.argv.pop(1))
FULL = "--full" in sys.argv
if FULL:
    sys.argv.remove("--full")
EPOCHS = 20 if FULL else 3

# Small, but with spikes, pulses of both kinds and refreshed pairs in three epochs.
NETWORK = ["network.recurrent=23", "network.inputs=19", "network.outputs=2", "network.init_std_in=0.3",
           "task.steps=100", "update.refresh_period=2", "update.refresh_high=0.06", "update.refresh_low=0.02"]
SCHEMES = {
    "vanilla": [],
    "sign": [],
    "stochastic": [],
    "multi_device": ["update.devices_per_polarity=3"],
    "mixed_precision": [],
    "batch_accumulate": ["update.accumulate_samples=2"],
    "tiki_taka": ["crossbar.device=reram_sb", "update.transfer.rows=5"],
    "buffered_transfer": ["crossbar.device=reram_sb", "update.transfer.rows=30", "update.transfer.rate=1"],
    "chopped_transfer": ["crossbar.device=reram_sb", "update.transfer.rows=30", "update.transfer.rate=1",
                         "update.transfer.chop_probability=0.5"],
    "dynamic_transfer": ["crossbar.device=ecram_li", "update.transfer.rows=30", "update.transfer.rate=1",
                         "update.transfer.chop_probability=0.5", "update.max_pulses=1000"],
    "short_term": ["crossbar.device=pcm_nandakumar2018", "update.transfer.rows=30", "update.transfer.every=2"],
}
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


# What the grid does not vary.
CHIP = ["chip.mesh_width=2", "chip.mesh_height=2"]
CUES = ["task.name=cue_accumulation", "network.inputs=40", "learning.loss=cross_entropy", "task.cues=2",
        "task.cue_seconds=0.02", "task.gap_seconds=0.01", "task.delay_seconds=0.04", "task.response_seconds=0.03",
        "task.fresh_trials=true"]
WITHIN = ["learning.gradient=online", "learning.regularizer=running_average", "learning.update_every_steps=1"]
EXTRA = {
    "tiles smaller than the layers": [*CHIP, "crossbar.tile_rows=7", "crossbar.tile_columns=5", "crossbar.adc_bits=6"],
    "tiles, one core": ["crossbar.tile_rows=6", "crossbar.tile_columns=4", "chip.read_mode=per_timestep"],
    "shared converters": ["chip.mesh_width=2", "crossbar.adc_bits=5", "crossbar.adc.columns_per_converter=4",
                          "crossbar.tile_columns=8"],
    "many readouts": [*CHIP, "network.outputs=11"],
    "readouts split over cores": [*CHIP, "network.outputs=30", "chip.neurons_per_core=16"],
    "one neuron": ["network.recurrent=1", "network.inputs=1", "network.outputs=1", "run.seed=5",
                   "network.threshold=1e-3", "chip.mesh_height=3"],
    "more cores than neurons": ["network.recurrent=3", "network.outputs=1", "chip.mesh_width=3", "chip.mesh_height=2"],
    "symmetric feedback": [*CHIP, "learning.feedback=symmetric", "network.outputs=3"],
    "symmetric feedback, numbers": [*CHIP, "learning.feedback=symmetric", "update.scheme=vanilla"],
    "weight decay": [*CHIP, "learning.weight_decay=0.01"],
    "weight decay, numbers": ["learning.weight_decay=0.01", "update.scheme=vanilla", "update.weight_limit=0.2"],
    "clipping": [*CHIP, "learning.gradient_clip=20", "learning.optimizer=momentum"],
    "clipping, a batch of numbers": ["learning.gradient_clip=0.2", "learning.batch=3", "update.scheme=vanilla"],
    "adaptive feedback": [*CHIP, "learning.feedback=adaptive", "learning.feedback_decay=0.03", "network.outputs=5",
                          "chip.neurons_per_core=10"],
    "adaptive feedback, weight decay, numbers": ["learning.feedback=adaptive", "learning.weight_decay=0.01",
                                                 "learning.gradient_clip=1", "update.scheme=vanilla"],
    "alif": [*CHIP, "network.neuron=alif", "network.adaptive_fraction=0.5", "network.adaptation_beta=0.01"],
    "alif, spread of time constants": [*CHIP, "network.neuron=alif", "network.tau_membrane_max_seconds=0.1"],
    "refractory, reset to a value": [*CHIP, "network.refractory_steps=3", "network.reset=to_value",
                                     "network.reset_value=-0.01", "network.pseudo_derivative=table"],
    "state kept": [*CHIP, "network.state_reset=never"],
    "state kept, readout delay": [*CHIP, "network.state_reset=never", "network.readout_delay_steps=1"],
    "readout delay": ["chip.mesh_width=2", "network.readout_delay_steps=1"],
    "batch": [*CHIP, "learning.batch=3", "learning.optimizer=adam"],
    "batch, numbers": [*CHIP, "learning.batch=3", "update.scheme=vanilla", "run.threads=2"],
    "momentum, online": ["learning.optimizer=momentum", "learning.gradient=online",
                         "learning.regularizer=running_average"],
    "validation": ["task.name=store_recall", "task.cues=2", "task.validation_samples=2", "run.validate_every=1",
                   "task.delay_seconds=0.05", "learning.loss=cross_entropy", "network.inputs=40", *CHIP],
    "cue accumulation": [*CUES, *CHIP],
    "rewards": ["learning.supervision=reward", *CUES, *CHIP],
    "rewards, a batch of numbers": ["learning.supervision=reward", "learning.batch=3", "update.scheme=vanilla",
                                    "learning.feedback=symmetric", *CUES],
    "rewards, clipping": ["learning.supervision=reward", "learning.gradient_clip=0.1", "learning.gradient=online",
                          "run.validate_every=1", "task.validation_samples=2", *CUES, *CHIP],
    "updates within the trial": [*WITHIN, *CHIP],
    "updates within the trial, numbers": [*WITHIN, "update.scheme=vanilla", "chip.mesh_width=2",
                                          "learning.feedback=symmetric", "chip.read_mode=per_timestep"],
    "updates every seven steps, state kept": [*WITHIN, "learning.update_every_steps=7", "learning.optimizer=adam",
                                              "network.state_reset=never", "network.readout_delay_steps=1",
                                              "update.scheme=vanilla", *CHIP],
    "updates every three steps, a cutoff, tiles": [*WITHIN, "learning.update_every_steps=3", "crossbar.tile_rows=7",
                                                   "learning.trace_cutoff_steps=4", "crossbar.tile_columns=5",
                                                   "crossbar.adc_bits=6", "update.scheme=stochastic", *CHIP],
    "updates within the trial, fast array": [*WITHIN, "update.scheme=buffered_transfer", *CHIP,
                                             *SCHEMES["buffered_transfer"]],
    "updates within the trial, verified, wires": [*WITHIN, "update.write_verify=true", "crossbar.wires.r_wl_ohm=2",
                                                  "learning.update_every_steps=5", *CHIP],
    "updates within the trial, validation": [*WITHIN, *CUES, "run.validate_every=1", "task.validation_samples=2",
                                             "update.scheme=batch_accumulate", "chip.fifo_depth=1", *CHIP],
    "soft-bounds ReRAM": ["crossbar.device=reram_array_om", *CHIP],
    "ECRAM": ["crossbar.device=ecram_li", "update.max_pulses=1000", *CHIP],
    "ideal devices": ["crossbar.device=ideal", "update.scheme=sign", "crossbar.read_noise_scale=0"],
    "faults": ["crossbar.faults.stuck_min=0.05", "crossbar.faults.stuck_max=0.05", *CHIP],
    "wires": ["crossbar.wires.r_wl_ohm=2", "crossbar.wires.r_bl_ohm=2", *CHIP],
    "wires, tiles": ["crossbar.wires.r_wl_ohm=2", "crossbar.wires.r_bl_ohm=2", "crossbar.tile_rows=10",
                     "crossbar.tile_columns=6", *CHIP],
    "accumulator bits": ["update.accumulator_bits=6", *CHIP],
    "inner scheme": ["update.scheme=batch_accumulate", "update.inner_scheme=sign", "update.accumulate_samples=3"],
    "verified writes": [*CHIP, "update.write_verify=true", "update.verify_tolerance_us=1"],
    "verified writes on tiles": ["chip.mesh_width=2", "update.write_verify=true", "crossbar.tile_rows=7",
                                 "crossbar.tile_columns=5", "update.scheme=multi_device",
                                 "update.devices_per_polarity=2", "crossbar.adc_bits=6"],
    "verified writes of transfers": [*CHIP, "update.write_verify=true", "update.scheme=buffered_transfer",
                                     *SCHEMES["buffered_transfer"]],
    "verified writes every other update": ["update.write_verify=true", "update.scheme=batch_accumulate",
                                           "update.accumulate_samples=2", "crossbar.slice_base=2",
                                           "update.devices_per_polarity=2"],
    "fast array on tiles": [*CHIP, "update.scheme=dynamic_transfer", *SCHEMES["dynamic_transfer"],
                            "crossbar.tile_rows=7", "crossbar.tile_columns=5", "crossbar.adc_bits=6",
                            "update.transfer.every=2", "update.transfer.rows=9"],
    "fast array with SET and RESET on tiles": ["update.scheme=short_term", *SCHEMES["short_term"],
                                               "crossbar.tile_rows=6", "crossbar.tile_columns=4",
                                               "update.devices_per_polarity=2", "update.max_pulses=40"],
    "fast array with wires": ["update.scheme=buffered_transfer", *SCHEMES["buffered_transfer"], *CHIP,
                              "crossbar.wires.r_wl_ohm=2", "crossbar.wires.r_bl_ohm=2"],
    "slow links, shallow FIFOs": [*CHIP, "chip.fifo_depth=1", "chip.router_cycles=3", "chip.link_cycles=2",
                                  "chip.neuron_lanes=1", "chip.learning_lanes=3"],
}


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
                        if isinstance(item, h5py.Dataset) and path != "config" and not path.startswith("chip/") else None)
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
