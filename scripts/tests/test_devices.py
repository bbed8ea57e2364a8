"""Curves of devices and their figures, the examples of devices, and the comparison of devices."""

import json
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

from support import BUILD, SCRIPTS

ROOT = SCRIPTS.parent
MEMPROP = BUILD / "memprop"


def run(*command: object) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, cwd=ROOT)


class Devices(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="memprop-test-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def test_every_kind_of_curve_is_drawn(self) -> None:
        for device, curve, *settings in (
                ("pcm_nandakumar2018", "staircase"), ("pcm_nandakumar2018", "drift"),
                ("pcm_nandakumar2018", "single_pulse"), ("reram_sb", "read_noise"), ("ecram_li", "up_down"),
                ("pcm_exp", "reset"), ("pcm_inference", "retention"),
                ("ideal", "spectrum", "--set", "crossbar.low_frequency.one_over_f=0.1")):
            with self.subTest(curve=curve):
                table, figure = self.directory / f"{curve}.csv", self.directory / f"{curve}.svg"
                done = run(MEMPROP, "characterize", device, "--curve", curve, "--devices", 20, "--csv", table,
                           *settings)
                self.assertEqual(done.returncode, 0, done.stderr)
                done = run(SCRIPTS / "plot_device.py", table, "--out", figure)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("</svg>", figure.read_text())

    def test_other_tables_are_refused(self) -> None:
        table = self.directory / "other.csv"
        table.write_text("a,b\n1,2\n")
        done = run(SCRIPTS / "plot_device.py", table, "--out", self.directory / "x.svg")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("other.csv", done.stderr)

    def train(self, example: Path, *more: object) -> dict:
        done = run(MEMPROP, "train", example, "--set", "run.epochs=1", "--set", "task.steps=200", "--json",
                   "--seed", 1, "--out", self.directory / example.stem, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def test_every_example_of_a_device_learns_for_an_epoch(self) -> None:
        self.train(ROOT / "examples/pattern_generation_vanilla.toml")
        numbers = self.directory / "pattern_generation_vanilla/checkpoint.h5"
        for example in sorted((ROOT / "examples/devices").glob("*.toml")):
            with self.subTest(example=example.name):
                programmed_once = example.stem == "pcm_inference"
                result = self.train(example, *(["--init", numbers, "--evaluate"] if programmed_once else []))
                self.assertGreater(result["pulses"]["set"], 0)
                self.assertEqual(result["energy_j"]["wires"] > 0, example.stem == "wires")

    def test_the_comparison_has_settings_for_every_device_and_scheme(self) -> None:
        plan = tomllib.loads((SCRIPTS / "device_comparison.toml").read_text())
        tuned = tomllib.loads((SCRIPTS / "device_comparison_tuned.toml").read_text())
        self.assertEqual({(d, s) for d in plan["devices"] for s in plan["schemes"]},
                         {(d, s) for d in tuned for s in tuned[d]})
        for device, schemes in tuned.items():
            for scheme, point in schemes.items():
                ranges = plan["ranges"] | plan["devices"][device]["ranges"] | plan["schemes"][scheme].get("ranges", {})
                for key, (low, high) in ranges.items():
                    self.assertTrue(low <= point[key] <= high, f"{device}.{scheme}: {key}")


if __name__ == "__main__":
    unittest.main()
