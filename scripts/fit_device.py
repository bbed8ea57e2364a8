#!/usr/bin/python3
"""Fits the device "table" from raw pulse traces: mean and scatter of the step of a pulse against conductance.

    scripts/fit_device.py TRACES.csv TABLE.csv [--bins N] [--read-noise-us S] [--plot FIGURE.svg] [costs]

TRACES.csv has the header device,pulse,conductance_us, or pulse,conductance for one device (in uS): for every device its
reads in order, each with the pulse that came before it (up or down; none for a read without a pulse, such as the first;
empty if it is not known). A pulse may also be a number: its sign is the direction, or, if none is negative, it is a
count, and the directions are those in which the trace goes. A read that failed is empty: the steps to it and from it
are unknown. Traces may have different lengths. Further columns:
    time_s             of the read; three reads without pulses over a factor of ten in time after a pulse give drift
    pulse_ns, pulse_pj length and energy of the pulse; their means are those of the table
Others are ignored, and named.

States are estimated from all reads up to them (memprop_fit/states.py), so that the noise of a read, S uS, is taken for
neither state nor step. Sorted by state, steps are cut into about N bins of equal numbers per polarity, the outermost
an eighth as large; wide bins are halved. States further apart than a tenth of the range have nothing measured between
them: their rows are not joined, and neither are those at a jump of the step. Fewer than 20 steps per bin are refused.
If devices differ by more than the scatter of their steps explains, TABLE.csv is a population (rows per device, each
within its own bounds; memprop_fit/population.py). Read noise goes into the table.

Costs of pulses and reads are those given here or in the traces, or not known: energies that need them will be null.
"""

import argparse
import csv
import os
import sys

import memprop_terminal

try:
    import numpy as np

    from memprop_fit import drift, fit, quality, traces
except ModuleNotFoundError as error:
    sys.exit(f"fit_device.py: needs the package {error.name} (scripts/setup installs it)")

LARGEST_US = 1e6
POOR = 0.05  # of the range: rms of the mean trajectory that is said to be poor
FIGURES = {
    "set_pulse_pj": ("energy of an up pulse, pJ", 1e6), "reset_pulse_pj": ("energy of a down or RESET pulse, pJ", 1e6),
    "set_pulse_ns": ("length of an up pulse, ns", 1e9), "reset_pulse_ns": ("length of a down or RESET pulse, ns", 1e9),
    "read_voltage_v": ("voltage of a read, V", 10.0), "read_pulse_ns": ("length of a read, ns", 1e9),
}


def fail(message):
    print(f"fit_device.py: {message}", file=sys.stderr)
    sys.exit(2)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces")
    parser.add_argument("table")
    parser.add_argument("--bins", type=int, default=16, help="rows per polarity, about (default 16)")
    parser.add_argument("--read-noise-us", type=float, default=0.0,
                        help="standard deviation of one read, uS (default 0)")
    for name, (text, _) in FIGURES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, help=text)
    parser.add_argument("--source", help="where these figures come from")
    parser.add_argument("--plot", metavar="FIGURE", help="fitted against measured: png, svg or pdf by its ending")
    options = parser.parse_args()
    if options.bins < 2:
        fail(f"--bins {options.bins}: must be at least 2")
    if not 0 <= options.read_noise_us <= LARGEST_US:
        fail(f"--read-noise-us {options.read_noise_us}: must be in [0, {LARGEST_US:g}]")
    for name, (_, highest) in FIGURES.items():
        value = getattr(options, name)
        if value is not None and not 0 <= value <= highest:
            fail(f"--{name.replace('_', '-')} {value}: must be in [0, {highest:g}]")
    if options.source is not None and (not options.source.strip() or not options.source.isprintable()):
        fail(f"--source {options.source!r}: must be one line of text")
    return options


def keys_of(options, measured, drifting):
    """What stands in the table beside its rows."""
    keys = {}
    if options.read_noise_us > 0:
        keys["read_noise_us"] = options.read_noise_us
    if drifting is not None:
        keys |= {"drift_exponent": drifting.exponent, "drift_t0_s": drifting.t0_seconds}
        if drifting.spread > 0:
            keys["drift_spread"] = drifting.spread
    for name in FIGURES:
        value = getattr(options, name)
        value = measured.figures.get(name) if value is None else value
        if value is not None:
            keys[name] = value
    if options.source is not None:
        keys["source"] = options.source.strip()
    return keys


def number(value):
    return repr(float(value))


def lines_of(device, keys):
    lines = [f"# {key} = {value if isinstance(value, str) else number(value)}" for key, value in keys.items()]
    population = len(device.sides) > 1
    lines.append(f"{'device,' if population else ''}conductance_us,pulse,mean_step_us,std_step_us")
    for index, sides in enumerate(device.sides):
        for pulse, side in sides.items():
            last = -1.0
            for g, mean, std in zip(side.states, side.mean, side.std, strict=True):
                g = max(0.0, float(g))  # what noise has moved below 0
                if g > last:
                    lines.append(f"{f'{index},' if population else ''}{number(g)},{pulse},{number(mean)},{number(std)}")
                last = max(last, g)
    return lines


def write(file, write_to):
    """A file appears whole or not at all."""
    root, ending = os.path.splitext(file)
    temporary = f"{root}.tmp{os.getpid()}{ending}"
    try:
        write_to(temporary)
        os.replace(temporary, file)
    except (OSError, ValueError) as error:
        if os.path.exists(temporary):
            os.remove(temporary)
        fail(f"{file}: cannot be written: {getattr(error, 'strerror', None) or error}")


def write_lines(lines):
    def to(path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return to


def report(options, measured, device, drifting, keys, fitted):
    """What was found, on stdout; what people should look at, on stderr."""
    for note in device.notes:
        print(f"fit_device.py: {note}", file=sys.stderr)
    ends = [device.sides[0][name].states for name in device.sides[0]]
    states_found = (f"{len(device.sides)} devices that differ" if len(device.sides) > 1 else
                    f"one device from {len(measured.names)} trace(s)" +
                    (", which differ by no more than the scatter of their steps" if len(measured.names) > 1 else ""))
    low = min(min(s.states[0] for s in sides.values()) for sides in device.sides)
    high = max(max(s.states[-1] for s in sides.values()) for sides in device.sides)
    print(f"{options.table}: {states_found}; {max(0.0, low):.4g} to {high:.4g} uS, "
          f"{' and '.join(f'{len(g)} rows for {name}' for g, name in zip(ends, device.sides[0]))} pulses")
    print(quality.text_of(fitted))
    if drifting is not None:
        print(f"drift: exponent {drifting.exponent:.3g} from {drifting.t0_seconds:.3g} s on, relative spread "
              f"{drifting.spread:.2g} ({drifting.runs} runs of reads without pulses)"
              + ("" if "drift_exponent" in keys else "; less than three standard errors: not taken into the table"))
    missing = [name for name in FIGURES if name not in keys]
    if missing:
        print(f"not given, so not known: {', '.join(missing)}")
    if any(name in keys for name in FIGURES) and "source" not in keys:
        print("fit_device.py: --source is not given: reports cannot say where the figures come from", file=sys.stderr)
    rms = float(np.sqrt(np.mean(fitted.errors ** 2)))
    if rms > POOR:
        print(f"fit_device.py: the fit is poor: the mean is off by {100 * rms:.2g} % of the range (rms); more bins, or "
              "steps that depend on more than the conductance?", file=sys.stderr)


def main():
    options = parse_options()
    try:
        measured = traces.read_traces(options.traces)
        drifting = drift.fit_drift(measured)
        if drifting is not None and drifting.seen:
            # Reads without pulses are no repeated reads of one state: each begins a trace of its own.
            measured.pulses[:, 1:][measured.pulses[:, 1:] == 0.0] = np.nan
        device = fit.fit(measured, options.bins, options.read_noise_us)
    except OSError as error:
        fail(error)
    except (UnicodeDecodeError, csv.Error) as error:
        fail(f"{options.traces}: is no CSV file: {error}")
    except traces.BadTraces as error:
        text = str(error)
        fail(text if text.startswith((options.traces, "--")) else f"{options.traces}: {text}")
    keys = keys_of(options, measured, drifting if drifting is not None and drifting.seen else None)
    fitted = quality.quality_of(measured, device.estimate, device.sides)
    write(options.table, write_lines(lines_of(device, keys)))
    if options.plot:
        try:
            write(options.plot, lambda path: quality.draw(fitted, device.estimate, measured, device.sides, path))
        except ModuleNotFoundError as error:
            fail(f"--plot needs the package {error.name} (scripts/setup installs it)")
    report(options, measured, device, drifting, keys, fitted)


if __name__ == "__main__":
    memprop_terminal.run(main)
