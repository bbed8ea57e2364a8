#!/usr/bin/python3
"""Runs a sweep: every combination of values of a sweep file with every seed, each point in its own process.

Finished points are kept and skipped when the sweep is run again, so it can be stopped, moved and continued."""

import argparse
import os
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent))

from memprop_sweep.driver import run_plan  # noqa: E402
from memprop_sweep.errors import SweepError  # noqa: E402
from memprop_sweep.points import make_plan  # noqa: E402
from memprop_sweep.programs import Programs  # noqa: E402
from memprop_sweep.runners import LocalRunner, Runner, RunnerLost  # noqa: E402
from memprop_sweep.spec import read_spec  # noqa: E402
from memprop_sweep.store import Store  # noqa: E402

REPOSITORY = Path(__file__).resolve().parent.parent


class Interrupted(Exception):
    """SIGINT or SIGTERM arrived."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def positive(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", type=Path, metavar="SWEEP.toml", help="what to sweep; see examples/sweeps")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        default=len(os.sched_getaffinity(0)),
        help="points at a time on this machine (default: its cores, %(default)s)",
    )
    where.add_argument("--scheduler", metavar="tcp://HOST:8786", help="run on the workers of this Dask scheduler")
    where.add_argument("--slurm", action="store_true", help="run on Slurm nodes, one worker job for each")
    parser.add_argument("--nodes", type=positive, metavar="N", help="with --slurm: worker jobs to submit (default 1)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="results (default results/NAME); may exist: continue")
    parser.add_argument(
        "--build",
        type=Path,
        metavar="DIR",
        default=REPOSITORY / "build/release",
        help="where the programs are (default build/release)",
    )
    parser.add_argument("--retry-failed", action="store_true", help="run points again that are recorded as failed")
    parser.add_argument("--no-plots", action="store_true", help="write the table only; report.py makes the plots")
    arguments = parser.parse_args()
    if arguments.nodes is not None and not arguments.slurm:
        parser.error("--nodes goes with --slurm")
    return arguments


def make_runner(arguments: argparse.Namespace, store: Store) -> Runner:
    """Where the points run."""
    if arguments.scheduler or arguments.slurm:
        from memprop_sweep.dask_runner import DaskRunner, SlurmRunner

        if arguments.slurm:
            return SlurmRunner(arguments.nodes or 1, store.directory.resolve())
        return DaskRunner(arguments.scheduler)
    return LocalRunner(arguments.workers, store.scratch)


def sweep(arguments: argparse.Namespace) -> int:
    """Returns the exit status."""
    spec = read_spec(arguments.sweep)
    out = arguments.out or Path("results") / arguments.sweep.stem
    plan = make_plan(spec, Programs(arguments.build), len(os.sched_getaffinity(0)))
    if plan.repeated:
        print(f"{plan.repeated} points are the same as others and run once", file=sys.stderr)
    for (key, reason), count in plan.without_effect.items():
        print(f"{key} has no effect in {count} combinations of values: {reason}", file=sys.stderr)
    store = Store(out)
    again = f"continue with: {shlex.join(sys.argv)}"
    try:
        store.write_plan(plan, spec)
        try:
            progress = run_plan(plan, store, lambda: make_runner(arguments, store), arguments.retry_failed)
        finally:
            # A second Ctrl-C must not cut this short.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            store.write_table()
    except Interrupted as interrupt:
        print(f"\nstopped; finished points are kept; {again}", file=sys.stderr)
        return 128 + interrupt.number
    except RunnerLost as lost:
        print(f"\nsweep.py: {lost}; finished points are kept; {again}", file=sys.stderr)
        return 1
    finally:
        store.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not arguments.no_plots:
        from memprop_report.report import write_report

        print(f"report   {write_report(out)}", file=sys.stderr)
    print(f"results  {out / 'sweep.csv'}", file=sys.stderr)
    if progress.failed:
        print(
            f"{progress.failed} points failed: see the column `error`; --retry-failed tries them again", file=sys.stderr
        )
    return 0 if progress.done else 1


def interrupt_by(number: int, _: FrameType | None) -> None:
    """Signal handler."""
    raise Interrupted(number)


def main() -> int:
    """Exit status 0: all points are recorded (a failed point is a result too, unless all failed: 1); 1: the
    scheduler was lost; 2: bad input; 128 + signal: stopped."""
    arguments = parse_arguments()
    signal.signal(signal.SIGINT, interrupt_by)
    signal.signal(signal.SIGTERM, interrupt_by)
    try:
        return sweep(arguments)
    except SweepError as error:
        print(f"sweep.py: {error}", file=sys.stderr)
        return 2
    except Interrupted as interrupt:
        return 128 + interrupt.number


if __name__ == "__main__":
    sys.exit(main())
