#!/usr/bin/python3
"""From raw pulse traces to a trained network on the fitted device: scripts/fit_device.py and device "table"."""

import csv
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1))
FIT = pathlib.Path(__file__).resolve().parents[2] / "scripts/fit_device.py"

# The device behind the traces, 2 to 10 uS: step up 0.2 (1 - x), down 0.3 x with x in [0, 1], noise 0.05 uS.
LOW, HIGH, SIGMA = 2.0, 10.0, 0.05


def mean_step(g, up):
    x = (g - LOW) / (HIGH - LOW)
    return 0.2 * (1 - x) if up else -0.3 * x


def write_traces(path, read_noise):
    rng = random.Random(1)
    with open(path, "w", encoding="utf-8") as file:
        file.write("device,pulse,conductance_us\n")
        for device in range(60):
            g = LOW + 0.5
            file.write(f"{device},none,{g + rng.gauss(0, read_noise)}\n")
            for pulse in range(400):
                up = pulse % 200 < 100
                g = min(HIGH, max(LOW, g + mean_step(g, up) + rng.gauss(0, SIGMA)))
                file.write(f"{device},{'up' if up else 'down'},{g + rng.gauss(0, read_noise)}\n")


def rows_of(table):
    """Rows of a table of steps, with numbers."""
    lines = [line for line in table.read_text().splitlines() if not line.startswith("#")]
    return [{key: value if key in ("device", "pulse") else float(value) for key, value in row.items()}
            for row in csv.DictReader(lines)]


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


class Devices(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.directory = pathlib.Path(self.temporary.name)

    def fitted(self, read_noise=0.0):
        traces, table = self.directory / "traces.csv", self.directory / "table.csv"
        write_traces(traces, read_noise)
        done = run(FIT, traces, table, "--bins", 12, "--read-noise-us", read_noise)
        self.assertEqual(done.returncode, 0, done.stderr)
        return table

    def test_the_fit_finds_mean_and_spread(self):
        for read_noise, mean_error, std_error in ((0.0, 0.006, 0.004), (0.02, 0.006, 0.004), (0.2, 0.012, 0.04)):
            with self.subTest(read_noise=read_noise):
                table = self.fitted(read_noise)
                self.assertEqual("# read_noise_us = 0.2\n" in table.read_text(), read_noise == 0.2)
                rows = rows_of(table)
                for pulse in ("up", "down"):
                    self.assertGreaterEqual(sum(row["pulse"] == pulse for row in rows), 12)
                # At the ends clipping raises the steps, and there is little to be seen of them under noise.
                rows = [row for row in rows if LOW + 0.6 < row["conductance_us"] < HIGH - 0.6]
                self.assertGreater(len(rows), 12)
                for row in rows:
                    expected = abs(mean_step(row["conductance_us"], row["pulse"] == "up"))
                    self.assertLess(abs(row["mean_step_us"] - expected), mean_error, row)
                    self.assertLess(abs(row["std_step_us"] - SIGMA), std_error, row)

    def test_the_table_has_the_range_of_the_traces(self):
        for read_noise in (0.0, 0.1):
            states = [row["conductance_us"] for row in rows_of(self.fitted(read_noise))]
            lines = (self.directory / "traces.csv").read_text().splitlines()[1:]
            reads = [float(line.split(",")[2]) for line in lines]
            # 100 pulses each way move between about 2.6 and 9.3 uS; a twelfth of them is 0.5 uS.
            self.assertLess(min(states) - min(reads), 0.25 + 4 * read_noise)
            self.assertLess(max(reads) - max(states), 0.25 + 4 * read_noise)

    def test_failed_reads_interrupt_a_trace(self):
        traces, table = self.directory / "traces.csv", self.directory / "table.csv"
        lines = ["device,pulse,conductance_us"]
        for device in range(10):
            lines.append(f"{device},none,2")
            for pulse in range(1, 61):
                # Every third read failed: the steps to and from it are unknown, those of 0.1 uS remain.
                lines.append(f"{device},up,{'' if pulse % 3 == 0 else round(2 + 0.1 * pulse, 6)}")
        traces.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8")
        done = run(FIT, traces, table, "--bins", 4)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = rows_of(table)
        self.assertGreaterEqual(len(rows), 4)
        for row in rows:
            self.assertEqual(row["pulse"], "up")
            self.assertLess(abs(row["mean_step_us"] - 0.1), 1e-9)
            self.assertLess(row["std_step_us"], 1e-6)

    def test_bad_traces_are_refused(self):
        traces, table = self.directory / "traces.csv", self.directory / "table.csv"
        write_traces(traces, 0.0)
        good = traces.read_bytes()
        for more, options, message in (
                (b"1,up,3,4\n", [], ":24062: must have 3 fields"), (b"1,up\n", [], ":24062: must have 3 fields"),
                (b"1,up,1e300\n", [], "conductance_us = '1e300': must be a number in"),
                (b"1,up,nan\n", [], "conductance_us = 'nan': must be a number in"),
                (b"1,UP,3\n", [], "pulse = 'UP': must be up, down or none"),
                (b"1,up,\xff\n", [], "is no CSV file"),
                (b"", ["--read-noise-us", "inf"], "--read-noise-us inf: must be in [0,"),
                (b"", ["--read-noise-us", "1"], "--read-noise-us 1.0: the steps scatter by 0.0"),
                (b"", ["--bins", "1"], "--bins 1: must be at least 2")):
            with self.subTest(message=message):
                traces.write_bytes(good + more)
                done = run(FIT, traces, table, *options)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(message, done.stderr)
                self.assertFalse(table.exists())
        traces.write_bytes(good)
        done = run(FIT, traces, self.directory / "nowhere/table.csv")
        self.assertEqual((done.returncode, "nowhere/table.csv" in done.stderr), (2, True), done.stderr)

    def test_the_table_device_follows_the_traces(self):
        table = self.fitted()
        done = run(MEMPROP, "characterize", "table", "--set", f'crossbar.table_file="{table}"', "--curve",
                   "up_down", "--pulses", 100, "--devices", 2000)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [[float(v) for v in line.split(",")] for line in done.stdout.splitlines()[1:]]
        self.assertEqual(len(rows), 201)
        g = rows[0][1]
        # It rests where up and down steps are equal: 0.2 (1 - x) = 0.3 x.
        self.assertLess(abs(g - (LOW + 0.4 * (HIGH - LOW))), 0.3)
        for pulse, mean, _ in rows[1:]:
            g += mean_step(g, pulse <= 100)
            self.assertLess(abs(mean - g), 0.25, pulse)

    def test_a_network_trains_on_it(self):
        table = self.fitted()
        experiment = self.directory / "experiment.toml"
        experiment.write_text(f'[crossbar]\ndevice = "table"\ntable_file = "{table}"\n'
                              'weight_scale_per_us = 0.08\nweight_scale_out_per_us = 0.2\n'
                              '[run]\nepochs = 60\n')
        done = run(MEMPROP, "train", experiment, "--json", "--out", self.directory / "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertLess(result["final_loss"], 0.5 * result["loss_history"][0])
        self.assertGreater(result["pulses"]["reset"], 0)  # down pulses, though no pair is refreshed
        self.assertEqual(result["refresh"]["pairs"], 0)

    def train(self, name, *settings, options=()):
        """Result and run.h5 of a short run."""
        sets = [part for s in ("task.steps=20", "network.inputs=30", "network.recurrent=40", *settings)
                for part in ("--set", s)]
        done = run(MEMPROP, "train", "/dev/null", *sets, *options, "--json", "--out", self.directory / name)
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.directory / name / "run.h5") as file:
            conductances = {w: file[f"devices/{w}/conductance_us"][()] for w in file.get("devices", ())}
            weights = {w: file[f"weights/{w}"][()].T for w in file["weights"]}
        return json.loads(done.stdout.splitlines()[-1]), conductances, weights

    def test_errors_of_programming_follow_from_the_devices_of_the_file(self):
        self.train("numbers", "update.scheme=vanilla", "run.epochs=2")
        targets = self.train("numbers_at_start", "update.scheme=vanilla", "run.epochs=1", options=(
            "--evaluate", "--init", self.directory / "numbers/checkpoint.h5"))[2]
        for method in ("open_loop", "write_verify"):
            result, conductances, _ = self.train(
                method, f"crossbar.programming.method={method}", "crossbar.drift_scale=0",
                "crossbar.faults.stuck_any=0.05", "crossbar.faults.dead_columns=0.05", "run.epochs=1",
                options=("--evaluate", "--init", self.directory / "numbers/checkpoint.h5"))
            errors = []
            for w, g in conductances.items():
                error = abs(g[0] - g[1] - targets[w] / (0.072 if w == "w_out" else 0.027))
                errors.append(error[~numpy.eye(40, dtype=bool)] if w == "w_rec" else error.ravel())
            errors = numpy.concatenate(errors)
            self.assertGreater(result["faults"]["devices"], 0)
            self.assertEqual(result["programming"]["synapses"], errors.size)
            self.assertAlmostEqual(result["programming"]["mean_error_us"], errors.mean(), delta=1e-5)
            self.assertAlmostEqual(result["programming"]["largest_error_us"], errors.max(), delta=1e-5)

    def test_devices_of_a_checkpoint_bring_their_faults_or_get_others(self):
        stuck = ("crossbar.faults.stuck_max=0.1",)
        without = self.train("without", "run.epochs=30")[0]
        _, with_faults, _ = self.train("with", *stuck, "run.epochs=2", "run.seed=3")
        self.assertEqual(without["faults"]["devices"], 0)
        init = lambda name: ("--evaluate", "--init", self.directory / name / "checkpoint.h5")
        same, conductances, _ = self.train("same", *stuck, "run.epochs=2", options=init("with"))
        for w, g in conductances.items():
            self.assertTrue(numpy.array_equal(g == 12, with_faults[w] == 12))
        self.assertGreater(same["faults"]["devices"], 300)
        none, conductances, _ = self.train("none", "run.epochs=2", options=init("with"))
        self.assertEqual(none["faults"]["devices"], 0)
        new, _, _ = self.train("new", *stuck, "run.epochs=2", options=init("without"))
        devices = 2 * (30 * 40 + 40 * 39 + 40)
        for rate, result in ((0.1, new), (0.2, self.train("other", "crossbar.faults.stuck_min=0.2", "run.epochs=2",
                                                          options=init("with"))[0])):
            self.assertLess(abs(result["faults"]["devices"] - rate * devices),
                            4 * math.sqrt(devices * rate * (1 - rate)))
        # The 90 intervals before are not made up for: three or four are left, of which 4 % of the states fail.
        _, conductances, _ = self.train("forgetful", "crossbar.faults.retention_failure=0.01", "run.epochs=2",
                                        options=init("without"))
        _, before, _ = self.train("before", "run.epochs=2", options=init("without"))
        changed = numpy.concatenate([(g != before[w]).ravel() for w, g in conductances.items()])
        self.assertLess(changed.mean(), 0.06)

    def test_results_tell_how_far_converters_are_calibrated(self):
        for settings, calibrating in (((), 3), (("crossbar.adc.calibration_reads=1",), 0),
                                      (('crossbar.adc.range="fixed"',), 0)):
            name = f"adc{len(settings)}{calibrating}{''.join(settings)[-7:-1]}"
            converters = self.train(name, "crossbar.adc_bits=6", "run.epochs=2", *settings)[0]["converters"]
            self.assertEqual((converters["arrays"], converters["calibrating"]), (3, calibrating))
            self.assertEqual(converters["conversions"] > 0, calibrating == 0)
        self.assertIsNone(self.train("none", "run.epochs=1")[0]["converters"])

        network, events = self.directory / "net.nir", self.directory / "events.csv"
        weights = numpy.random.default_rng(1).normal(size=(4, 6))
        events.write_text("step,index\n0,1\n0,2\n1,5\n2,2\n")
        experiment = self.directory / "experiment.toml"
        for scale, settings, calibrating in ((1, "", 1), (1, "calibration_reads = 1\n", 0), (1e-60, "", None),
                                             (1e60, "", None)):
            with h5py.File(network, "w") as file:
                file["version"] = "0.2"
                graph = file.create_group("node")
                graph["type"] = "NIRGraph"
                for node, kind, key, value in (("input", "Input", "shape", numpy.array([6])),
                                               ("fc", "Linear", "weight", scale * weights),
                                               ("output", "Output", "shape", numpy.array([4]))):
                    group = graph.create_group(f"nodes/{node}")
                    group["type"] = kind
                    group[key] = value
                graph["edges"] = numpy.array([["input", "fc"], ["fc", "output"]], dtype=object)
            experiment.write_text("[crossbar]\nadc_bits = 6\n[crossbar.adc]\n" + settings)
            done = run(MEMPROP, "run", network, "--events", events, "--crossbar", experiment, "--json", "--out",
                       self.directory / f"run{scale}{calibrating}")
            if calibrating is None:
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("node fc: largest weight", done.stderr)
                continue
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout.splitlines()[-1])["converters"]["calibrating"], calibrating)
            self.assertEqual("still calibrating" in done.stderr, calibrating == 1)

    def test_every_curve_of_every_device_is_finite_or_refused(self):
        table = self.fitted()
        listing = run(MEMPROP, "train", "--list").stdout
        devices = [line.split()[0] for line in listing.split("Devices (")[1].split("Update schemes")[0].splitlines()[1:]]
        self.assertIn("pcm_exp", devices)
        self.assertEqual(len(devices), 21)
        needs = {"up_down": "gradual RESET", "retention": "only pcm_inference", "spectrum": ""}
        for device in devices:
            for curve in ("staircase", "drift", "single_pulse", "read_noise", "reset", "up_down", "retention", "spectrum"):
                with self.subTest(device=device, curve=curve):
                    done = run(MEMPROP, "characterize", device, "--curve", curve, "--devices", 40, "--set",
                               f'crossbar.table_file="{table}"', "--set", "crossbar.low_frequency.one_over_f=0.1")
                    if done.returncode == 2:
                        self.assertIn(f"DEVICE = {device}", done.stderr)
                        self.assertIn("takes no pulses" if device == "pcm_inference" and curve != "up_down"
                                      else needs[curve], done.stderr)
                        continue
                    self.assertEqual(done.returncode, 0, done.stderr)
                    names, *rows = [line.split(",") for line in done.stdout.splitlines()]
                    self.assertGreater(len(rows), 3)
                    for row in rows:
                        numbers = [float(v) for n, v in zip(names, row, strict=True) if n != "convention"]
                        self.assertTrue(all(map(math.isfinite, numbers)), row)

    def test_grids_of_states_stay_within_the_range(self):
        table = self.fitted()
        highest = max(row["conductance_us"] for row in rows_of(table))
        for device, g_max, settings in [("table", highest, [f'crossbar.table_file="{table}"']),
                                        ("pcm_nandakumar2018", 0.3, ["crossbar.g_max_us=0.3"])]:
            for curve, name in [("single_pulse", "g_start_uS"), ("read_noise", "g_state_uS")]:
                more = [part for setting in settings for part in ("--set", setting)]
                done = run(MEMPROP, "characterize", device, "--curve", curve, "--devices", 40, *more)
                names, *rows = [line.split(",") for line in done.stdout.splitlines()]
                for row in rows:
                    values = dict(zip(names, map(float, row), strict=True))
                    self.assertLess(abs(values["gmax_uS"] - g_max), 1e-6 * g_max)
                    self.assertLessEqual(values[name], values["gmax_uS"])

    def test_where_a_curve_is_written(self):
        for place, message in ((self.directory, "must name a file"), ("", "must name a file"),
                               (self.directory / "nowhere/curve.csv", "must be in a directory that exists")):
            # So many devices and pulses would take hours: what cannot be written is refused before.
            done = subprocess.run([MEMPROP, "characterize", "soft_bounds", "--devices", "1000000", "--pulses", "100000",
                                   "--csv", place], capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual((done.returncode, "--csv = " in done.stderr, message in done.stderr), (2, True, True),
                             done.stderr)
        done = run(MEMPROP, "characterize", "soft_bounds", "--devices", 2, "--csv", "/dev/stdout")
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 22), done.stderr)

    def test_bad_files_are_refused(self):
        bad = self.directory / "bad.csv"
        for text in ("", "conductance_us,pulse\n",
                     "conductance_us,pulse,mean_step_us,std_step_us\n1,up,0.1,0.1\n",
                     "conductance_us,pulse,mean_step_us,std_step_us\n2,up,0.1,0.1\n1,up,0.1,0.1\n",
                     "conductance_us,pulse,mean_step_us,std_step_us\n1,up,0.1,-0.1\n2,up,0.1,0.1\n",
                     "conductance_us,pulse,mean_step_us,std_step_us\n1,sideways,0.1,0.1\n",
                     "conductance_us,pulse,mean_step_us,std_step_us\n1,up,0.1,0.1\n1.00000001,up,0.1,0.1\n"):
            bad.write_text(text)
            done = run(MEMPROP, "characterize", "table", "--set", f'crossbar.table_file="{bad}"')
            self.assertEqual(done.returncode, 2, text)
            self.assertIn("bad.csv", done.stderr)
        self.assertIn("no range in single precision", done.stderr)
        bad.write_text("\ufeffconductance_us,pulse,mean_step_us,std_step_us\r\n1,up,0.1,0.1\r\n2,up,0.1,0.1\r\n")
        done = run(MEMPROP, "characterize", "table", "--set", f'crossbar.table_file="{bad}"', "--devices", 2)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(run(MEMPROP, "characterize", "table").returncode, 2)
        done = run(MEMPROP, "characterize", "table", "--set", f'crossbar.table_file="{self.directory}"')
        self.assertEqual((done.returncode, "crossbar.table_file" in done.stderr), (2, True), done.stderr)
        experiment, header = self.directory / "experiment.toml", "array,row,column,device,fault\n"
        experiment.write_text("[run]\nepochs = 1\n[task]\nsteps = 20\n")
        for text, message in ((header + "0,1,2,0,nan\n", "bad.csv:2: '0,1,2,0,nan'"),
                              (header + "0,1,2,0,broken\n", "must be min, max or a conductance"),
                              (header + "0,1,2\n", "bad.csv:2:"), (header + "0,999,2,0,min\n", "bad.csv:2: array 0, row 999"),
                              (header + "3,1,2,0,min\n", "bad.csv:2: array = 3: must be one of 0, 1, 2"),
                              (header + "0,1,2,0,min\n0,1,2,0,max\n", "bad.csv:3:"), ("", "bad.csv: is empty"),
                              (None, "crossbar.faults.map_file")):
            bad.unlink(missing_ok=True)
            if text is not None:
                bad.write_text(text)
            done = run(MEMPROP, "train", experiment, "--set", f'crossbar.faults.map_file="{bad}"', "--out",
                       self.directory / "out")
            self.assertEqual(done.returncode, 2, text)
            self.assertIn(message, done.stderr)
            self.assertIn("bad.csv", done.stderr)
        for text in ("device,pulse\n", "device,pulse,conductance_us\na,up,x\n", "device,pulse,conductance_us\na,up,1\n"):
            bad.write_text(text)
            done = run(FIT, bad, self.directory / "table.csv")
            self.assertEqual(done.returncode, 2, text)


if __name__ == "__main__":
    unittest.main()
