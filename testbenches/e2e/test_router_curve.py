#!/usr/bin/python3
"""Curves of latency against load: tb_router --loads, and scripts/plot.py of what it prints."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TB_ROUTER = pathlib.Path(sys.argv.pop(1))
SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
PATTERNS = ("uniform", "transpose", "tornado", "bit_complement", "bit_reversal", "shuffle", "neighbour", "hotspot",
            "multicast")


class Curves(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def curve(self, pattern, loads):
        done = subprocess.run([TB_ROUTER, "--pattern", pattern, "--loads", loads, "--warmup", "500", "--cycles", "3000",
                               "--json"], capture_output=True, text=True, check=True)
        (self.scratch / f"{pattern}.json").write_text(done.stdout, encoding="utf-8")
        return json.loads(done.stdout)

    def plot(self, *words):
        return subprocess.run([SCRIPTS / "plot.py", *words], capture_output=True, text=True, check=False)

    def test_each_pattern_saturates_where_its_busiest_link_is_full(self):
        # Flits per node and cycle at which the busiest link of 8 x 8 routers has one flit a cycle.
        bounds = {"uniform": 4 * 63 / 8 / 64, "transpose": 1 / 7, "bit_complement": 1 / 4, "bit_reversal": 1 / 7}
        for pattern in PATTERNS:
            with self.subTest(pattern):
                curve = self.curve(pattern, "0.01:0.91:0.1")
                self.assertEqual([point["rate"] for point in curve["points"]],
                                 [round(0.01 + 0.1 * i, 2) for i in range(10)])
                latencies = [point["latency_mean_cycles"] for point in curve["points"]]
                self.assertFalse(curve["points"][0]["saturated"])
                self.assertEqual(curve["points"][-1]["saturated"], pattern != "neighbour")  # one flow a link
                self.assertLess(latencies[0], latencies[-1])
                for point in curve["points"]:
                    if not point["saturated"] and pattern in bounds:
                        self.assertLess(point["rate"], bounds[pattern])
                self.assertLessEqual(max(point["link_utilisation_max"] for point in curve["points"]), 1.0)

    def test_plot_draws_one_curve_and_several(self):
        for pattern in ("uniform", "tornado"):
            self.curve(pattern, "0.05:0.65:0.2")
        files = [self.scratch / "uniform.json", self.scratch / "tornado.json"]
        done = self.plot(files[0])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater((self.scratch / "uniform.png").stat().st_size, 10_000)
        done = self.plot(*files, "--out", self.scratch / "both", "--format", "svg")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.scratch / "both/uniform.svg").is_file())

    def test_plot_refuses_other_files_by_name(self):
        self.curve("uniform", "0.1:0.1:0.1")
        other = self.scratch / "other.json"
        other.write_text('{"pattern": "uniform", "points": [{}]}', encoding="utf-8")
        for words in ([other], [self.scratch / "uniform.json", other]):
            done = self.plot(*words)
            self.assertEqual(done.returncode, 2)
            self.assertIn("other.json" if len(words) == 1 else "json: is no", done.stderr)
            self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
