"""What a sweep keeps on disk: one file per finished point, written whole or not at all.

    OUT/sweep.json        the plan: keys, points in order
    OUT/points/ID.json    one finished point: values, seed, status, result or error
    OUT/sweep.csv         all finished points of the plan as a table
    OUT/.running/         scratch of the points that run here
"""

import csv
import fcntl
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memprop_sweep.errors import SweepError
from memprop_sweep.execute import Outcome
from memprop_sweep.points import Plan, Point, toml_text
from memprop_sweep.spec import Range, SweepSpec

Record = dict[str, Any]


def write_atomically(path: Path, text: str) -> None:
    """Writes a temporary file beside `path`, flushes it to disk and renames it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


class Store:
    """The directory of a sweep, held by one process at a time."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.points = directory / "points"
        self.scratch = directory / ".running"
        try:
            self.points.mkdir(parents=True, exist_ok=True)
            self._lock = (directory / ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SweepError(f"--out {directory}: another sweep is running there") from None
        except OSError as error:
            raise SweepError(f"--out {directory}: {error}") from None
        # Left by a sweep that was killed; the lock says that nothing runs there now.
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        for temporary in self.points.glob(".*.tmp"):
            temporary.unlink(missing_ok=True)

    def close(self) -> None:
        """Gives the directory free for another sweep."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self._lock.close()

    def read(self, point: Point) -> Record | None:
        """What is recorded of a finished point."""
        return read_record(self.points / f"{point.id}.json")

    def write(self, point: Point, outcome: Outcome, attempts: int) -> None:
        """Records a finished point."""
        record: Record = {
            "id": point.id,
            "version": point.job.version,
            "values": point.values,
            "seed": point.seed,
            "status": "failed" if outcome.result is None else "ok",
            "error": outcome.error,
            "attempts": attempts,
            "seconds": outcome.seconds,
            "host": outcome.host,
            "result": outcome.result,
        }
        write_atomically(self.points / f"{point.id}.json", json.dumps(record) + "\n")

    def write_plan(self, plan: Plan, spec: SweepSpec) -> None:
        """Records which points there are, for the table and the report."""
        domains = spec.values | {key: domain for c in spec.conditions for key, domain in c.values.items()}
        document = {
            "name": spec.file.stem,
            "command": spec.command,
            "version": plan.version,
            "keys": spec.keys,
            "log": {key: domain.log for key, domain in domains.items() if isinstance(domain, Range)},
            "points": [{"id": point.id, "values": point.values, "seed": point.seed} for point in plan.points],
        }
        write_atomically(self.directory / "sweep.json", json.dumps(document) + "\n")

    def write_table(self) -> None:
        """Writes sweep.csv from what is recorded."""
        write_atomically(self.directory / "sweep.csv", table(self.directory))


def read_record(path: Path) -> Record | None:
    """A finished point; None if there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def read_plan(directory: Path) -> Record:
    """OUT/sweep.json; SweepError if the directory is not that of a sweep."""
    plan = read_record(directory / "sweep.json")
    if plan is None:
        raise SweepError(f"{directory}: holds no sweep (there is no sweep.json)")
    return plan


def records(directory: Path, plan: Record) -> Iterator[Record]:
    """The finished points of the plan in its order, with the values as this sweep file writes them."""
    for point in plan["points"]:
        record = read_record(directory / "points" / f"{point['id']}.json")
        if record is not None:
            yield record | {"values": point["values"]}


def scalars(result: Any, prefix: str = "") -> dict[str, Any]:
    """Every scalar of a JSON object, nested names joined by dots; lists are left out."""
    flat: dict[str, Any] = {}
    for key, value in result.items():
        if isinstance(value, dict):
            flat |= scalars(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            flat[prefix + key] = value
    return flat


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else toml_text(value)


def table(directory: Path) -> str:
    """The CSV table of the finished points."""
    plan = read_plan(directory)
    rows = []
    columns: dict[str, None] = {}
    for record in records(directory, plan):
        result = scalars(record["result"] or {})
        result.pop("seed", None)  # the column is there already
        columns |= dict.fromkeys(result)
        rows.append((record, result))
    names = [name for name in columns if name not in plan["keys"]]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*plan["keys"], "seed", "status", "error", *names])
    for record, result in rows:
        writer.writerow(
            [
                *(_cell(record["values"].get(key)) for key in plan["keys"]),
                record["seed"],
                record["status"],
                _cell(record["error"]),
                *(_cell(result.get(name)) for name in names),
            ]
        )
    return out.getvalue()
