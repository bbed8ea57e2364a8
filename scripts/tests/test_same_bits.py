"""scripts/same_bits: a number that changed is named, and the exit code tells."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SCRIPTS))

from memprop_same_bits.paired import compare, ratios  # noqa: E402
from memprop_same_bits.state import difference  # noqa: E402

MEMPROP = Path(os.environ["MEMPROP_BUILD"]) / "memprop"
RUN = "functional: one neuron"


class SameBits(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.records = Path(scratch.name) / "records.json"

    def same_bits(self, *arguments):
        return subprocess.run([SCRIPTS / "same_bits", *arguments, "--memprop", MEMPROP, "--records", self.records],
                              capture_output=True, text=True, check=False)

    def test_a_changed_array_or_loss_is_named(self):
        self.assertEqual(self.same_bits("record", "--only", RUN).returncode, 0)
        done = self.same_bits("check", "--only", RUN)
        self.assertEqual(done.returncode, 0, done.stdout)
        recorded = json.loads(self.records.read_text())
        self.assertGreater(len(recorded[RUN]["arrays"].split()), 10)
        for part in ("arrays", "losses"):
            changed = {RUN: dict(recorded[RUN])}
            changed[RUN][part] = changed[RUN][part][:-1] + ("0" if changed[RUN][part][-1] != "0" else "1")
            self.records.write_text(json.dumps(changed))
            done = self.same_bits("check", "--only", RUN)
            self.assertEqual(done.returncode, 1)
            self.assertIn(RUN, done.stdout)
        self.records.write_text("{}")
        self.assertIn("has no record", self.same_bits("check", "--only", RUN).stdout)

    def test_differences(self):
        self.assertIsNone(difference({"losses": "1", "arrays": "a b"}, {"losses": "1", "arrays": "a b c"}))
        self.assertEqual(difference({"losses": "1", "arrays": "a b"}, {"losses": "2", "arrays": "a"}),
                         "other losses, 1 of 2 arrays are other numbers")
        self.assertEqual(difference({"arrays": "a"}, {"error": "no file"}), "fails: no file")

    def test_speed_is_the_median_of_the_ratios_of_pairs(self):
        old, new = [{"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 2.0}, {"a": 4.0}], [{"a": 1.1}, {"a": 2.0}, {"a": 4.8}]
        found = ratios(old, new)
        self.assertEqual(set(found), {"a"})
        self.assertAlmostEqual(found["a"][2], 1.1)

    def test_a_slower_program_is_named(self):
        with tempfile.TemporaryDirectory() as scratch, unittest.mock.patch("memprop_same_bits.paired.PROGRAMS", ("b",)):
            builds = []
            for name, took in (("old", 1.0), ("new", 1.05)):
                build = Path(scratch) / name
                build.mkdir()
                entry = json.dumps({"benchmarks": [{"name": "loop", "cpu_time": took}]})
                (build / "b").write_text(f"#!/bin/sh\necho '{entry}'\n")
                (build / "b").chmod(0o755)
                builds.append(build)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                self.assertEqual(compare(*builds, pairs=2), 1)
                self.assertEqual(compare(builds[1], builds[0], pairs=2), 0)
            self.assertIn("b: loop  SLOWER", out.getvalue())

    def test_unknown_runs_and_records_are_refused(self):
        self.assertNotEqual(self.same_bits("record", "--only", "no such run").returncode, 0)
        done = self.same_bits("check")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("records.json", done.stderr)


if __name__ == "__main__":
    unittest.main()
