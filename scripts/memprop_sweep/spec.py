"""Reads a sweep file and checks everything about it that can be checked without the program."""

import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memprop_sweep.errors import SweepError
from memprop_sweep.toml_lines import MOST_KEY_PARTS, TomlLines, line_of_deep_key

Scalar = bool | int | float | str


def is_scalar(value: object) -> bool:
    """Whether a TOML value is a Scalar."""
    return isinstance(value, (bool, int, float, str))


METHODS = ("grid", "random", "latin_hypercube")
_SWEEP_KEYS = ("base", "command", "method", "samples", "sampling_seed", "seeds", "values", "when", "arguments")
_RANGE_KEYS = ("min", "max", "log", "steps")


@dataclass(frozen=True)
class Choices:
    """A list of values."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included; whole numbers if both ends are."""

    low: int | float
    high: int | float
    log: bool
    steps: int | None  # number of grid points

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    def at(self, u: float) -> int | float:
        """The value at the fraction u in [0, 1) of a continuous range; whole numbers equally likely."""
        if self.whole and not self.log:
            return min(self.high, self.low + int(u * (self.high - self.low + 1)))
        if self.log:
            value = self.low * (self.high / self.low) ** u
        else:
            value = self.low + u * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        return round(value) if self.whole else float(value)

    def grid(self) -> list[int | float]:
        """`steps` values from low to high."""
        assert self.steps is not None
        values = []
        for i in range(self.steps):
            u = i / (self.steps - 1)
            value = self.low * (self.high / self.low) ** u if self.log else self.low + u * (self.high - self.low)
            values.append(round(value) if self.whole else float(value))
        values[0], values[-1] = self.low, self.high
        return list(dict.fromkeys(values))


Domain = Choices | Range


@dataclass(frozen=True)
class Condition:
    """Values that are swept only where `key` has the value `equals`."""

    key: str
    equals: Scalar
    values: dict[str, Domain]


@dataclass
class SweepSpec:
    """A sweep file, checked."""

    file: Path
    lines: TomlLines
    command: str
    base: Path | None
    method: str
    samples: int
    sampling_seed: int
    seeds: list[int]
    arguments: dict[str, Scalar]
    values: dict[str, Domain]
    paths: dict[str, tuple[str | int, ...]]
    conditions: list[Condition] = field(default_factory=list)

    def error(self, message: str, *path: str | int) -> SweepError:
        """An error at the line of the key at `path`."""
        return SweepError(f"{self.file}:{self.lines.of(*path)}: {message}")

    def path_of(self, key: str, index: int | None = None) -> tuple[str | int, ...]:
        """Where in the file the swept key, or the value `index` of its list, is written."""
        path = self.paths.get(key, ("sweep", "values"))
        return path if index is None else (*path, index)

    @property
    def keys(self) -> list[str]:
        """Every swept key, in the order of the file."""
        keys = list(self.values)
        for condition in self.conditions:
            keys += [key for key in condition.values if key not in keys]
        return keys


class _Reader:
    """One pass over the parsed file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SweepError(f"{file}: cannot be read: {error}") from None
        if (line := line_of_deep_key(text)) is not None:
            raise SweepError(f"{file}:{line}: a key has more than {MOST_KEY_PARTS} parts")
        try:
            self.document = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise SweepError(f"{file}: {error}") from None
        self.lines = TomlLines(text)
        self.paths: dict[str, tuple[str | int, ...]] = {}

    def error(self, message: str, *path: str | int) -> SweepError:
        return SweepError(f"{self.file}:{self.lines.of(*path)}: {message}")

    def read(self) -> SweepSpec:
        self._refuse_unknown(self.document, ("sweep",), ())
        sweep = self.document.get("sweep")
        if not isinstance(sweep, dict):
            raise self.error("a table [sweep] is needed")
        self._refuse_unknown(sweep, _SWEEP_KEYS, ("sweep",))
        command = sweep.get("command", "train")
        if not isinstance(command, str) or not (command in ("train", "run") or command.startswith("tb_")):
            raise self.error(f"command = {command!r}: must be train, run or a testbench tb_...", "sweep", "command")
        method = sweep.get("method", "grid")
        if method not in METHODS:
            raise self.error(f"method = {method!r}: must be one of {', '.join(METHODS)}", "sweep", "method")
        self.method = method
        if method != "grid" and "samples" not in sweep:
            raise self.error(f"samples: method {method} needs the number of samples", "sweep", "method")
        if method == "grid" and "samples" in sweep:
            raise self.error("samples: a grid has no samples; its values make it up", "sweep", "samples")
        spec = SweepSpec(
            file=self.file,
            lines=self.lines,
            command=command,
            base=self._base(sweep, command),
            method=method,
            samples=self._whole(sweep, "samples", 1, 1),
            sampling_seed=self._whole(sweep, "sampling_seed", 1, 0),
            seeds=self._seeds(sweep),
            arguments=self._arguments(sweep),
            values=self._values(sweep.get("values"), ("sweep", "values")),
            paths=self.paths,
        )
        self._conditions(sweep.get("when", []), spec)
        for key in spec.arguments:
            if key in spec.keys:
                raise self.error(f"{key}: is swept and fixed in [sweep.arguments] too", "sweep", "arguments", key)
        return spec

    def _refuse_unknown(self, table: dict[str, Any], known: tuple[str, ...], path: tuple[str | int, ...]) -> None:
        for key in table:
            if key not in known:
                raise self.error(
                    f"unknown key '{'.'.join([*map(str, path), key])}'; " f"here there are {', '.join(known)}",
                    *path,
                    key,
                )

    def _base(self, sweep: dict[str, Any], command: str) -> Path | None:
        base = sweep.get("base")
        if command.startswith("tb_"):
            if base is not None:
                raise self.error("base: a testbench has none; use [sweep.arguments]", "sweep", "base")
            return None
        if not isinstance(base, str) or not base:
            what = "an experiment file" if command == "train" else "a network file"
            raise self.error(f"base: must name {what}, relative to this file", "sweep", "base")
        path = (self.file.parent / base).resolve()
        if not path.is_file():
            raise self.error(f"base = {base!r}: no such file ({path})", "sweep", "base")
        return path

    def _whole(self, sweep: dict[str, Any], key: str, default: int, low: int) -> int:
        value = sweep.get(key, default)
        if type(value) is not int or value < low:
            raise self.error(f"{key} = {value!r}: must be a whole number of at least {low}", "sweep", key)
        return value

    def _seeds(self, sweep: dict[str, Any]) -> list[int]:
        seeds = sweep.get("seeds", [1])
        if not isinstance(seeds, list) or not seeds:
            raise self.error("seeds: must be a list of at least one whole number", "sweep", "seeds")
        for i, seed in enumerate(seeds):
            if type(seed) is not int or seed < 0:
                raise self.error(f"seeds: {seed!r} is not a whole number of at least 0", "sweep", "seeds", i)
            if seed in seeds[:i]:
                raise self.error(f"seeds: {seed} is there twice", "sweep", "seeds", i)
        return seeds

    def _arguments(self, sweep: dict[str, Any]) -> dict[str, Scalar]:
        arguments = sweep.get("arguments", {})
        if not isinstance(arguments, dict):
            raise self.error("arguments: must be a table of options", "sweep", "arguments")
        for key, value in self._flatten(arguments).items():
            if not is_scalar(value):
                raise self.error(f"{key}: must be one value", "sweep", "arguments", key)
            if key in ("seed", "out", "json"):
                raise self.error(f"{key}: is set by the sweep itself", "sweep", "arguments", key)
        return self._flatten(arguments)

    def _flatten(self, table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        """Keys written as "a.b" = 1, a.b = 1 or in a table [a] all mean a.b; ranges are tables too."""
        flat: dict[str, Any] = {}
        for key, value in table.items():
            if isinstance(value, dict) and not set(value) & set(_RANGE_KEYS) and value:
                flat |= self._flatten(value, f"{prefix}{key}.")
            else:
                flat[prefix + key] = value
        return flat

    def _values(self, table: Any, path: tuple[str | int, ...]) -> dict[str, Domain]:
        if not isinstance(table, dict) or not table:
            raise self.error(f"{path[-1]}: must be a table of keys and their values", *path)
        domains = {}
        for key, value in self._flatten(table).items():
            at = (*path, key) if key in table else (*path, *key.split("."))
            if key in ("run.seed", "seed"):
                raise self.error(f"{key}: is swept by `seeds` of [sweep]", *at)
            if key in ("out", "json"):
                raise self.error(f"{key}: is set by the sweep itself", *at)
            domains[key] = self._domain(key, value, at)
            self.paths.setdefault(key, at)
        return domains

    def _domain(self, key: str, value: Any, at: tuple[str | int, ...]) -> Domain:
        if isinstance(value, list):
            if not value:
                raise self.error(f"{key} = []: there must be at least one value", *at)
            for i, element in enumerate(value):
                if not is_scalar(element):
                    raise self.error(f"{key}: {element!r} is not a single value", *at, i)
                if any(
                    element == other and isinstance(element, bool) == isinstance(other, bool) for other in value[:i]
                ):
                    raise self.error(f"{key}: {element!r} is there twice", *at, i)
            return Choices(tuple(value))
        if isinstance(value, dict):
            return self._range(key, value, at)
        raise self.error(f"{key} = {value!r}: must be a list or a range {{min = .., max = ..}}", *at)

    def _range(self, key: str, table: dict[str, Any], at: tuple[str | int, ...]) -> Range:
        for name in table:
            if name not in _RANGE_KEYS:
                raise self.error(f"{key}: unknown '{name}' in a range; it has {', '.join(_RANGE_KEYS)}", *at)
        low, high, log, steps = (table.get(name) for name in _RANGE_KEYS)
        for name, end in (("min", low), ("max", high)):
            if type(end) not in (int, float) or not math.isfinite(end):
                raise self.error(f"{key}: {name} must be a number", *at)
        if not low < high:
            raise self.error(f"{key}: the range from {low} to {high} is empty; min must be less than max", *at)
        if log not in (None, True, False):
            raise self.error(f"{key}: log must be true or false", *at)
        if log and low <= 0:
            raise self.error(f"{key}: min = {low}: must be above 0 with log = true", *at)
        if self.method == "grid":
            if type(steps) is not int or steps < 2:
                raise self.error(f"{key}: in a grid a range needs steps = 2 or more", *at)
        elif steps is not None:
            raise self.error(f"{key}: steps belong to the grid; samples of {self.method} lie anywhere", *at)
        return Range(low, high, bool(log), steps)

    def _conditions(self, tables: Any, spec: SweepSpec) -> None:
        if not isinstance(tables, list):
            raise self.error("when: must be written as [[sweep.when]]", "sweep", "when")
        for i, table in enumerate(tables):
            path = ("sweep", "when", i)
            if not isinstance(table, dict) or set(table) != {"key", "equals", "values"}:
                raise self.error("[[sweep.when]] has the keys key, equals and values", *path)
            key, equals = table["key"], table["equals"]
            domains = [values.get(str(key)) for values in (spec.values, *(c.values for c in spec.conditions))]
            lists = [domain.values for domain in domains if isinstance(domain, Choices)]
            if not any(domains) or not isinstance(key, str):
                raise self.error(f"key = {key!r}: is not swept above", *path, "key")
            if not is_scalar(equals) or not any(equals in values for values in lists):
                raise self.error(f"equals = {equals!r}: is not one of the values listed for {key}", *path, "equals")
            condition = Condition(key, equals, self._values(table["values"], (*path, "values")))
            for name in condition.values:
                if name in spec.values:
                    raise self.error(f"{name}: is in [sweep.values] already", *path, "values", name)
            spec.conditions.append(condition)


def read_spec(file: Path) -> SweepSpec:
    """Reads `file`; raises SweepError naming the line of what is wrong."""
    return _Reader(file).read()
