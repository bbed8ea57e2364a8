#!/usr/bin/python3
"""Fits the device "table" from raw pulse traces: mean and spread of the step of a pulse against conductance.

    scripts/fit_device.py TRACES.csv TABLE.csv [--bins N] [--read-noise-us S]

TRACES.csv has the header device,pulse,conductance_us: for every device its reads in order, each with the
pulse that came before it (up or down; none for a read without a pulse, such as the first). A read that failed
has an empty conductance_us: the steps to it and from it are unknown. Two reads in a row give one step.

Steps are sorted by the conductance they start from and cut into bins, and every bin gives a row of TABLE.csv:
conductance_us,pulse,mean_step_us,std_step_us. Bins have equal numbers, except that the lowest and the highest have an
eighth of the others, because the range of the table is that of the device. Fewer than 20 steps per bin are refused.

A read has noise of S uS. It adds 2 S^2 to the variance of a step, which is taken off again. It is also part of both
the start of a step and, with the other sign, of the step itself, so that sorting by the start would select steps that
seem small at high conductances and large at low ones. With S > 0 steps are therefore sorted by the read before the
start, whose noise is not in the step; first steps of a device, which have none, count as one state.
"""

import argparse
import csv
import math
import os
import sys

import memprop_terminal

LEAST_STEPS = 20
LARGEST_US = 1e6


def fail(message):
    print(f"fit_device.py: {message}", file=sys.stderr)
    sys.exit(2)


def read_steps(path):
    """{"up": [(read before the start or None, start, step)], "down": [...]}: steps count in the pulse's direction."""
    steps = {"up": [], "down": []}
    last = {}  # the last two reads of a device
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != ["device", "pulse", "conductance_us"]:
            fail(f"{path}:1: the header must be device,pulse,conductance_us")
        for number, row in enumerate(reader, start=2):
            if None in row or None in row.values():
                fail(f"{path}:{number}: must have 3 fields")
            pulse = row["pulse"]
            if pulse not in ("up", "down", "none"):
                fail(f"{path}:{number}: pulse = {pulse!r}: must be up, down or none")
            conductance = None
            if row["conductance_us"].strip():
                try:
                    conductance = float(row["conductance_us"])
                except ValueError:
                    conductance = math.nan
                if not abs(conductance) <= LARGEST_US:
                    fail(f"{path}:{number}: conductance_us = {row['conductance_us']!r}: must be a number in "
                         f"[-{LARGEST_US:g}, {LARGEST_US:g}], or empty for a read that failed")
            earlier, before = last.get(row["device"], (None, None))
            if pulse != "none" and before is not None and conductance is not None:
                change = conductance - before
                steps[pulse].append((earlier, before, change if pulse == "up" else -change))
            last[row["device"]] = (before, conductance)
    return steps


def in_order(steps, read_noise_us):
    """Steps from low to high states; among equals as they came, so that no size of a step is preferred."""
    if read_noise_us == 0:
        return sorted(steps, key=lambda step: step[1])
    first = [start for earlier, start, _ in steps if earlier is None]
    of_first = sum(first) / len(first) if first else 0.0
    return sorted(steps, key=lambda step: of_first if step[0] is None else step[0])


def fit(steps, bins, read_noise_us):
    """Rows (conductance, mean, std) of one polarity, ascending."""
    steps = [step[1:] for step in in_order(steps, read_noise_us)]
    outer = max(LEAST_STEPS, len(steps) // (8 * bins)) if bins > 2 else len(steps) // 2
    inner = len(steps) - 2 * outer
    cuts = [0, *(outer + i * inner // (bins - 2) for i in range(bins - 2)), len(steps) - outer, len(steps)]
    rows, scatter = [], 0.0
    for low, high in zip(cuts, cuts[1:]):
        part = steps[low:high]
        mean = sum(step for _, step in part) / len(part)
        variance = sum((step - mean) ** 2 for _, step in part) / (len(part) - 1)
        centre = sum(start for start, _ in part) / len(part)
        scatter += variance * len(part) / len(steps)
        rows.append((max(0.0, centre), mean, math.sqrt(max(0.0, variance - 2 * read_noise_us ** 2))))
    if scatter < read_noise_us ** 2:
        fail(f"--read-noise-us {read_noise_us}: the steps scatter by {math.sqrt(scatter):.3g} uS only, so it must be "
             f"below {math.sqrt(scatter / 2):.3g}")
    rows.sort()
    return [row for i, row in enumerate(rows) if i == 0 or row[0] > rows[i - 1][0]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces")
    parser.add_argument("table")
    parser.add_argument("--bins", type=int, default=16, help="rows per polarity (default 16)")
    parser.add_argument("--read-noise-us", type=float, default=0.0,
                        help="standard deviation of one read, uS (default 0)")
    options = parser.parse_args()
    if options.bins < 2:
        fail(f"--bins {options.bins}: must be at least 2")
    if not 0 <= options.read_noise_us <= LARGEST_US:
        fail(f"--read-noise-us {options.read_noise_us}: must be in [0, {LARGEST_US:g}]")
    try:
        steps = read_steps(options.traces)
    except OSError as error:
        fail(error)
    except (UnicodeDecodeError, csv.Error) as error:
        fail(f"{options.traces}: is no CSV file: {error}")
    if not steps["up"]:
        fail(f"{options.traces}: has no step of an up pulse")
    lines = ["conductance_us,pulse,mean_step_us,std_step_us"]
    for pulse, of_pulse in steps.items():
        if not of_pulse:
            continue
        if len(of_pulse) < LEAST_STEPS * options.bins:
            fail(f"{options.traces}: {len(of_pulse)} steps of {pulse} pulses: {LEAST_STEPS} per bin are needed, "
                 f"so at most {len(of_pulse) // LEAST_STEPS} bins")
        rows = fit(of_pulse, options.bins, options.read_noise_us)
        if len(rows) < 2:
            fail(f"{options.traces}: {pulse} pulses start from one conductance only")
        lines += [f"{g!r},{pulse},{mean!r},{std!r}" for g, mean, std in rows]
    temporary = f"{options.table}.tmp{os.getpid()}"  # a table appears whole or not at all
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.replace(temporary, options.table)
    except OSError as error:
        if os.path.exists(temporary):
            os.remove(temporary)
        fail(f"{options.table}: cannot be written: {error.strerror}")


if __name__ == "__main__":
    memprop_terminal.run(main)
