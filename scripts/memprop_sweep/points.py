"""From a sweep file to the points to run: resolves every combination, refuses what the experiment refuses
(before anything runs), and names each point by what decides its numbers."""

import functools
import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memprop_sweep.errors import SweepError
from memprop_sweep.execute import EXPERIMENT, OUT, Job
from memprop_sweep.programs import Programs, Resolved
from memprop_sweep.sampling import Combination, combinations
from memprop_sweep.spec import Choices, Scalar, SweepSpec
from memprop_sweep.toml_lines import line_of_deep_key

_MOST_ERRORS = 20


@dataclass(frozen=True)
class Point:
    """One combination of values with one seed."""

    id: str
    values: Combination
    seed: int
    job: Job


@dataclass(frozen=True)
class Plan:
    """All points of a sweep, each once."""

    version: str
    points: list[Point]
    repeated: int  # combinations dropped because they resolve to the same point as an earlier one
    without_effect: dict[tuple[str, str], int]  # (key that changes nothing, why): of so many combinations


def toml_text(value: Scalar) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")  # TOML escapes DEL, JSON does not
    return repr(value)


def option_text(value: Scalar) -> str:
    """A value as the argument of a command-line option."""
    return value if isinstance(value, str) else toml_text(value)


def make_plan(spec: SweepSpec, programs: Programs, processes: int) -> Plan:
    """Raises SweepError with the line of everything the program refuses."""
    program = programs.find(spec.command)
    version = programs.version(program)
    found = combinations(spec)
    _refuse_unknown_options(spec, programs, program)
    experiment = _experiment_file(spec)
    resolved: Sequence[Resolved | None] = [None] * len(found)
    if experiment is not None:
        resolved = _resolve(spec, programs, experiment, found, processes)
    points: dict[str, Point] = {}
    for combination, answer in zip(found, resolved):
        files = _option_files(spec, combination)
        for seed in spec.seeds:
            point = _make_point(spec, str(program), version, combination, seed, answer, files)
            points.setdefault(point.id, point)
    without_effect = Counter(entry for answer in resolved if answer is not None for entry in answer.without_effect)
    return Plan(version, list(points.values()), len(found) * len(spec.seeds) - len(points), dict(without_effect))


def _fixed_settings(spec: SweepSpec) -> Combination:
    return {key: value for key, value in spec.arguments.items() if "." in key}


def _experiment_file(spec: SweepSpec) -> Path | None:
    """The experiment that keys with a dot belong to."""
    if spec.command == "train":
        return spec.base
    name = spec.arguments.get("crossbar")
    if spec.command == "run" and isinstance(name, str):
        return _named_file(spec, name) or Path(name)
    if (dotted := next((key for key in spec.keys if "." in key), None)) and spec.command == "run":
        raise spec.error(
            f'{dotted}: keys of an experiment need `crossbar = "EXPERIMENT.toml"` in ' "[sweep.arguments]",
            *spec.path_of(dotted),
        )
    return None


def _named_file(spec: SweepSpec, value: Scalar) -> Path | None:
    """The file that the value of an option names, relative to the sweep file or to the working directory."""
    if not isinstance(value, str) or not value:
        return None
    found = next((path for path in (spec.file.parent / value, Path(value)) if path.is_file()), None)
    return found.resolve() if found else None


def _refuse_unknown_options(spec: SweepSpec, programs: Programs, program: Path) -> None:
    fixed = [key for key in spec.arguments if "." not in key]
    swept = [key for key in spec.keys if "." not in key]
    if spec.command == "train" and swept:
        raise spec.error(f"{swept[0]}: keys of an experiment are written table.key", *spec.path_of(swept[0]))
    if unknown := programs.unknown_option(program, spec.command, fixed + swept):
        path = ("sweep", "arguments", unknown) if unknown in fixed else spec.path_of(unknown)
        raise spec.error(f"{unknown}: {spec.command} has no option --{unknown}", *path)
    if spec.command.startswith("tb_") and (dotted := [key for key in spec.keys + fixed if "." in key]):
        if programs.unknown_option(program, spec.command, ["set"]):
            raise spec.error(f"{dotted[0]}: {spec.command} has no --set", *spec.path_of(dotted[0]))


def _option_files(spec: SweepSpec, combination: Combination) -> dict[str, Path]:
    """The files that options and, for `run`, the base name."""
    files = {"base": spec.base} if spec.command != "train" and spec.base is not None else {}
    for key, value in (spec.arguments | combination).items():
        if "." not in key and (path := _named_file(spec, value)):
            files[key] = path
    return files


def _files_within(spec: SweepSpec, combination: Combination, options: dict[str, Path]) -> dict[str, Path]:
    """The files that keys of an experiment name which memprop does not resolve: those of testbenches, and of
    TOML files that are swept. Nothing tells these keys, so any text that names a file counts."""
    keys = {key: value for key, value in (spec.arguments | combination).items() if "." in key}
    for option, path in options.items():
        if path.suffix == ".toml":
            keys |= {f"{option}:{key}": text for key, text in _texts_of_file(path).items()}
    named = {key: Path(value) for key, value in keys.items() if isinstance(value, str) and value}
    return {key: path.resolve() for key, path in named.items() if path.is_file()}


def _texts_of_file(path: Path) -> dict[str, Scalar]:
    """Every text in a TOML file; none if it is not one, which the program then says."""
    try:
        text = path.read_text(encoding="utf-8")
        return _texts(tomllib.loads(text)) if line_of_deep_key(text) is None else {}
    except (OSError, ValueError, RecursionError):
        return {}


def _texts(table: dict[str, Any], prefix: str = "") -> dict[str, Scalar]:
    """Every text of the tables of an experiment, by its dotted key."""
    texts: dict[str, Scalar] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            texts |= _texts(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            texts[prefix + key] = value
    return texts


def _resolve(
    spec: SweepSpec, programs: Programs, experiment: Path, found: list[Combination], processes: int
) -> list[Resolved]:
    settings = [{key: value for key, value in (_fixed_settings(spec) | c).items() if "." in key} for c in found]
    variants = [[f"{key}={toml_text(value)}" for key, value in s.items()] for s in settings]
    answers = programs.resolve(experiment, variants, processes)
    errors: dict[str, str] = {}
    for setting, answer in zip(settings, answers):
        if answer.config is None:
            message, where = _explain(spec, setting, answer)
            errors.setdefault(message, where)  # the first combination stands for all with this message
            continue
        for key in answer.files:
            if not (path := _path_of(answer.config, key)).is_file():
                missing = Resolved(None, error=f"{key} = {answer.config[key]}: no such file ({path})")
                errors.setdefault(*_explain(spec, setting, missing))
    if errors:
        shown = [message + where for message, where in errors.items()][:_MOST_ERRORS]
        if len(errors) > _MOST_ERRORS:
            shown.append(f"... and {len(errors) - _MOST_ERRORS} more")
        raise SweepError("\n".join(shown))
    return answers


def _explain(spec: SweepSpec, setting: Combination, answer: Resolved) -> tuple[str, str]:
    """The program's message with the line of the sweep file that caused it, and at which combination."""
    text, where = answer.error, ""
    if answer.override is not None:
        key = list(setting)[answer.override]
        text = text.removeprefix(f"--set {key}={toml_text(setting[key])}:").lstrip("0123456789: ")
    else:  # a contradiction: it begins with the key at fault, which may be one of ours
        key = text.split(" = ")[0].strip()
        where = f" (at {', '.join(f'{k} = {toml_text(v)}' for k, v in setting.items())})"
    if key in spec.keys:
        domains = [spec.values.get(key)] + [condition.values.get(key) for condition in spec.conditions]
        lists = [domain.values for domain in domains if isinstance(domain, Choices)]
        index = next((v.index(setting[key]) for v in lists if setting[key] in v), None)
        return str(spec.error(text, *spec.path_of(key, index))), where
    if key in setting:
        return str(spec.error(text, "sweep", "arguments", key)), where
    return str(spec.error(text, "sweep", "base")), where


def _content_hash(path: Path) -> str:
    status = path.stat()
    return _hash_of_version(path, status.st_mtime_ns, status.st_size)


@functools.cache
def _hash_of_version(path: Path, _mtime_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _path_of(config: dict[str, str], key: str) -> Path:
    """The file that a key of a resolved configuration names: relative to the working directory, for memprop too."""
    return Path(json.loads(config[key])).resolve()


def _make_point(
    spec: SweepSpec,
    program: str,
    version: str,
    combination: Combination,
    seed: int,
    answer: Resolved | None,
    files: dict[str, Path],
) -> Point:
    arguments = ["--json", "--seed", str(seed)]
    identity: dict[str, object] = {"command": spec.command, "seed": seed, "version": version}
    experiment = None
    if answer is not None and answer.config is not None:
        resolved = {key: value for key, value in answer.config.items() if key != "run.seed"}
        paths = {key: _path_of(resolved, key) for key in answer.files}
        # What files hold decides the numbers; where they are differs between machines.
        identity["config"] = resolved | {key: _content_hash(path) for key, path in paths.items()}
        # Where a point runs, the working directory may be another.
        absolute = resolved | {key: toml_text(str(path)) for key, path in paths.items()}
        experiment = "".join(f"{key} = {value}\n" for key, value in absolute.items())
    if spec.command == "train":
        arguments = ["train", EXPERIMENT, "--out", OUT, *arguments]
    else:
        options: Combination = {}
        unresolved = {key: path for key, path in files.items() if key != "crossbar" or experiment is None}
        contents = files | _files_within(spec, combination if experiment is None else {}, unresolved)
        for key, value in (spec.arguments | combination).items():
            if key == "crossbar" and experiment is not None:
                arguments += ["--crossbar", EXPERIMENT]
            elif "." not in key:
                options[key] = value
                arguments += _option(key, str(files[key]) if key in files else value)
            elif experiment is None:
                options[key] = value
                arguments += ["--set", f"{key}={toml_text(value)}"]
        identity |= {
            "options": {key: value for key, value in options.items() if key not in contents},
            "files": {key: _content_hash(path) for key, path in contents.items()},
        }
        if spec.command == "run":
            arguments = ["run", str(spec.base), "--out", OUT, *arguments]
    text = json.dumps(identity, sort_keys=True)
    point_id = hashlib.sha256(text.encode()).hexdigest()[:20]
    return Point(point_id, combination, seed, Job(point_id, program, version, tuple(arguments), experiment))


def _option(key: str, value: Scalar) -> list[str]:
    """true stands for the option alone, false for its absence."""
    if isinstance(value, bool):
        return [f"--{key}"] if value else []
    return [f"--{key}", option_text(value)]
