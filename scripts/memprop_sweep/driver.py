"""Runs the points of a plan that are not recorded yet, and records them."""

import sys
from collections.abc import Callable

from memprop_sweep.points import Plan, Point
from memprop_sweep.progress import Progress
from memprop_sweep.runners import Runner, RunnerLost
from memprop_sweep.store import Store

ATTEMPTS = 3  # a point that fails is tried twice more


def run_plan(plan: Plan, store: Store, make_runner: Callable[[], Runner], retry_failed: bool) -> Progress:
    """Runs what is missing on the runner that `make_runner` gives (none is made if nothing is missing).
    Leaves by any exception with the store as consistent as it always is."""
    progress = Progress(len(plan.points))
    missing: dict[str, Point] = {}
    for point in plan.points:
        record = store.read(point)
        if record is None or (retry_failed and record["result"] is None):
            missing[point.id] = point
        else:
            progress.kept(point, record["result"])
    if len(missing) < len(plan.points):
        print(f"{len(plan.points) - len(missing)} of {len(plan.points)} points are there already", file=sys.stderr)
    if not missing:
        return progress
    runner = make_runner()
    try:
        attempts = dict.fromkeys(missing, 1)
        for point in missing.values():
            runner.submit(point.job, 1)
        while missing:
            outcome = runner.next(0.5)
            running = min(len(missing), runner.width())
            if outcome is None:
                progress.draw(running)
                continue
            if outcome.unusable is not None:
                raise RunnerLost(outcome.unusable)
            point, attempt = missing[outcome.id], attempts[outcome.id]
            if outcome.result is None and attempt < ATTEMPTS:
                attempts[outcome.id] = attempt + 1
                runner.submit(point.job, attempt + 1)
                continue
            store.write(point, outcome, attempt)
            del missing[outcome.id]
            progress.finished(point, outcome.result)
            progress.draw(min(len(missing), running))
    finally:
        runner.stop()
    progress.draw(0, final=True)
    return progress
