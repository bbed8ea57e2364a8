"""scripts/fit_device.py on traces of devices that it does not know, and what memprop makes of its tables."""

import csv
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
from support import BUILD, SCRIPTS

ROOT = SCRIPTS.parent
MEMPROP = BUILD / "memprop"
FIT = SCRIPTS / "fit_device.py"


class Hidden:
    """Soft bounds: a step up is a (1 - x), a step down b x, x the part of the device's own range."""

    def __init__(self, devices: int, spread: float, seed: int, scatter: float = 0.1, step: float = 0.6) -> None:
        rng = np.random.default_rng(seed)
        self.low = np.full(devices, 3.0)
        self.high = 23.0 * (1 + 0.5 * spread * rng.standard_normal(devices))
        self.up, self.down = (step * abs(1 + spread * rng.standard_normal(devices)) for _ in range(2))
        self.scatter, self.rng = scatter, rng

    def pulse(self, g: np.ndarray, up: bool) -> np.ndarray:
        x = (g - self.low) / (self.high - self.low)
        moved = g + (self.up * (1 - x) if up else -self.down * x) + self.scatter * self.rng.standard_normal(len(g))
        return np.clip(moved, self.low, self.high)

    def along(self, start: np.ndarray, directions: list[bool]) -> np.ndarray:
        states = [np.clip(start, self.low, self.high)]
        for up in directions:
            states.append(self.pulse(states[-1], up))
        return np.array(states)


def write_traces(path: Path, states: np.ndarray, directions: list[bool], noise: float, seed: int = 5) -> None:
    """Of the devices in the columns of `states`, some reads missing, the last fifth of every other trace cut off."""
    rng = np.random.default_rng(seed)
    pulses = ["none", *("up" if up else "down" for up in directions)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["device", "pulse", "conductance_us"])
        for device, trace in enumerate(states.T):
            used = len(trace) if device % 2 else len(trace) * 4 // 5
            for pulse, g in zip(pulses[:used], trace[:used], strict=True):
                writer.writerow([f"d{device}", pulse, "" if rng.random() < 0.02 else g + noise * rng.standard_normal()])


class FitDevice(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="memprop-test-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.table = self.directory / "table.csv"

    def run_all(self, *command: object, code: int = 0) -> subprocess.CompletedProcess:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, cwd=ROOT)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def up_down(self, pulses: int) -> np.ndarray:
        done = self.run_all(MEMPROP, "characterize", "table", "--curve", "up_down", "--devices", 2000,
                            "--pulses", pulses, "--set", f"crossbar.table_file={self.table}")
        return np.array([[float(cell) for cell in line.split(",")] for line in done.stdout.splitlines()[1:]])

    def fitted_and_hidden(self, spread: float, noise: float) -> tuple:
        directions = [True] * 100 + [False] * 100
        measured = Hidden(60, spread, seed=3)
        write_traces(self.directory / "traces.csv", measured.along(measured.low + 0.5, directions), directions, noise)
        done = self.run_all(FIT, self.directory / "traces.csv", self.table, "--bins", 16, "--read-noise-us", noise,
                            "--plot", self.directory / "fit.svg")
        self.assertIn("</svg>", (self.directory / "fit.svg").read_text())
        curve = self.up_down(80)
        others = Hidden(2000, spread, seed=4)  # of the same kind
        return curve, others.along(np.full(2000, curve[0, 1]), [True] * 80 + [False] * 80), done

    def test_a_population_spreads_as_the_measured_one(self) -> None:
        curve, hidden, done = self.fitted_and_hidden(spread=0.25, noise=0.1)
        self.assertIn("60 devices that differ", done.stdout)
        # 60 devices tell a standard deviation to 9 %, a mean to 13 % of it: some 2 % of the range.
        self.assertLess(abs(curve[:, 1] - hidden.mean(axis=1)).max(), 0.06 * 20)
        ratio = curve[1:, 2] / hidden[1:].std(axis=1)
        self.assertTrue(np.all((ratio > 0.7) & (ratio < 1.4)), ratio)

    def test_devices_that_are_alike_are_one(self) -> None:
        curve, hidden, done = self.fitted_and_hidden(spread=0.0, noise=0.1)
        self.assertIn("differ by no more than the scatter of their steps", done.stdout)
        self.assertLess(abs(curve[:, 1] - hidden.mean(axis=1)).max(), 0.02 * 20)
        ratio = curve[1:, 2] / hidden[1:].std(axis=1)
        self.assertTrue(np.all((ratio > 0.8) & (ratio < 1.25)), ratio)

    def test_steps_far_below_the_noise_of_a_read(self) -> None:
        directions = [True] * 600 + [False] * 600
        measured = Hidden(1, 0.0, seed=3, scatter=0.02, step=0.2)
        states = measured.along(measured.low + 0.5, directions)
        traces = self.directory / "traces.csv"
        write_traces(traces, np.repeat(states, 2, axis=1)[:, 1:], directions, 1.0)
        self.run_all(FIT, traces, self.table, "--bins", 8, "--read-noise-us", 1.0)
        curve = self.up_down(200)
        others = Hidden(500, 0.0, seed=4, scatter=0.02, step=0.2)
        hidden = others.along(np.full(500, curve[0, 1]), [True] * 200 + [False] * 200)
        self.assertLess(abs(curve[:, 1] - hidden.mean(axis=1)).max(), 0.1 * 20)
        done = self.run_all(MEMPROP, "characterize", "table", "--curve", "read_noise", "--set",
                            f"crossbar.table_file={self.table}")
        noises = [float(row["read_std_uS"]) for row in csv.DictReader(done.stdout.splitlines())]
        self.assertTrue(all(abs(noise - 1.0) < 0.05 for noise in noises), noises)  # 10 000 reads each

    def test_states_that_nobody_measured_are_kept_apart(self) -> None:
        lines = ["device,pulse,conductance_us"]
        for device in range(30):  # up in steps of 1 to 20, down from 15 on in one step of 9, below in steps of 0.5
            trace = [1.0 + k for k in range(20)] + [11.0] + [11.0 - 0.5 * k for k in range(1, 20)]
            pulses = ["none"] + ["up"] * 19 + ["down"] * 20
            lines += [f"{device},{pulse},{g}" for pulse, g in zip(pulses, trace, strict=True)]
        (self.directory / "traces.csv").write_text("\n".join(lines) + "\n")
        self.run_all(FIT, self.directory / "traces.csv", self.table)
        rows = [(float(row["conductance_us"]), float(row["mean_step_us"]))
                for row in csv.DictReader(self.table.read_text().splitlines()) if row["pulse"] == "down"]
        for g, step in rows:
            self.assertAlmostEqual(step, 9.0 if g > 15.5 else 0.5, 9)
        self.assertTrue(any(15.4 < g < 15.5 for g, _ in rows) and any(15.5 < g < 15.6 for g, _ in rows), rows)

    def test_signs_counts_and_further_columns(self) -> None:
        signs, counts = self.directory / "signs.csv", self.directory / "counts.csv"
        trace = [2.0]
        for k in range(400):
            trace.append(trace[-1] + (0.1 if k % 200 < 100 else -0.1))
        with signs.open("w") as sign_file, counts.open("w") as count_file:
            sign_file.write("pulse,conductance,temperature_k\n")
            count_file.write("pulse,conductance\n")
            for k, g in enumerate(trace):
                sign_file.write(f"{0 if k == 0 else 1.2 if (k - 1) % 200 < 100 else -1.1},{g},300\n")
                count_file.write(f"{k},{g}\n")
        done = self.run_all(FIT, signs, self.table, "--bins", 4)
        self.assertIn("columns ignored: temperature_k", done.stderr)
        by_sign = self.table.read_text()
        done = self.run_all(FIT, counts, self.table, "--bins", 4)
        self.assertIn("pulse is a count", done.stderr)
        self.assertEqual(self.table.read_text(), by_sign)
        self.assertAlmostEqual(self.up_down(30)[30, 1] - self.up_down(30)[0, 1], 3.0, 3)

    def test_drift_and_costs_go_into_the_table(self) -> None:
        times = [1.0, 3.0, 10.0, 30.0, 100.0]
        lines = ["device,pulse,conductance_us,time_s,pulse_ns"]
        for device in range(20):
            lines.append(f"{device},none,2.0,0,")
            for k in range(1, 41):
                clock = 1000.0 * k
                lines.append(f"{device},up,{2.0 + 0.1 * k},{clock},80")
                if k == 40:
                    lines += [f"{device},none,{(2.0 + 0.1 * k) * t ** -0.05},{clock + t}," for t in times]
        traces = self.directory / "traces.csv"
        traces.write_text("\n".join(lines) + "\n")
        done = self.run_all(FIT, traces, self.table, "--bins", 4, "--set-pulse-pj", 2, "--source", "our bench")
        self.assertIn("not given, so not known: reset_pulse_pj, reset_pulse_ns, read_voltage_v, read_pulse_ns",
                      done.stdout)
        keys = dict(line[2:].split(" = ") for line in self.table.read_text().splitlines() if line.startswith("# "))
        self.assertAlmostEqual(float(keys["drift_exponent"]), 0.05, 6)
        self.assertEqual({key: keys[key] for key in ("drift_t0_s", "set_pulse_pj", "set_pulse_ns", "source")},
                         {"drift_t0_s": "1.0", "set_pulse_pj": "2.0", "set_pulse_ns": "80.0", "source": "our bench"})
        done = self.run_all(MEMPROP, "characterize", "table", "--curve", "drift", "--devices", 10, "--set",
                            f"crossbar.table_file={self.table}")
        for row in csv.DictReader(done.stdout.splitlines()):
            expected = float(row["time_after_last_pulse_s"]) ** -0.05
            self.assertAlmostEqual(float(row["drift_factor_model"]), expected, 6)
        settings = ["--set", "task.steps=30", "--set", "run.epochs=1", "--set", "crossbar.device=table", "--set",
                    f"crossbar.table_file={self.table}"]
        done = self.run_all(MEMPROP, "train", "/dev/null", *settings, "--json", "--out", self.directory / "run")
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertAlmostEqual(result["energy_j"]["set"], 2e-12 * result["pulses"]["set"], 18)
        self.assertEqual([result["energy_j"][part] for part in ("reset", "read", "total")], [None] * 3)
        self.assertEqual(result["energy_source"], "our bench")
        self.assertIn("not known for table: crossbar.energy.reset_pulse_pj", done.stderr)

    def test_negative_states_are_refused(self) -> None:
        traces = self.directory / "traces.csv"
        trace = np.linspace(-1.0, 1.0, 101)
        for offset, code in ((0.0, 2), (1.0, 0)):
            lines = [f"{d},{'up' if k else 'none'},{g + offset}" for d in range(10) for k, g in enumerate(trace)]
            traces.write_text("device,pulse,conductance_us\n" + "\n".join(lines) + "\n")
            done = self.run_all(FIT, traces, self.table, "--bins", 4, code=code)
            self.assertEqual("not negative" in done.stderr, code == 2)
            self.assertEqual(self.table.exists(), code == 0)


class Energies(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="memprop-test-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def train(self, *settings: str, code: int = 0) -> subprocess.CompletedProcess:
        sets = [word for s in ("task.steps=30", "run.epochs=1", *settings) for word in ("--set", s)]
        done = subprocess.run([MEMPROP, "train", "/dev/null", *sets, "--json", "--out",
                               self.directory / str(len(list(self.directory.iterdir())))],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_no_device_has_the_figures_of_another(self) -> None:
        for device in ("ideal", "reram_sb", "reram_array_om", "ecram_mo", "capacitor", "soft_bounds"):
            with self.subTest(device=device):
                done = self.train(f"crossbar.device={device}")
                result = json.loads(done.stdout.splitlines()[-1])
                for part in ("set", "reset", "read", "total"):
                    self.assertIsNone(result["energy_j"][part])
                self.assertNotIn("Nandakumar", result["energy_source"])
                self.assertIn("crossbar.energy.set_pulse_pj", result["energy_missing"])
                self.assertIn("crossbar.energy.read_voltage_v", done.stderr)
        done = self.train("crossbar.device=ecram_li")  # its pulses are published, its reads are not
        energy = json.loads(done.stdout.splitlines()[-1])["energy_j"]
        self.assertGreater(energy["set"], 0)
        self.assertIsNone(energy["read"])
        energy = json.loads(self.train().stdout.splitlines()[-1])["energy_j"]
        self.assertGreater(energy["total"], 0)

    def test_the_chip_needs_them(self) -> None:
        chip = ("run.engine=cycle", "crossbar.device=reram_sb", "network.recurrent=10", "network.inputs=10")
        figures = {"set_pulse_pj": 1, "reset_pulse_pj": 2, "read_voltage_v": 0.1, "read_pulse_ns": 50}
        given = [f"crossbar.energy.{key}={value}" for key, value in figures.items()]
        done = self.train(*chip, *given[:2], code=2)
        self.assertIn("crossbar.energy.read_voltage_v, crossbar.energy.read_pulse_ns: not known for reram_sb",
                      done.stderr)
        result = json.loads(self.train(*chip, *given).stdout.splitlines()[-1])
        self.assertAlmostEqual(result["energy_j"]["set"], 1e-12 * result["pulses"]["set"], 18)
        self.assertGreater(result["energy_j"]["total"], 0)

    def test_what_is_not_known_can_be_read_back(self) -> None:
        printed = subprocess.run([MEMPROP, "config", "/dev/null", "--set", "crossbar.device=ideal"],
                                 capture_output=True, text=True, check=True).stdout
        self.assertIn('set_pulse_pj = "unknown"', printed)
        again = self.directory / "again.toml"
        again.write_text(printed)
        self.assertEqual(subprocess.run([MEMPROP, "config", again], capture_output=True, text=True, check=True).stdout,
                         printed)
        done = self.train("crossbar.energy.set_pulse_pj=none", code=2)
        self.assertIn('must be a number in [0, 1000000] or "unknown"', done.stderr)

    def test_scales_make_weights_fit(self) -> None:
        settings = ["crossbar.device=reram_sb", "network.init_std_in=0.3", "network.init_std_rec=0.3"]
        sets = [word for s in settings for word in ("--set", s)]
        done = subprocess.run([MEMPROP, "scales", "/dev/null", *sets], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        chosen = [line.split("#")[0].replace(" ", "") for line in done.stdout.splitlines() if "_per_us =" in line]
        self.assertEqual(len(chosen), 2)
        self.assertIn("update.epsilon_us has no effect", done.stdout)
        errors = []
        for more in ([], [f"crossbar.{line}" for line in chosen]):
            done = self.train(*settings, "crossbar.pulsed.w_max_dtod=0", "crossbar.pulsed.w_min_dtod=0", *more)
            errors.append(json.loads(done.stdout.splitlines()[-1])["programming"]["largest_error_us"])
        self.assertLess(errors[1], 0.5 * errors[0])


if __name__ == "__main__":
    unittest.main()
