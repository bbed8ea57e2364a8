"""Sweeps on Dask workers that are separate processes: same numbers, and nothing lost or done twice when
workers or the scheduler are killed."""

import os
import signal
import socket
import subprocess
import unittest

from support import SweepCase, await_true

TWELVE = '"crossbar.read_noise_scale" = [0, 1, 2, 3, 4, 5]'  # with two seeds
EPOCHS = 400  # a run of half a second and more


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DaskCase(SweepCase):
    def setUp(self) -> None:
        super().setUp()
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.log = self.write("dask.log", "")

    def start_dask(self, *words: str) -> subprocess.Popen:
        with self.log.open("a") as log:
            return self.start(
                *words,
                "--no-dashboard",
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=os.environ | {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"},
            )

    def start_scheduler(self) -> subprocess.Popen:
        started = self.log.read_text().count("Scheduler at")
        port = self.address.rsplit(":", 1)[1]
        process = self.start_dask("dask-scheduler", "--host", "127.0.0.1", "--port", port)
        await_true(lambda: self.log.read_text().count("Scheduler at") > started, "the scheduler starts")
        return process

    def start_worker(self) -> subprocess.Popen:
        # Without a nanny, so that kill -9 meets the process that runs the points.
        return self.start_dask("dask-worker", self.address, "--nthreads", "1", "--no-nanny")

    def finished_runs(self) -> int:
        return len((self.directory / "runs.log").read_text().splitlines())


class Cluster(DaskCase):
    def test_same_numbers_as_on_this_machine(self) -> None:
        file = self.write_sweep(TWELVE)
        self.sweep(file)
        expected = self.numbers()
        (self.directory / "out").rename(self.directory / "local")
        self.start_scheduler()
        self.start_worker()
        self.start_worker()
        self.sweep(file, "--scheduler", self.address)
        self.assertEqual(self.numbers(), expected)
        self.assertEqual(len(expected), 12)

    def test_failures_of_points_come_back_as_text(self) -> None:
        log = self.count_runs()
        self.start_scheduler()
        self.start_worker()
        self.sweep(
            self.write_sweep('"update.scheme" = ["vanilla"]\n"learning.lr_out" = [1e6]', epochs=20, head="seeds = [1]"),
            "--scheduler",
            self.address,
            status=1,
        )
        (record,) = self.records().values()
        self.assertIn("not finite", record["error"])
        self.assertEqual(record["attempts"], 3)
        self.assertEqual(len(log.read_text().splitlines()), 3)

    def test_a_killed_worker_costs_only_what_it_was_running(self) -> None:
        self.count_runs()
        self.start_scheduler()
        workers = [self.start_worker(), self.start_worker()]
        process = self.start_sweep(self.write_sweep(TWELVE, epochs=EPOCHS), "--scheduler", self.address)
        await_true(lambda: len(self.point_files()) >= 2, "two points")
        workers[0].send_signal(signal.SIGKILL)
        before = self.point_files()
        await_true(lambda: len(self.point_files()) >= 4, "two points more on the other worker")
        self.start_worker()
        said = "".join(process.communicate(timeout=90))
        self.assertEqual(process.returncode, 0, said)
        after = self.point_files()
        self.assertEqual(len(after), 12)
        self.assertEqual(before.items() & after.items(), before.items())
        self.assertEqual({record["status"] for record in self.records().values()}, {"ok"})
        self.assertEqual(
            len({(r["values"]["crossbar.read_noise_scale"], r["seed"]) for r in self.records().values()}), 12
        )
        # Done more than once can be what the killed worker ran or had not handed over yet.
        self.assertLessEqual(self.finished_runs(), 12 + 2)

    def test_after_a_killed_scheduler_only_unfinished_points_run(self) -> None:
        self.count_runs()
        scheduler = self.start_scheduler()
        workers = [self.start_worker(), self.start_worker()]
        file = self.write_sweep(TWELVE, epochs=EPOCHS)
        process = self.start_sweep(file, "--scheduler", self.address)
        await_true(lambda: len(self.point_files()) >= 3, "three points")
        scheduler.send_signal(signal.SIGKILL)
        said = "".join(process.communicate(timeout=60))
        self.assertEqual(process.returncode, 1, said)
        self.assertIn("the scheduler is gone", said)
        self.assertIn("continue with:", said)
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        scheduler.wait()
        before, runs = self.point_files(), self.finished_runs()
        self.assertLess(len(before), 12)
        self.start_scheduler()
        self.start_worker()
        self.start_worker()
        self.sweep(file, "--scheduler", self.address)
        after = self.point_files()
        self.assertEqual(len(after), 12)
        self.assertEqual(before.items() & after.items(), before.items())
        self.assertEqual(self.finished_runs() - runs, 12 - len(before))

    def test_a_scheduler_that_is_not_there(self) -> None:
        file = self.write_sweep(TWELVE)
        with_timeout = self.start_sweep(file, "--scheduler", self.address)
        said = "".join(with_timeout.communicate(timeout=60))
        self.assertEqual(with_timeout.returncode, 2, said)
        self.assertIn(f"--scheduler {self.address}: cannot be reached", said)


# Stands for Slurm: runs the job's script at once on this machine, with a number for it.
SBATCH = """\
#!/bin/bash
echo "$@" >> '{directory}/sbatch.log'
for word in "$@"; do case $word in --wrap=*) script=${{word#--wrap=}};; esac; done
setsid bash -c "$script" >> '{directory}/worker.log' 2>&1 < /dev/null &
echo "$!;cluster"
"""
SCANCEL = """\
#!/bin/bash
for job in "$@"; do kill -9 -- -$job && echo $job >> '{directory}/scancel.log'; done
"""


class Slurm(DaskCase):
    def test_one_worker_job_per_node(self) -> None:
        programs = self.directory / "bin"
        programs.mkdir()
        for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
            (programs / name).write_text(text.format(directory=self.directory))
            (programs / name).chmod(0o755)
        file = self.write_sweep(TWELVE)
        environment = os.environ.copy()
        self.addCleanup(os.environ.update, environment)
        os.environ["PATH"] = f"{programs}:{environment['PATH']}"
        self.sweep(file, "--slurm", "--nodes", "2")
        self.assertEqual(len(self.records()), 12)
        submitted = (self.directory / "sbatch.log").read_text().splitlines()
        self.assertEqual(len(submitted), 2)
        self.assertIn("--nodes=1", submitted[0])
        self.assertEqual(len((self.directory / "scancel.log").read_text().splitlines()), 2)

    def test_without_slurm(self) -> None:
        environment = os.environ.copy()
        self.addCleanup(os.environ.update, environment)
        os.environ["PATH"] = str(self.directory)  # has no program at all
        self.assertIn("there is no sbatch here", self.sweep(self.write_sweep(TWELVE), "--slurm", status=2))


if __name__ == "__main__":
    unittest.main()
