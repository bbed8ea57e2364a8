"""Points on the workers of a Dask scheduler: one that runs already, or one started here whose workers are
jobs of a Slurm cluster. Dask alone decides which worker runs what and repeats what a lost worker was
running."""

import math
import queue
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from memprop_sweep import execute as execute_module
from memprop_sweep.errors import SweepError
from memprop_sweep.execute import Job, Outcome, execute_fields
from memprop_sweep.runners import RunnerLost

try:
    import cloudpickle
    import distributed
except ImportError:
    raise SweepError("--scheduler and --slurm need Dask: apt-get install python3-distributed") from None

_SCHEDULER_SECONDS = 10


class _ByValue:
    """A function of execute.py that travels with its code: workers need Dask and the program, not this
    package."""

    def __init__(self, function: Callable[..., Any]) -> None:
        cloudpickle.register_pickle_by_value(execute_module)
        self._code = cloudpickle.dumps(function)
        cloudpickle.unregister_pickle_by_value(execute_module)

    def __call__(self) -> None:
        raise NotImplementedError("exists on workers only")

    def __reduce__(self) -> tuple[Any, ...]:
        return cloudpickle.loads, (self._code,)


class DaskRunner:
    """Futures of a Dask client; each is released as soon as its outcome is here."""

    def __init__(self, address: str | None = None, scheduler_file: Path | None = None) -> None:
        target = {"address": address} if address else {"scheduler_file": str(scheduler_file)}
        try:
            self._client = distributed.Client(**target, timeout=_SCHEDULER_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise SweepError(f"--scheduler {address or scheduler_file}: cannot be reached: {error}") from None
        self._done: queue.SimpleQueue[tuple[str, distributed.Future]] = queue.SimpleQueue()
        self._execute = _ByValue(execute_fields)
        self._futures: dict[str, distributed.Future] = {}
        self._width = 0
        self._width_until = -math.inf

    def width(self) -> int:
        if time.monotonic() > self._width_until:
            workers = self._client.scheduler_info().get("workers", {})
            self._width = sum(worker["nthreads"] for worker in workers.values())
            self._width_until = time.monotonic() + 5
        return self._width

    def submit(self, job: Job, attempt: int) -> None:
        future = self._client.submit(self._execute, asdict(job), key=f"memprop-{job.id}-{attempt}", pure=False)
        self._futures[job.id] = future
        future.add_done_callback(lambda done: self._done.put((job.id, done)))

    def next(self, timeout_seconds: float) -> Outcome | None:
        try:
            job_id, future = self._done.get(timeout=timeout_seconds)
        except queue.Empty:
            if self._client.status not in ("running", "newly-created"):
                raise RunnerLost(f"the scheduler is gone (client {self._client.status})") from None
            return None
        if future.status == "cancelled":
            raise RunnerLost("the scheduler is gone")
        try:
            if future.status == "error":  # not of the point, whose errors are outcomes: of the workers
                return Outcome(job_id, error=f"{type(future.exception()).__name__}: {future.exception()}")
            return Outcome(**future.result(timeout=_SCHEDULER_SECONDS))
        except (distributed.CancelledError, distributed.TimeoutError, OSError) as error:
            raise RunnerLost(f"the scheduler is gone: {error!r}") from None
        finally:
            self._futures.pop(job_id, None)
            future.release()

    def stop(self) -> None:
        if self._futures and self._client.status == "running":
            try:
                self._client.cancel(list(self._futures.values()))
            except (distributed.CancelledError, distributed.TimeoutError, OSError):
                pass  # a scheduler that is gone has nothing to cancel
        self._futures.clear()
        try:
            self._client.close(timeout=5)
        except (distributed.TimeoutError, OSError):
            pass  # nor does it answer a farewell


class SlurmRunner(DaskRunner):
    """Starts a scheduler here and submits one job per node with a Dask worker that has a thread for each of
    the node's cores. The directory must be visible on the nodes. Partition, account and time limit are taken
    by sbatch from the environment (SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_TIMELIMIT)."""

    def __init__(self, nodes: int, directory: Path) -> None:
        for program in ("sbatch", "scancel"):
            if shutil.which(program) is None:
                raise SweepError(f"--slurm: there is no {program} here; run it where Slurm jobs are submitted")
        self._jobs: list[str] = []
        self._log = (directory / "scheduler.log").open("w")
        scheduler_file = directory / "scheduler.json"
        scheduler_file.unlink(missing_ok=True)
        self._scheduler = subprocess.Popen(
            [
                "dask-scheduler",
                "--host",
                socket.gethostname(),
                "--port",
                "0",
                "--no-dashboard",
                "--scheduler-file",
                str(scheduler_file),
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        try:
            self._await(scheduler_file)
            worker = f"exec dask-worker --scheduler-file '{scheduler_file}' --nthreads 0 --no-dashboard"
            for _ in range(nodes):
                self._jobs.append(self._sbatch(worker, directory))
            super().__init__(scheduler_file=scheduler_file)
        except BaseException:
            self._end()
            raise

    def _await(self, scheduler_file: Path) -> None:
        deadline = time.monotonic() + _SCHEDULER_SECONDS
        while not scheduler_file.exists():
            if self._scheduler.poll() is not None or time.monotonic() > deadline:
                raise SweepError(f"--slurm: the Dask scheduler did not start, see {self._log.name}")
            time.sleep(0.1)

    @staticmethod
    def _sbatch(worker: str, directory: Path) -> str:
        words = [
            "sbatch",
            "--parsable",
            "--nodes=1",
            "--ntasks=1",
            "--exclusive",
            "--job-name=memprop-sweep",
            f"--output={directory}/slurm-%j.log",
            f"--wrap={worker}",
        ]
        answer = subprocess.run(words, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise SweepError(f"--slurm: sbatch failed: {answer.stderr.strip()}")
        return answer.stdout.strip().split(";")[0]

    def _end(self) -> None:
        if self._jobs:
            subprocess.run(["scancel", *self._jobs], check=False)
        self._scheduler.terminate()
        self._scheduler.wait()
        self._log.close()

    def stop(self) -> None:
        super().stop()
        self._end()
