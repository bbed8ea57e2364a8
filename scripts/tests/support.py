"""What the tests of the scripts share. The build under test is named by MEMPROP_BUILD."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SCRIPTS))
BUILD = Path(os.environ.get("MEMPROP_BUILD", SCRIPTS.parent / "build/release"))

BASE = """\
[network]
inputs = 20
recurrent = 20

[task]
steps = 200

[run]
epochs = {epochs}
checkpoint_every = 0
"""

# Stands for memprop and notes every training run that it completes.
COUNTING_PROGRAM = """\
#!/bin/sh
'{program}' "$@"
status=$?
[ "$1 $2" = "train --help" ] || [ "$1" != train ] || echo done >> '{log}'
exit $status
"""


def await_true(condition: Callable[[], bool], what: str, seconds: float = 40.0) -> None:
    """Waits until the condition holds; fails the test otherwise."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class SweepCase(unittest.TestCase):
    """A test with a directory of its own and the processes that it starts."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="memprop-test-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.build = BUILD

    def write(self, name: str, text: str) -> Path:
        """A file in the test's directory."""
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path

    def write_sweep(self, values: str, epochs: int = 2, head: str = "seeds = [1, 2]") -> Path:
        """A sweep of the small experiment."""
        self.write("base.toml", BASE.format(epochs=epochs))
        return self.write("sweep.toml", f'[sweep]\nbase = "base.toml"\n{head}\n\n[sweep.values]\n{values}\n')

    def count_runs(self) -> Path:
        """Puts a program that counts its runs in the place of memprop; returns the log, one line per run."""
        log = self.write("runs.log", "")
        self.build = self.directory / "build"
        self.build.mkdir()
        program = self.build / "memprop"
        program.write_text(COUNTING_PROGRAM.format(program=BUILD / "memprop", log=log), encoding="utf-8")
        program.chmod(0o755)
        return log

    def start(self, *words: str | Path, **options) -> subprocess.Popen:
        """A process that is ended with the test."""
        process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, **options)

        def end() -> None:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

        self.addCleanup(end)
        return process

    def start_sweep(self, file: Path, *options: str | Path) -> subprocess.Popen:
        """sweep.py running beside the test."""
        return self.start(
            SCRIPTS / "sweep.py",
            file,
            "--build",
            self.build,
            "--out",
            self.directory / "out",
            "--no-plots",
            *options,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sweep(self, file: Path, *options: str | Path, status: int = 0) -> str:
        """Runs sweep.py to its end; returns what it says."""
        process = self.start_sweep(file, *options)
        said = "".join(process.communicate(timeout=100))
        self.assertEqual(process.returncode, status, said)
        return said

    def records(self) -> dict[str, dict]:
        """What is recorded, by point."""
        return {path.stem: json.loads(path.read_text()) for path in (self.directory / "out/points").glob("*.json")}

    def point_files(self) -> dict[str, int]:
        """When each point was written."""
        return {path.name: path.stat().st_mtime_ns for path in (self.directory / "out/points").glob("*.json")}

    def numbers(self) -> dict[str, dict]:
        """All results without the time they took."""
        return {
            point: {k: v for k, v in record["result"].items() if k != "wall_s"}
            for point, record in self.records().items()
        }
