"""Sweeps on this machine: the table, continuing, failures, interrupts, how busy the cores are."""

import csv
import json
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

from support import SCRIPTS, SweepCase, await_true

FOUR = '"crossbar.read_noise_scale" = [0, 1]'  # with two seeds


class Results(SweepCase):
    def table(self) -> list[dict[str, str]]:
        with (self.directory / "out/sweep.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def test_table_has_every_scalar_of_every_point(self) -> None:
        file = self.write_sweep(
            '"update.scheme" = ["sign", "mixed_precision"]\n[[sweep.when]]\nkey = "update.scheme"\n'
            'equals = "mixed_precision"\nvalues = { "update.accumulator_bits" = [0, 8] }'
        )
        said = self.sweep(file)
        self.assertRegex(
            said,
            r"6/6 points, 0 failed, 0 running, [0-9.e+]+ points/s, 0:00 left, "
            r"best loss [0-9.]+ at scheme=.*, seed=[12]\n",
        )
        rows = self.table()
        self.assertEqual(
            [(r["update.scheme"], r["update.accumulator_bits"], r["seed"]) for r in rows],
            [
                ("sign", "", "1"),
                ("sign", "", "2"),
                ("mixed_precision", "0", "1"),
                ("mixed_precision", "0", "2"),
                ("mixed_precision", "8", "1"),
                ("mixed_precision", "8", "2"),
            ],
        )
        self.assertEqual({row["status"] for row in rows}, {"ok"})
        records = {
            (str(r["values"].get("update.accumulator_bits", "")), str(r["seed"])): r["result"]
            for r in self.records().values()
        }
        for row in rows:
            result = records[row["update.accumulator_bits"], row["seed"]]
            self.assertEqual(float(row["final_loss"]), result["final_loss"])
            self.assertEqual(float(row["energy_j.total"]), result["energy_j"]["total"])
            self.assertEqual(int(row["pulses.set"]), result["pulses"]["set"])
            self.assertEqual(row["cycles"], "")  # null on the functional engine

    def test_a_point_gives_what_the_command_gives(self) -> None:
        file = self.write_sweep('"crossbar.read_noise_scale" = [1.5]', head="seeds = [3]")
        self.sweep(file)
        said = subprocess.run(
            [
                self.build / "memprop",
                "train",
                self.directory / "base.toml",
                "--set",
                "crossbar.read_noise_scale=1.5",
                "--seed",
                "3",
                "--json",
                "--out",
                self.directory / "run",
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        expected = json.loads(said.splitlines()[-1])
        expected.pop("wall_s")
        self.assertEqual(list(self.numbers().values()), [expected])

    def test_finished_points_are_kept_and_new_ones_added(self) -> None:
        log = self.count_runs()
        self.sweep(self.write_sweep(FOUR))
        before = self.point_files()
        self.assertEqual(len(before), 4)
        self.sweep(self.write_sweep('"crossbar.read_noise_scale" = [0, 1, 2]'))
        self.assertEqual(len(log.read_text().splitlines()), 6)
        self.assertEqual(before.items() & self.point_files().items(), before.items())
        self.assertEqual(len(self.table()), 6)

    def test_a_failed_point_is_tried_thrice_and_recorded_and_stops_nothing(self) -> None:
        log = self.count_runs()
        file = self.write_sweep('"update.scheme" = ["vanilla"]\n"learning.lr_out" = [1e-3, 1e6]', epochs=20)
        said = self.sweep(file)
        rows = self.table()
        self.assertEqual([row["status"] for row in rows], ["ok", "ok", "failed", "failed"])
        self.assertIn("not finite", rows[2]["error"])
        self.assertIn("exit status 1", rows[2]["error"])
        self.assertIn("2 points failed", said)
        self.assertEqual(len(log.read_text().splitlines()), 2 + 2 * 3)
        self.sweep(file)
        self.assertEqual(len(log.read_text().splitlines()), 8, "failed points are kept too")
        self.sweep(file, "--retry-failed")
        self.assertEqual(len(log.read_text().splitlines()), 8 + 2 * 3)

    def test_order_and_number_of_workers_change_no_number(self) -> None:
        self.sweep(self.write_sweep(FOUR))
        first = self.numbers()
        (self.directory / "out").rename(self.directory / "first")
        self.sweep(self.write_sweep('"crossbar.read_noise_scale" = [1, 0]', head="seeds = [2, 1]"), "--workers", "1")
        self.assertEqual(first, self.numbers())


class Interruptions(SweepCase):
    VALUES = '"crossbar.read_noise_scale" = { min = 0.0, max = 1.0, steps = 8 }'

    def interrupt(self, number: int) -> tuple[int, str]:
        """Starts a sweep, sends the signal after the first points, returns exit status and words."""
        process = self.start_sweep(self.write_sweep(self.VALUES, epochs=300))
        await_true(lambda: len(self.point_files()) >= 3, "three points")
        process.send_signal(number)
        said = "".join(process.communicate(timeout=20))
        return process.returncode, said

    def check_continues(self) -> None:
        before = self.point_files()
        self.assertLess(len(before), 16)
        await_true(lambda: not self.running(), "the processes of the points end")
        self.sweep(self.directory / "sweep.toml")
        self.assertEqual(before.items() & self.point_files().items(), before.items())
        self.assertEqual(len(self.point_files()), 16)
        self.assertFalse((self.directory / "out/.running").exists())

    def running(self) -> bool:
        """Whether a process of a point of this test runs."""
        for entry in os.scandir("/proc"):
            try:
                words = Path(entry.path, "cmdline").read_bytes() if entry.name.isdigit() else b""
            except OSError:
                continue  # ended meanwhile
            if str(self.directory / "out/.running").encode() in words:
                return True
        return False

    def test_ctrl_c_keeps_the_store_and_says_how_to_continue(self) -> None:
        status, said = self.interrupt(signal.SIGINT)
        self.assertEqual(status, 130)
        self.assertIn("continue with:", said)
        self.assertIn("sweep.py", said)
        rows = (self.directory / "out/sweep.csv").read_text().splitlines()
        self.assertEqual(len(rows), 1 + len(self.point_files()))
        self.check_continues()

    def test_kill_9_loses_only_what_was_running(self) -> None:
        self.assertEqual(self.interrupt(signal.SIGKILL)[0], -9)
        self.check_continues()

    def test_two_sweeps_do_not_share_a_directory(self) -> None:
        process = self.start_sweep(self.write_sweep(self.VALUES, epochs=300))
        await_true(lambda: len(self.point_files()) >= 1, "a point")
        self.assertIn("another sweep is running there", self.sweep(self.directory / "sweep.toml", status=2))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 143)


class Occupation(SweepCase):
    def test_workers_are_busy_and_points_cost_little(self) -> None:
        """64 points x 2 seeds of a short experiment, as wide as the machine."""
        workers = len(os.sched_getaffinity(0))
        self.write("base.toml", "[run]\nepochs = 20\ncheckpoint_every = 0\n")
        file = self.write(
            "sweep.toml",
            '[sweep]\nbase = "base.toml"\nseeds = [1, 2]\n[sweep.values]\n'
            '"crossbar.read_noise_scale" = { min = 0.0, max = 2.0, steps = 64 }\n',
        )
        process = self.start_sweep(file)
        await_true(lambda: len(self.point_files()) >= 1, "the first point")
        first = time.monotonic()
        await_true(lambda: len(self.point_files()) == 128, "all points", 100)
        wall = time.monotonic() - first
        said = "".join(process.communicate(timeout=20))
        self.assertEqual(process.returncode, 0, said)
        records = sorted(
            self.records().values(), key=lambda r: (self.directory / f"out/points/{r['id']}.json").stat().st_mtime
        )
        self.assertEqual(len(records), 128)
        busy = sum(record["seconds"] for record in records[1:])  # the first ended when the clock began
        overhead = (wall * workers - busy) / len(records)
        print(
            f"busy {busy / (wall * workers):.1%}, overhead per point {overhead * 1e3:.0f} ms "
            f"(mean run {busy / 127 * 1e3:.0f} ms, {workers} workers)"
        )
        self.assertGreater(busy / (wall * workers), 0.9)
        self.assertLess(overhead, 0.3)


class Help(SweepCase):
    def test_help_and_wrong_usage(self) -> None:
        for script in ("sweep.py", "report.py"):
            process = self.start(SCRIPTS / script, "--help", stdout=subprocess.PIPE, text=True)
            self.assertIn("usage", process.communicate()[0])
            self.assertEqual(process.returncode, 0)
            self.assertEqual(self.start(SCRIPTS / script, "--nonsense", stderr=subprocess.DEVNULL).wait(), 2)


if __name__ == "__main__":
    unittest.main()
