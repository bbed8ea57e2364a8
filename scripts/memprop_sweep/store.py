"""What a sweep keeps on disk: one file per finished point, written whole or not at all.

    OUT/sweep.json        the plan: keys, points in order
    OUT/points/ID.json    one finished point: values, seed, status, result or error
    OUT/sweep.csv         all finished points of the plan as a table
    OUT/.running/         scratch of the points that run here
"""

import csv
import fcntl
import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memprop_sweep.errors import SweepError
from memprop_sweep.execute import Outcome
from memprop_sweep.points import Plan, Point, toml_text
from memprop_sweep.spec import Range, SweepSpec
from memprop_terminal import read_text

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
        try:
            # Left by a sweep that was killed; the lock says that nothing runs there now.
            shutil.rmtree(self.scratch, ignore_errors=True)
            self.scratch.mkdir()
            for temporary in self.points.glob(".*.tmp"):
                temporary.unlink(missing_ok=True)
        except OSError as error:
            self._lock.close()
            raise SweepError(f"--out {directory}: {error}") from None

    def close(self) -> None:
        """Gives the directory free for another sweep."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self._lock.close()

    def read(self, point: Point) -> Record | None:
        """What is recorded of a finished point; a damaged record is named and counts as none, so that the point
        runs again. SweepError if something lies in its place that is no file."""
        path = self.points / f"{point.id}.json"
        try:
            return read_point(path, {"id": point.id, "seed": point.seed, "version": point.job.version})
        except Damaged as damage:
            if not path.is_file():
                raise SweepError(f"{damage}; remove it") from None
            print(f"{damage}; the point runs again", file=sys.stderr)
            return None

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
        write_atomically(self.points / f"{point.id}.json", json.dumps(record | {_CHECKSUM: _checksum(record)}) + "\n")

    def write_plan(self, plan: Plan, spec: SweepSpec) -> None:
        """Records which points there are, for the table and the report."""
        domains = spec.values | {key: domain for c in spec.conditions for key, domain in c.values.items()}
        document = {
            "name": os.fsencode(spec.file.stem).decode("utf-8", "replace"),
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


class Damaged(Exception):
    """A file of the sweep is not as it was written. The text names it and says how."""


_CHECKSUM = "checksum"  # in the record of a point, of everything else in it
_POINT_FIELDS: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "version": (str,),
    "values": (dict,),
    "seed": (int,),
    "status": (str,),
    "error": (str, type(None)),
    "attempts": (int,),
    "seconds": (int, float),
    "host": (str,),
    "result": (dict, type(None)),
}
_PLAN_FIELDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "command": (str,),
    "version": (str,),
    "keys": (list,),
    "log": (dict,),
    "points": (list,),
}


def _checksum(record: Record) -> str:
    text = json.dumps({key: value for key, value in record.items() if key != _CHECKSUM}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _read_fields(path: Path, fields: dict[str, tuple[type, ...]]) -> Record | None:
    """A JSON object with these fields; None if there is no such file. Raises Damaged."""
    if not path.exists() and not path.is_symlink():
        return None
    try:
        record = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:  # JSON and UTF-8 errors are ValueErrors
        raise Damaged(f"{path}: is damaged: {error}") from None
    if not isinstance(record, dict):
        raise Damaged(f"{path}: is damaged: a JSON object is needed")
    for name, types in fields.items():
        if not isinstance(record.get(name, fields), types):
            raise Damaged(f"{path}: is damaged: `{name}` is missing or of the wrong type")
    return record


def read_point(path: Path, identity: Record) -> Record | None:
    """A finished point; None if there is none. Raises Damaged, also if it is not the point of this identity."""
    record = _read_fields(path, _POINT_FIELDS)
    if record is None:
        return None
    for name, wanted in identity.items():
        if record[name] != wanted:
            raise Damaged(f"{path}: is damaged: `{name}` is {record[name]!r}, not {wanted!r}")
    if record["status"] != ("ok" if record["result"] is not None else "failed"):
        raise Damaged(f"{path}: is damaged: `status` is {record['status']!r} and does not go with the result")
    if record.get(_CHECKSUM, _checksum(record)) != _checksum(record):
        raise Damaged(f"{path}: is damaged: the checksum is another one")
    return record


def read_plan(directory: Path) -> Record:
    """OUT/sweep.json; SweepError if the directory is not that of a sweep or the file is damaged."""
    try:
        plan = _read_fields(directory / "sweep.json", _PLAN_FIELDS)
        if plan is None:
            raise SweepError(f"{directory}: holds no sweep (there is no sweep.json)")
        if not all(isinstance(key, str) for key in plan["keys"]):
            raise Damaged(f"{directory / 'sweep.json'}: is damaged: a key is no text")
        for point in plan["points"]:
            if not (
                isinstance(point, dict)
                and isinstance(point.get("id"), str)
                and isinstance(point.get("values"), dict)
                and all(isinstance(value, (bool, int, float, str)) for value in point["values"].values())
                and isinstance(point.get("seed"), int)
            ):
                raise Damaged(f"{directory / 'sweep.json'}: is damaged: a point has no id, values and seed")
    except Damaged as damage:
        raise SweepError(f"{damage}; sweep.py with the sweep file writes it anew") from None
    return plan


def records(directory: Path, plan: Record, tell: bool = True) -> Iterator[Record]:
    """The finished points of the plan in its order, with the values as this sweep file writes them. Damaged ones
    are left out, and named if `tell`."""
    for point in plan["points"]:
        path = directory / "points" / f"{point['id']}.json"
        try:
            record = read_point(path, {"id": point["id"], "seed": point["seed"], "version": plan["version"]})
        except Damaged as damage:
            if tell:
                print(f"{damage}; it is left out, and sweep.py runs it again", file=sys.stderr)
            continue
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
    for record in records(directory, plan, tell=False):
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
