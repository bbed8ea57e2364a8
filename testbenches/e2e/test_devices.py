#!/usr/bin/python3
"""From raw pulse traces to a trained network on the fitted device: scripts/fit_device.py and device "table"."""

import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

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
        for read_noise in (0.0, 0.02):
            lines = self.fitted(read_noise).read_text().splitlines()
            self.assertEqual(lines[0], "conductance_us,pulse,mean_step_us,std_step_us")
            self.assertEqual(len(lines), 25)
            for line in lines[1:]:
                g, pulse, mean, std = line.split(",")
                expected = abs(mean_step(float(g), pulse == "up"))
                error = 4 * math.hypot(SIGMA, read_noise) / math.sqrt(1000)  # 1000 steps per bin
                # Read noise in the start regresses the step a little; clipping touches the lowest bins.
                self.assertLess(abs(float(mean) - expected), error + 0.01)
                self.assertLess(abs(float(std) - SIGMA), 0.01)

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

    def test_bad_files_are_refused(self):
        bad = self.directory / "bad.csv"
        for text in ("", "conductance_us,pulse\n",
                     "conductance_us,pulse,mean_step_us,std_step_us\n1,up,0.1,0.1\n",
                     "conductance_us,pulse,mean_step_us,std_step_us\n2,up,0.1,0.1\n1,up,0.1,0.1\n",
                     "conductance_us,pulse,mean_step_us,std_step_us\n1,up,0.1,-0.1\n2,up,0.1,0.1\n",
                     "conductance_us,pulse,mean_step_us,std_step_us\n1,sideways,0.1,0.1\n"):
            bad.write_text(text)
            done = run(MEMPROP, "characterize", "table", "--set", f'crossbar.table_file="{bad}"')
            self.assertEqual(done.returncode, 2, text)
            self.assertIn("bad.csv", done.stderr)
        self.assertEqual(run(MEMPROP, "characterize", "table").returncode, 2)
        for text in ("device,pulse\n", "device,pulse,conductance_us\na,up,x\n", "device,pulse,conductance_us\na,up,1\n"):
            bad.write_text(text)
            done = run(FIT, bad, self.directory / "table.csv")
            self.assertEqual(done.returncode, 2, text)


if __name__ == "__main__":
    unittest.main()
