"""Raw pulse traces from CSV files."""

import csv
import dataclasses
import math

import numpy as np

LARGEST_US = 1e6
WORDS = {"up": 1.0, "down": -1.0, "none": 0.0, "": math.nan}
STATES = ("conductance_us", "conductance")
COLUMNS = ("device", "pulse", *STATES, "time_s", "pulse_ns", "pulse_pj")


class BadTraces(Exception):
    """What is wrong with a file, for people."""


@dataclasses.dataclass
class Traces:
    """Padded with nan to the longest trace: [device, read]."""

    names: list[str]
    reads_us: np.ndarray  # nan: the read failed
    pulses: np.ndarray  # before the read: 1 up, -1 down, 0 none, nan unknown
    times_s: np.ndarray | None
    figures: dict[str, float]  # mean of the columns pulse_ns and pulse_pj, as set_pulse_ns ...
    notes: list[str]  # what people should know about how the file was read


def number(text, where, name, low, high):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise BadTraces(f"{where}: {name} = {text!r}: must be a number in [{low:g}, {high:g}]"
                        + (", or empty for a read that failed" if name in STATES else ""))
    return value


def check_header(header, path):
    """The column of the conductance and the columns that are of no use here."""
    header = header or []
    states = [name for name in STATES if name in header]
    if "pulse" not in header or len(states) != 1 or len(set(header)) != len(header):
        raise BadTraces(f"{path}:1: the header must be device,pulse,conductance_us or pulse,conductance, each column "
                        f"once; time_s, pulse_ns and pulse_pj may stand beside them")
    return states[0], [name for name in header if name not in COLUMNS]


def is_number(text):
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def turning_points(reads):
    """Directions of a trace whose pulses are only counted: it turns where it goes back by half of its range."""
    known = np.flatnonzero(np.isfinite(reads))
    directions = np.full(len(reads), 1.0)
    if len(known) < 2:
        return directions
    low, high = np.quantile(reads[known], [0.05, 0.95])
    swing = 0.5 * (high - low)
    begin, extreme, sign = known[0], known[0], 0
    for k in known:
        if sign == 0:
            if abs(reads[k] - reads[begin]) > swing:
                sign, extreme = math.copysign(1, reads[k] - reads[begin]), k
        elif sign * (reads[k] - reads[extreme]) >= 0:
            extreme = k
        elif sign * (reads[extreme] - reads[k]) > swing:
            directions[begin + 1:extreme + 1] = sign
            begin, extreme, sign = extreme, k, -sign
    directions[begin + 1:] = sign or 1.0
    return directions


def directions_of(rows, path, notes):
    """1, -1, 0 or nan for every row: words, signs of pulses, or a count of them."""
    words = [row["pulse"].strip() for _, row in rows]
    given = [word for word in words if word]
    if not given or not all(is_number(word) for word in given):
        for (line, _), word in zip(rows, words, strict=True):
            if word not in WORDS:
                raise BadTraces(f"{path}:{line}: pulse = {word!r}: must be up, down or none")
        return [WORDS[word] for word in words]
    values = [float(word) if word else math.nan for word in words]
    if any(value < 0 for value in values):
        notes.append("pulse is a number: above 0 is up, below 0 down, 0 none")
        return [value if math.isnan(value) else float(np.sign(value)) for value in values]
    return None


def read_traces(path):
    """Raises BadTraces, OSError, UnicodeDecodeError and csv.Error."""
    notes = []
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        state, ignored = check_header(reader.fieldnames, path)
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise BadTraces(f"{path}:{reader.line_num}: must have {len(reader.fieldnames)} fields")
            rows.append((reader.line_num, row))
    if ignored:
        notes.append(f"columns ignored: {', '.join(ignored)}")
    if state == "conductance":
        notes.append("conductance is taken to be in uS")
    directions = directions_of(rows, path, notes)
    timed = rows and "time_s" in rows[0][1]
    devices, figures = {}, {}
    for index, (line, row) in enumerate(rows):
        where = f"{path}:{line}"
        read = math.nan
        if row[state].strip():
            read = number(row[state], where, state, -LARGEST_US, LARGEST_US)
        pulse = math.nan if directions is None else directions[index]
        time = number(row["time_s"], where, "time_s", -1e15, 1e15) if timed and row["time_s"].strip() else math.nan
        devices.setdefault(row.get("device", ""), []).append((read, pulse, time))
        for column in ("pulse_ns", "pulse_pj"):
            if row.get(column, "").strip() and pulse in (1.0, -1.0):
                figures.setdefault(("set_" if pulse > 0 else "reset_") + column, []).append(
                    number(row[column], where, column, 0.0, 1e9))
    if not devices:
        raise BadTraces(f"{path}: has no reads")
    longest = max(map(len, devices.values()))
    table = np.full((3, len(devices), longest), np.nan)
    for index, trace in enumerate(devices.values()):
        table[:, index, :len(trace)] = np.array(trace).T
    if directions is None:
        notes.append("pulse is a count: directions are those in which the traces go")
        for reads, pulses in zip(table[0], table[1], strict=True):
            used = max(np.flatnonzero(np.isfinite(reads)), default=-1) + 1
            pulses[:used] = turning_points(reads[:used])
    table[1, :, 0] = np.where(np.isnan(table[1, :, 0]), 0.0, table[1, :, 0])
    return Traces(list(devices), table[0], table[1], table[2] if timed else None,
                  {name: float(np.mean(values)) for name, values in figures.items()}, notes)
