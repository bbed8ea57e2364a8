"""Where points run. A runner takes jobs and gives back outcomes in the order they come; what to do about
them (record, try again) is not its business. Here: this machine; dask_runner has the others."""

import functools
import os
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from memprop_sweep.execute import Children, Job, Outcome, execute, remove


class RunnerLost(Exception):
    """Points cannot run any more (the scheduler is gone, the program another one). What is recorded stays."""


class Runner(Protocol):
    """What a sweep needs."""

    def width(self) -> int:
        """Points that can run at once."""

    def submit(self, job: Job, attempt: int) -> None:
        """Queues a job."""

    def next(self, timeout_seconds: float) -> Outcome | None:
        """The next outcome, or None if none comes in time. Raises RunnerLost."""

    def stop(self) -> None:
        """Ends what runs, forgets what is queued, frees everything."""


class LocalRunner:
    """Processes on this machine, `workers` at a time. Each has one thread; if there are as many workers as
    cores, each is pinned to a core of its own (fewer are left to the operating system, so that two narrow
    sweeps side by side do not meet on the same cores)."""

    def __init__(self, workers: int, scratch: Path) -> None:
        self._workers = workers
        self._scratch = str(scratch)
        self._children = Children()
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._cores: queue.SimpleQueue[int] = queue.SimpleQueue()
        cores = sorted(os.sched_getaffinity(0))
        for core in cores if workers == len(cores) else []:
            self._cores.put(core)
        self._pool = ThreadPoolExecutor(workers, initializer=self._pin)
        # Removing a run's files can take as long as a short run: that must not keep a core waiting.
        self._remover = ThreadPoolExecutor(1)

    def _pin(self) -> None:
        """Pins the calling thread, from which its processes inherit it."""
        try:
            os.sched_setaffinity(threading.get_native_id(), {self._cores.get_nowait()})
        except queue.Empty:
            pass

    def width(self) -> int:
        return self._workers

    def submit(self, job: Job, attempt: int) -> None:
        self._pool.submit(self._work, job)

    def _work(self, job: Job) -> None:
        discard = functools.partial(self._remover.submit, remove)
        self._outcomes.put(execute(job, self._scratch, self._children, discard))

    def next(self, timeout_seconds: float) -> Outcome | None:
        try:
            return self._outcomes.get(timeout=timeout_seconds)
        except queue.Empty:
            return None

    def stop(self) -> None:
        self._children.stop()
        self._pool.shutdown(cancel_futures=True)
        self._remover.shutdown()
