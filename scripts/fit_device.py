#!/usr/bin/python3
"""Fits the device "table" from raw pulse traces: mean and spread of the step of a pulse against conductance.

    scripts/fit_device.py TRACES.csv TABLE.csv [--bins N] [--read-noise-us S]

TRACES.csv has the header device,pulse,conductance_us: for every device its reads in order, each with the
pulse that came before it (up or down; none for a read without a pulse, such as the first). Two reads in a row
give one step. Steps are sorted by the conductance they start from, cut into bins of equal numbers per
polarity, and every bin gives a row of TABLE.csv: conductance_us,pulse,mean_step_us,std_step_us. A read has
noise of S uS: it adds 2 S^2 to the variance of a step, which is taken off again (it also blurs the
conductance a step starts from, which is not corrected). Fewer than 20 steps per bin are refused.
"""

import argparse
import csv
import math
import sys

LEAST_STEPS = 20


def fail(message):
    print(f"fit_device.py: {message}", file=sys.stderr)
    sys.exit(2)


def read_steps(path):
    """{"up": [(start, step)], "down": [...]}: steps are counted in the direction of the pulse."""
    steps = {"up": [], "down": []}
    last = {}
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != ["device", "pulse", "conductance_us"]:
            fail(f"{path}:1: the header must be device,pulse,conductance_us")
        for number, row in enumerate(reader, start=2):
            try:
                conductance = float(row["conductance_us"])
            except (TypeError, ValueError):
                fail(f"{path}:{number}: conductance_us = {row['conductance_us']!r}: must be a number")
            if not math.isfinite(conductance):
                fail(f"{path}:{number}: conductance_us = {conductance}: must be finite")
            pulse = row["pulse"]
            if pulse not in ("up", "down", "none"):
                fail(f"{path}:{number}: pulse = {pulse!r}: must be up, down or none")
            before = last.get(row["device"])
            if pulse != "none" and before is not None:
                change = conductance - before
                steps[pulse].append((before, change if pulse == "up" else -change))
            last[row["device"]] = conductance
    return steps


def fit(steps, bins, read_noise_us):
    """Rows (conductance, mean, std) of one polarity, ascending."""
    steps = sorted(steps)
    rows = []
    for i in range(bins):
        part = steps[i * len(steps) // bins:(i + 1) * len(steps) // bins]
        count = len(part)
        mean = sum(step for _, step in part) / count
        variance = sum((step - mean) ** 2 for _, step in part) / (count - 1)
        centre = sum(start for start, _ in part) / count
        rows.append((max(0.0, centre), mean, math.sqrt(max(0.0, variance - 2 * read_noise_us ** 2))))
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
    if not options.read_noise_us >= 0:
        fail(f"--read-noise-us {options.read_noise_us}: must be at least 0")
    try:
        steps = read_steps(options.traces)
    except OSError as error:
        fail(error)
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
    with open(options.table, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
