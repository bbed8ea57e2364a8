"""From a sweep file to the points to run: resolves every combination, refuses what the experiment refuses
(before anything runs), and names each point by what decides its numbers."""

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from memprop_sweep.errors import SweepError
from memprop_sweep.execute import EXPERIMENT, OUT, Job
from memprop_sweep.programs import Programs, Resolved
from memprop_sweep.sampling import Combination, combinations
from memprop_sweep.spec import Choices, Scalar, SweepSpec

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


def toml_text(value: Scalar) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML forbids it, JSON does not
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
    resolved: Sequence[dict[str, str] | None] = [None] * len(found)
    if experiment is not None:
        resolved = _resolve(spec, programs, experiment, found, processes)
    points: dict[str, Point] = {}
    files = _file_hashes(spec)
    for combination, config in zip(found, resolved):
        if config is not None:
            config = _absolute_files(config)
        for seed in spec.seeds:
            point = _make_point(spec, str(program), version, combination, seed, config, files)
            points.setdefault(point.id, point)
    return Plan(version, list(points.values()), len(found) * len(spec.seeds) - len(points))


def _fixed_settings(spec: SweepSpec) -> Combination:
    return {key: value for key, value in spec.arguments.items() if "." in key}


def _experiment_file(spec: SweepSpec) -> Path | None:
    """The experiment that keys with a dot belong to."""
    if spec.command == "train":
        return spec.base
    name = spec.arguments.get("crossbar")
    if spec.command == "run" and isinstance(name, str):
        return _argument_file(spec, name) or Path(name)
    if (dotted := next((key for key in spec.keys if "." in key), None)) and spec.command == "run":
        raise spec.error(
            f'{dotted}: keys of an experiment need `crossbar = "EXPERIMENT.toml"` in ' "[sweep.arguments]",
            *spec.path_of(dotted),
        )
    return None


def _argument_file(spec: SweepSpec, value: Scalar) -> Path | None:
    """The file that a fixed argument names, relative to the sweep file."""
    if isinstance(value, str) and value and (path := spec.file.parent / value).is_file():
        return path.resolve()
    return None


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


def _file_hashes(spec: SweepSpec) -> dict[str, str]:
    """Content of the files that arguments and, for `run`, the base name: part of a point's identity."""
    files = {key: _argument_file(spec, value) for key, value in spec.arguments.items()}
    if spec.command != "train":
        files["base"] = spec.base
    return {key: _content_hash(path) for key, path in files.items() if path is not None}


def _resolve(
    spec: SweepSpec, programs: Programs, experiment: Path, found: list[Combination], processes: int
) -> list[dict[str, str]]:
    settings = [{key: value for key, value in (_fixed_settings(spec) | c).items() if "." in key} for c in found]
    variants = [[f"{key}={toml_text(value)}" for key, value in s.items()] for s in settings]
    answers = programs.resolve(experiment, variants, processes)
    errors: dict[str, str] = {}
    configs = []
    for setting, answer in zip(settings, answers):
        if answer.config is None:
            message, where = _explain(spec, setting, answer)
            errors.setdefault(message, where)  # the first combination stands for all with this message
        else:
            configs.append(answer.config)
    if errors:
        shown = [message + where for message, where in errors.items()][:_MOST_ERRORS]
        if len(errors) > _MOST_ERRORS:
            shown.append(f"... and {len(errors) - _MOST_ERRORS} more")
        raise SweepError("\n".join(shown))
    return configs


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


@functools.cache
def _content_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _absolute_files(config: dict[str, str]) -> dict[str, str]:
    """Keys named `file` hold paths relative to the working directory, which may be another where a point
    runs: made absolute."""
    absolute = dict(config)
    for key, text in config.items():
        if key.rsplit(".", 1)[-1] == "file" and (name := json.loads(text)):
            absolute[key] = toml_text(str(Path(name).resolve()))
    return absolute


def _file_contents(config: dict[str, str]) -> dict[str, str]:
    """The configuration with the content of files in place of their names, which differ between machines."""
    named = dict(config)
    for key, text in config.items():
        if key.rsplit(".", 1)[-1] == "file" and (name := json.loads(text)) and Path(name).is_file():
            named[key] = _content_hash(Path(name))
    return named


def _make_point(
    spec: SweepSpec,
    program: str,
    version: str,
    combination: Combination,
    seed: int,
    config: dict[str, str] | None,
    files: dict[str, str],
) -> Point:
    arguments = ["--json", "--seed", str(seed)]
    identity: dict[str, object] = {"command": spec.command, "seed": seed, "version": version}
    experiment = None
    if config is not None:
        resolved = {key: value for key, value in config.items() if key != "run.seed"}
        identity["config"] = _file_contents(resolved)
        experiment = "".join(f"{key} = {value}\n" for key, value in resolved.items())
    if spec.command == "train":
        arguments = ["train", EXPERIMENT, "--out", OUT, *arguments]
    else:
        options: Combination = {}
        for key, value in (spec.arguments | combination).items():
            if key == "crossbar" and experiment is not None and spec.command == "run":
                arguments += ["--crossbar", EXPERIMENT]
            elif "." not in key:
                options[key] = value
                path = _argument_file(spec, value) if key in spec.arguments else None
                arguments += _option(key, str(path) if path else value)
            elif experiment is None:
                options[key] = value
                arguments += ["--set", f"{key}={toml_text(value)}"]
        identity |= {"options": {k: v for k, v in options.items() if k not in files}, "files": files}
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
