"""Are benchmarks as fast as those of another build? Both run in turn, so that what else the machine does meets both."""

import json
import statistics
import subprocess
from pathlib import Path

PROGRAMS = ("bench_training_sample", "bench_chip", "bench_simulator", "bench_eprop", "bench_array")
PAIRS = 9
MOST = 1.03  # ratio of the medians that is still "not slower"


def program_in(build: Path, name: str) -> Path | None:
    found = sorted(build.rglob(name))
    return next((file for file in found if file.is_file()), None)


def times(program: Path, arguments: list[str]) -> dict[str, float]:
    """User CPU of every benchmark of a program, in its own unit."""
    done = subprocess.run([program, "--benchmark_format=json", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{program}: {(done.stderr.strip().splitlines() or ['exit ' + str(done.returncode)])[-1]}")
    if not done.stdout.strip():
        return {}  # a filter that none of the program's benchmarks meets
    return {entry["name"]: entry["cpu_time"] for entry in json.loads(done.stdout)["benchmarks"]}


def ratios(old: list[dict[str, float]], new: list[dict[str, float]]) -> dict[str, tuple[float, float, float]]:
    """(median old, median new, median of the ratios of the pairs) of every benchmark that both have."""
    result = {}
    for name in old[0]:
        if all(name in run for run in old + new):
            before, after = [run[name] for run in old], [run[name] for run in new]
            result[name] = (statistics.median(before), statistics.median(after),
                            statistics.median(b / a for a, b in zip(before, after, strict=True)))
    return result


def compare(old: Path, new: Path, pairs: int = PAIRS, arguments: tuple[str, ...] = ()) -> int:
    """Prints a line per benchmark; 1 if one is slower by more than 3 %, or if there is nothing to compare."""
    slower = compared = 0
    for name in PROGRAMS:
        before, after = program_in(old, name), program_in(new, name)
        if before is None or after is None:
            print(f"{name}: not in {old if before is None else new}")
            slower += 1
            continue
        runs = [], []
        for _ in range(pairs):
            runs[0].append(times(before, list(arguments)))
            runs[1].append(times(after, list(arguments)))
        for benchmark, (was, now, ratio) in ratios(*runs).items():
            compared += 1
            slower += ratio > MOST
            print(f"{ratio:6.3f}  {was:12.4g} -> {now:12.4g}  {name}: {benchmark}{'  SLOWER' if ratio > MOST else ''}",
                  flush=True)
    print(f"{compared} benchmarks, {slower} slower by more than {100 * (MOST - 1):.0f} %")
    return 1 if slower or not compared else 0
