"""The points of a sweep as the report shows them: columns, axes, means over seeds, Pareto fronts."""

import itertools
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memprop_report.metrics import more_is_better
from memprop_sweep.errors import SweepError
from memprop_sweep.store import read_plan, records, scalars

LOSS = "final_loss"
_METRICS = (LOSS, "latency_mean_cycles")  # what is drawn unless told; else the first number there is
# What a designer pays for a low loss or a high accuracy; those present in the results are shown, in this order.
COSTS = {
    "energy_j.total": "energy (J)",
    "energy_j": "energy (J)",
    "pulses_per_device_max": "pulses on the most used device",
}
_MAIN_COLUMNS = (
    "final_loss",
    "metrics.",
    "energy_j.total",
    "energy_j",
    "pulses_per_device_max",
    "pulses_per_synapse",
    "spikes",
    "cycles",
    "deadline_misses",
    "wall_s",
    "latency_",
    "accepted_",
)
_MOST_COLOURS = 6
_MOST_CURVE_SAMPLES = 250
_LOG_RATIO = 50.0


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)


@dataclass
class Point:
    """One finished point."""

    id: str
    seed: int
    status: str
    error: str | None
    values: dict[str, Any]
    scalars: dict[str, Any]
    curve: list[float]

    def number(self, name: str) -> float | None:
        """A scalar of the result, or None if it is no finite number."""
        value = self.scalars.get(name)
        return value if _is_number(value) else None


@dataclass
class Axis:
    """How the values of a key are drawn."""

    kind: str  # category, value or log
    values: list[Any]  # distinct, in order
    missing: bool  # some points do not have the key


@dataclass
class Group:
    """The seeds of one combination."""

    values: dict[str, Any]
    points: list[Point] = field(default_factory=list)

    def mean(self, name: str) -> float:
        """Mean over the seeds that have the number; not a number if none has."""
        numbers = self.numbers(name)
        return sum(numbers) / len(numbers) if numbers else math.nan

    def numbers(self, name: str) -> list[float]:
        """The number of every seed that has it."""
        return [n for point in self.points if (n := point.number(name)) is not None]


class SweepData:
    """A sweep directory, read."""

    def __init__(self, directory: Path, metric: str | None = None) -> None:
        plan = read_plan(directory)
        self.name: str = plan["name"]
        self.command: str = plan["command"]
        self.version: str = plan["version"]
        self.planned = len(plan["points"])
        self.keys: list[str] = plan["keys"]
        self._log: dict[str, bool] = plan["log"]  # of ranges: as the sweep file says
        self.points = [self._point(record) for record in records(directory, plan)]
        self.metric = self._metric(metric, directory)
        self.more_is_better = more_is_better(self.metric)
        self.axes = {key: self._axis(key) for key in self.keys}
        self.groups = self._groups()
        self.costs = {name: label for name, label in COSTS.items() if name != self.metric and self.priced(name)}

    @staticmethod
    def _point(record: dict[str, Any]) -> Point:
        result = record["result"] or {}
        history = result.get("loss_history")
        curve = list(itertools.takewhile(_is_number, history)) if isinstance(history, list) else []
        return Point(
            record["id"],
            record["seed"],
            record["status"],
            record["error"],
            record["values"],
            {
                k: None if isinstance(v, float) and not math.isfinite(v) else v
                for k, v in scalars(result).items()
                if k != "seed"
            },
            curve,
        )

    def _metric(self, wanted: str | None, directory: Path) -> str:
        names = [name for point in self.points for name in point.scalars if point.number(name) is not None]
        if not names:
            raise SweepError(f"{directory}: no point has succeeded yet; there is nothing to draw")
        if wanted is not None:
            if wanted not in names:
                raise SweepError(f"--metric {wanted}: must be one of {', '.join(dict.fromkeys(names))}")
            return wanted
        return next((metric for metric in _METRICS if metric in names), names[0])

    @property
    def metric_label(self) -> str:
        """For axes."""
        return "loss" if self.metric == LOSS else self.metric

    @property
    def direction(self) -> str:
        """Which way the metric is better, in words."""
        return "more is better" if self.more_is_better else "less is better"

    def rank(self, group: Group) -> float:
        """The mean of the metric, turned so that less is better."""
        return -group.mean(self.metric) if self.more_is_better else group.mean(self.metric)

    def _axis(self, key: str) -> Axis:
        present = [point.values[key] for point in self.points if key in point.values]
        distinct = list(dict.fromkeys(present))
        missing = len(present) < len(self.points)
        if any(isinstance(value, bool | str) for value in distinct) or not distinct:
            return Axis("category", distinct, missing)
        distinct.sort()
        spread = distinct[0] > 0 and distinct[-1] / distinct[0] >= _LOG_RATIO
        log = self._log.get(key, spread) and distinct[0] > 0
        return Axis("log" if log else "value", distinct, missing)

    def _groups(self) -> list[Group]:
        groups: dict[str, Group] = {}
        for point in self.points:
            name = json.dumps(point.values)
            groups.setdefault(name, Group(point.values)).points.append(point)
        return [group for group in groups.values() if group.numbers(self.metric)]

    def colour_key(self, key: str) -> str | None:
        """The other key that tells the lines of a chart apart: one of few values, names rather than numbers."""
        few = [other for other in self.keys if other != key and 2 <= len(self.axes[other].values) <= _MOST_COLOURS]
        names = [other for other in few if self.axes[other].kind == "category"]
        return next(iter(names + few), None)

    def shade_key(self, key: str) -> str | None:
        """The other key that shades the marks of a chart, where none of few values can colour them."""
        if self.colour_key(key) is not None:
            return None
        numeric = [other for other in self.keys if other != key and self.axes[other].kind != "category"]
        return next((other for other in numeric if len(self.axes[other].values) > 1), None)

    def log_metric(self) -> bool:
        """Whether the metric spans enough for a logarithmic axis; what is better high is a share or a rate."""
        numbers = [n for group in self.groups for n in group.numbers(self.metric)]
        return not self.more_is_better and min(numbers) > 0 and max(numbers) / min(numbers) >= 10

    def profile(self, key: str, colour: str | None, colour_value: Any) -> list[tuple[Any, Group]]:
        """For each value of the key the combination of the remaining keys with the best mean of the metric."""
        best: dict[Any, Group] = {}
        for group in self.groups:
            if key not in group.values or (colour and group.values.get(colour) != colour_value):
                continue
            x = group.values[key]
            if x not in best or self.rank(group) < self.rank(best[x]):
                best[x] = group
        return [(x, best[x]) for x in self.axes[key].values if x in best]

    def priced(self, cost: str) -> list[Group]:
        """The combinations whose cost is known."""
        return [group for group in self.groups if group.numbers(cost)]

    def pareto(self, cost: str) -> list[Group]:
        """The combinations (means over seeds) that no other beats in both metric and cost, by rising cost."""
        found = self.priced(cost)
        found.sort(key=lambda group: (group.mean(cost), self.rank(group)))
        front: list[Group] = []
        for group in found:
            if not front or self.rank(group) < self.rank(front[-1]):
                front.append(group)
        return front

    def columns(self) -> list[str]:
        """Scalars worth a column of the table; all the others are shown for a selected point."""
        names = dict.fromkeys(name for point in self.points for name in point.scalars)
        chosen = [
            name
            for prefix in _MAIN_COLUMNS
            for name in names
            if (name.startswith(prefix) if prefix[-1] in "._" else name == prefix)
            and any(point.number(name) is not None for point in self.points)
        ]
        if self.metric not in chosen:
            chosen.insert(0, self.metric)
        return chosen or [self.metric]

    def page_data(self) -> dict[str, Any]:
        """All the page needs, as JSON."""
        columns = self.columns()
        others = list(dict.fromkeys(n for p in self.points for n in p.scalars if n not in columns))
        ok = [point for point in self.points if point.status == "ok"]
        constants = {
            name: ok[0].scalars.get(name)
            for name in others
            if len(ok) > 1 and len({json.dumps(p.scalars.get(name)) for p in ok}) == 1
        }
        others = [name for name in others if name not in constants]
        return {
            "name": self.name,
            "command": self.command,
            "version": self.version,
            "planned": self.planned,
            "keys": self.keys,
            "columns": columns,
            "others": others,
            "constants": constants,
            "metric": self.metric,
            "metricLabel": self.metric_label,
            "direction": self.direction,
            "moreIsBetter": self.more_is_better,
            "logMetric": self.log_metric(),
            "costs": self.costs,
            "axes": {key: vars(axis) for key, axis in self.axes.items()},
            "colourBy": {key: self.colour_key(key) for key in self.keys},
            "shadeBy": {key: self.shade_key(key) for key in self.keys},
            "colourPareto": self.colour_key(""),
            "points": [
                {
                    "id": p.id,
                    "seed": p.seed,
                    "status": p.status,
                    "error": p.error,
                    "values": [p.values.get(key) for key in self.keys],
                    "numbers": [p.scalars.get(name) for name in columns],
                    "more": [p.scalars.get(name) for name in others],
                    "curve": thin(p.curve),
                }
                for p in self.points
            ],
        }


def thin(curve: list[float]) -> list[list[float]]:
    """(epoch, loss) pairs; long curves as means of equally many epochs, at the last of them."""
    size = max(1, math.ceil(len(curve) / _MOST_CURVE_SAMPLES))
    parts = [curve[i : i + size] for i in range(0, len(curve), size)]
    return [[min((i + 1) * size, len(curve)), float(f"{sum(part) / len(part):.5g}")] for i, part in enumerate(parts)]
