"""Runs one point as a process of its own. This module uses nothing but the standard library and no other
module of the package: a Dask worker gets it by value and needs neither the package nor its files."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

EXPERIMENT = "{experiment}"  # in Job.arguments: the file with Job.experiment
OUT = "{out}"  # in Job.arguments: a directory that does not exist yet
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True)
class Job:
    """All that is needed to run a point anywhere."""

    id: str
    program: str
    version: str  # of the program; another one is refused
    arguments: tuple[str, ...]
    experiment: str | None = None  # text of the resolved experiment


@dataclass
class Outcome:
    """What came of one attempt: a result, an error of the point, or that it could not be tried."""

    id: str
    result: dict[str, Any] | None = None
    error: str | None = None
    unusable: str | None = None  # why this machine cannot run the sweep's program at all
    seconds: float = 0.0  # of the process
    host: str = field(default_factory=lambda: os.uname().nodename)


class Children:
    """The processes that run at the moment, so that they can be ended together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def start(self, words: list[str], **options: Any) -> subprocess.Popen[str]:
        with self._lock:
            if self._stopped:
                raise InterruptedError("stopped")
            child = subprocess.Popen(words, **options)
            self._running.add(child)
            return child

    def ended(self, child: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.discard(child)

    def stop(self) -> None:
        """Ends what runs; nothing starts any more."""
        with self._lock:
            self._stopped = True
            for child in self._running:
                child.kill()


_versions: dict[tuple[str, int, int], str] = {}


def program_version(program: str) -> str:
    """memprop's own version (a hash of its sources); of a testbench, which has none, a hash of the executable.
    Asked once as long as the file stays the same."""
    status = os.stat(program)
    key = (program, status.st_mtime_ns, status.st_ino)
    if key not in _versions:
        if os.path.basename(program).startswith("tb_"):
            with open(program, "rb") as file:
                _versions[key] = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()[:16]
        else:
            answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
            _versions[key] = answer.stdout.split()[-1]
    return _versions[key]


def remove(directory: str) -> None:
    """Removes a directory with all that is in it."""
    shutil.rmtree(directory, ignore_errors=True)


def execute(
    job: Job,
    scratch: str | None = None,
    children: Children | None = None,
    discard: Callable[[str], object] = remove,
) -> Outcome:
    """Runs the point in a directory below `scratch` that is discarded afterwards. Never raises for what the
    point does: the outcome holds the error."""
    outcome = Outcome(job.id)
    try:
        version = program_version(job.program)
    except (OSError, subprocess.SubprocessError) as error:
        outcome.unusable = f"{job.program} on {outcome.host}: {error}"
        return outcome
    if version != job.version:
        outcome.unusable = f"{job.program} on {outcome.host} is version {version}, the sweep began with {job.version}"
        return outcome
    directory = None
    try:
        directory = tempfile.mkdtemp(prefix="memprop-", dir=scratch)
        _run(job, directory, children or Children(), outcome)
    except (OSError, subprocess.SubprocessError) as error:
        outcome.error = str(error)
    finally:
        if directory is not None:
            discard(directory)
    return outcome


def execute_fields(job: dict[str, Any]) -> dict[str, Any]:
    """The same with plain dictionaries, which mean the same on every machine."""
    return dict(vars(execute(Job(**job))))


def _run(job: Job, directory: str, children: Children, outcome: Outcome) -> None:
    places = {OUT: os.path.join(directory, "out"), EXPERIMENT: os.path.join(directory, "experiment.toml")}
    if job.experiment is not None:
        with open(places[EXPERIMENT], "w", encoding="utf-8") as file:
            file.write(job.experiment)
    words = [job.program, *(places.get(word, word) for word in job.arguments)]
    # setpriv ends the process with its parent, so that nothing runs on after a worker is killed; a process
    # group of its own keeps the terminal's Ctrl-C from it.
    start = time.monotonic()
    with open(os.path.join(directory, "stdout"), "w+", encoding="utf-8") as out, open(
        os.path.join(directory, "stderr"), "w+", encoding="utf-8", errors="replace"
    ) as err:
        child = children.start(
            ["setpriv", "--pdeathsig", "KILL", *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            process_group=0,
            env=os.environ | _ONE_THREAD,
        )
        try:
            status = child.wait()
        finally:
            children.ended(child)
        outcome.seconds = time.monotonic() - start
        out.seek(0)
        err.seek(0)
        if status != 0:
            said = err.read().strip()[-2000:]
            outcome.error = f"exit status {status}: {said}" if status > 0 else f"killed by signal {-status}: {said}"
            return
        lines = out.read().rstrip("\n").split("\n")  # other separators may stand in a text
    try:
        outcome.result = json.loads(lines[-1])
    except (IndexError, ValueError):
        outcome.error = "the last line of its output is not JSON"
