"""The programs of a build directory: where they are, which version, and what they say about experiments."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from memprop_sweep.errors import SweepError
from memprop_sweep.execute import program_version


@dataclass(frozen=True)
class Resolved:
    """What `memprop config --points` says about one variant of an experiment."""

    config: dict[str, str] | None  # every key with its value as TOML; None if refused
    files: tuple[str, ...] = ()  # the keys that name a file
    without_effect: tuple[tuple[str, str], ...] = ()  # keys that are set and change nothing, and why
    error: str = ""
    override: int | None = None  # which override is refused, if one is alone to blame


class Programs:
    """Programs below one build directory."""

    def __init__(self, build: Path) -> None:
        self.build = build.resolve()

    def find(self, command: str) -> Path:
        """The executable of a sweep's command."""
        path = self.build / (f"testbenches/{command}" if command.startswith("tb_") else "memprop")
        if not os.access(path, os.X_OK):
            raise SweepError(
                f"{path}: no such program; build it (cmake --build --preset release) or name the "
                "build directory with --build DIR"
            )
        return path

    def version(self, program: Path) -> str:
        """What identifies the numbers a program computes: memprop's own version (a hash of its sources); for
        a testbench, which has none, a hash of the executable."""
        try:
            return program_version(str(program))
        except (OSError, subprocess.SubprocessError) as error:
            raise SweepError(f"{program}: cannot tell its version: {error}") from None

    def unknown_option(self, program: Path, command: str, options: list[str]) -> str | None:
        """The first of `options` that the help of the command does not name."""
        words = [str(program)] + ([] if command.startswith("tb_") else [command]) + ["--help"]
        answer = subprocess.run(words, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise SweepError(f"{' '.join(words)}: {answer.stderr.strip()}")
        known = set(re.findall(r"--[\w-]+", answer.stdout))
        return next((option for option in options if f"--{option}" not in known), None)

    def resolve(self, experiment: Path, variants: list[list[str]], processes: int) -> list[Resolved]:
        """Resolves and checks every variant (a list of key=value) of an experiment, in parallel."""
        chunk = -(-len(variants) // processes)
        chunks = [variants[i : i + chunk] for i in range(0, len(variants), chunk)]
        with ThreadPoolExecutor(processes) as pool:
            answers = pool.map(lambda part: self._resolve(experiment, part), chunks)
            return [resolved for answer in answers for resolved in answer]

    def _resolve(self, experiment: Path, variants: list[list[str]]) -> list[Resolved]:
        words = [str(self.find("train")), "config", str(experiment), "--points", "-"]
        lines = "".join(json.dumps(variant, ensure_ascii=False) + "\n" for variant in variants)
        answer = subprocess.run(words, input=lines, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise SweepError(f"{' '.join(words)}: {answer.stderr.strip()}")
        parsed = [json.loads(line) for line in answer.stdout.splitlines()]
        return [
            Resolved(
                p.get("config"),
                tuple(p.get("files", ())),
                tuple((k["key"], k["reason"]) for k in p.get("keys_without_effect", ())),
                p.get("error", ""),
                p.get("override"),
            )
            for p in parsed
        ]
