#!/usr/bin/python3
"""Draws the result of a training run.

    scripts/plot.py RESULT_DIR [--out DIR] [--format png|svg|pdf]
    scripts/plot.py NETWORK.json [--out DIR] [--format png|svg|pdf]
    scripts/plot.py CURVE.json... [--out DIR] [--format png|svg|pdf]
    scripts/plot.py WAVES.vcd|chip.csv [--out DIR] [--format png|svg|pdf]

Of a result directory, it writes into RESULT_DIR/plots (or DIR): learning_curve (loss, and accuracy where trials have
classes), output (readouts against targets, or the readout of each class), raster (input and recurrent spikes of a
trial), confusion (classes against answers, of validation and test trials), network (populations and projections), for
runs on devices conductances and pulses (histograms), and for runs on the cycle-level chip the chip as it was built
(chip), where its cycles and energy went (chip_breakdown) and how busy each core was (chip_heat). NETWORK.json is what
`memprop inspect FILE --dot --json` prints of an experiment, a checkpoint or a NIR network; it is drawn beside it (or
into DIR). CURVE.json is what `tb_router --loads FROM:TO:STEP --json` prints: latency and throughput against load,
several curves in one figure. Of WAVES.vcd, which `--trace` of `memprop run`, `memprop train` and `tb_chip` writes,
what host and cores did when; of a chip.csv alone, as `memprop run --engine cycle` leaves it, how busy each core was.
"""

import argparse
import csv
import json
import pathlib
import sys

import memprop_terminal
from debian_packages import need

need("h5py", "matplotlib", "numpy")

import h5py  # noqa: E402  (what is missing has to be told first)
import matplotlib  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend has to be chosen first)
import numpy as np  # noqa: E402

from chip_figures import heat_map, read_counters, read_waveforms, timeline  # noqa: E402
from load_figure import is_curve, load_figure  # noqa: E402
from network_figure import network_figure  # noqa: E402

# Okabe and Ito's palette: distinct under all common colour deficiencies.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
CLASS_COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#000000")
PROJECTIONS = ("w_in", "w_rec", "w_out")
MOST_TRIALS = 6
MOST_BINS = 100
LOG_RATIO = 3.0
MOST_NUMBERED_CLASSES = 12


def read_history(directory):
    """The columns of history.csv as lists of numbers; none is there before the first epoch has ended."""
    with open(directory / "history.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]} if rows else {}


def draw_curve(axis, training, validation, label):
    """One quantity over epochs: a line of training epochs, marks of validations."""
    axis.plot(range(1, len(training) + 1), training, color=BLUE, lw=1, marker="o" if len(training) == 1 else None,
              label="training")
    epochs, values = validation
    if len(epochs) and len(epochs) == len(values):
        axis.plot(epochs, values, color=ORANGE, lw=1, marker=".", label="validation")
    axis.set_ylabel(label)
    axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))


def learning_curve(history, result, loss_name):
    metrics, accuracy = result["metrics"], history.get("accuracy")
    epochs = metrics.get("validation_epochs", [])
    rows = 2 if accuracy else 1
    figure, axes = plt.subplots(rows, 1, figsize=(6, 0.6 + 3 * rows), sharex=True, squeeze=False)
    loss = axes[0, 0]
    draw_curve(loss, history["loss"], (epochs, metrics.get("validation_loss_history", [])), loss_name)
    if min(history["loss"]) > 0 and max(history["loss"]) > LOG_RATIO * min(history["loss"]):
        loss.set_yscale("log")
    else:
        loss.ticklabel_format(useOffset=False)
    if result["final_loss"] is not None:
        loss.axhline(result["final_loss"], color=GREY, lw=0.8, ls="--", label=f"final {result['final_loss']:.4g}")
    loss.legend(fontsize=8)
    device = result["device"] or "floating-point weights"
    loss.set_title(f"{result['task']}: {result['scheme']} on {device}, seed {result['seed']}", fontsize=10)
    if accuracy:
        draw_curve(axes[1, 0], accuracy, (epochs, metrics.get("validation_accuracy_history", [])), "accuracy")
        axes[1, 0].set_ylim(-0.02, 1.02)
    axes[-1, 0].set_xlabel("epoch")
    return figure


def trials(run):
    """The recorded trials, in order."""
    return [run["trials"][name] for name in sorted(run["trials"], key=int)]


def class_colours(count):
    if count <= len(CLASS_COLOURS):
        return CLASS_COLOURS[:count]
    return matplotlib.colormaps["viridis"](np.linspace(0, 1, count))


def output(shown):
    """Readouts of some trials against their targets; of trials that have a class instead, each readout is one."""
    figure, axes = plt.subplots(len(shown), 1, figsize=(6, 0.6 + 1.5 * len(shown)), sharex=True, squeeze=False)
    for index, (axis, trial) in enumerate(zip(axes[:, 0], shown)):
        readouts = trial["output"][:]
        if "target" in trial:
            axis.plot(trial["target"][:], color=GREY, lw=2.5)
            axis.plot(readouts, color=ORANGE, lw=1)
        else:
            for k, colour in enumerate(class_colours(readouts.shape[1])):
                axis.plot(readouts[:, k], color=colour, lw=1, label=f"class {k}")
        axis.set_ylabel(f"sample {index}")
    first = axes[0, 0]
    if "target" in shown[0]:
        first.plot([], [], color=GREY, lw=2.5, label="target")
        first.plot([], [], color=ORANGE, lw=1, label="readout")
    if len(first.get_legend_handles_labels()[1]) <= MOST_NUMBERED_CLASSES:
        first.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncol=6, fontsize=8, frameon=False)
    else:
        first.set_title("readouts of the classes, from the first (dark) to the last (bright)", fontsize=8)
    axes[-1, 0].set_xlabel("time step")
    return figure


def raster(trial):
    figure, axes = plt.subplots(2, 1, figsize=(6, 4.2), sharex=True)
    for axis, name, colour in zip(axes, ("input", "spikes"), (GREEN, BLUE)):
        events = trial[name][:]
        length = np.clip(100 / (1 + events[:, 1].max(initial=0)), 1.2, 6.0)  # points, so that few lines are seen too
        axis.scatter(events[:, 0], events[:, 1], s=length**2, color=colour, marker="|", linewidths=0.8)
        axis.set_ylabel({"input": "input line", "spikes": "neuron"}[name])
    axes[-1].set(xlabel="time step", xlim=(-0.5, trial["output"].shape[0] - 0.5))
    return figure


def confusion(metrics):
    """Which answer the trials of each class got, for the splits that have trials; None if there is none."""
    tables = {split: np.array(metrics[f"{split}_confusion"]) for split in ("validation", "test")
              if f"{split}_confusion" in metrics}
    if not tables:
        return None
    figure, axes = plt.subplots(1, len(tables), figsize=(0.6 + 3.4 * len(tables), 3.6), squeeze=False)
    for axis, (split, table) in zip(axes[0], tables.items()):
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        if len(table) <= MOST_NUMBERED_CLASSES:
            for (label, answer), count in np.ndenumerate(table):
                axis.text(answer, label, count, ha="center", va="center", fontsize=8,
                          color="white" if share[label, answer] > 0.6 else "black")
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
        axis.set(xlabel="answer", title=f"{split}: {np.trace(table) / max(table.sum(), 1):.1%} right")
    axes[0, 0].set_ylabel("class")
    return figure


def histograms(devices, quantity, label):
    """Conductances, or pulses, of the devices of each projection."""
    names = sorted(devices, key=lambda name: (PROJECTIONS.index(name) if name in PROJECTIONS else len(PROJECTIONS),
                                              name))
    figure, axes = plt.subplots(1, len(names), figsize=(0.5 + 2.5 * len(names), 2.8), squeeze=False)
    for axis, name in zip(axes[0], names):
        held = devices[name]
        conductance = held["conductance_us"][:]
        pulses = held["set_pulses"][:].astype(np.int64) + held["reset_pulses"][:]
        used = (conductance != 0) | (pulses > 0)  # devices that do not exist (self-connections) hold nothing
        if quantity == "pulses":
            width = 1 + pulses.max() // MOST_BINS  # whole pulses, few bars
            axis.hist(pulses[used], bins=np.arange(0, pulses.max() + 2 * width, width) - 0.5, color=BLUE)
        else:
            axis.hist(conductance[used], bins=60, color=BLUE)
        axis.set(yscale="log", xlabel=label, title=name)
    axes[0, 0].set_ylabel("devices")
    return figure


def chip_plan(chip):
    """The cores on their mesh, each with its tiles, and how busy its units were."""
    width, height = chip["mesh"]
    figure, axis = plt.subplots(figsize=(1.2 + 2.5 * width, 0.9 + 2.5 * height))
    cores = {core["node"]: core for core in chip.get("cores", [])}
    colours = dict(zip(PROJECTIONS, (GREEN, BLUE, ORANGE)))
    for y in range(height):
        axis.plot([0.15, width + 0.12], [-y - 0.86] * 2, color=GREY, lw=3, zorder=0)  # links along the row
        for x in range(width + 1):
            axis.add_patch(plt.Circle((x + 0.12, -y - 0.86), 0.06, color="black"))
            core = cores.get(y * (width + 1) + x)
            if core is None:
                continue
            axis.add_patch(plt.Rectangle((x + 0.2, -y - 0.8), 0.76, 0.72, fill=False, lw=1.2))
            axis.plot([x + 0.12, x + 0.25], [-y - 0.86, -y - 0.8], color=GREY, lw=2, zorder=0)
            tiles = core.get("tiles", [])  # absent from a core of readouts or neurons alone
            columns = max(3, int(np.ceil(np.sqrt(len(tiles)))))
            size = 0.7 / columns
            for i, name in enumerate(tiles):
                left, bottom = x + 0.23 + size * (i % columns), -y - 0.12 - size * (1 + i // columns) * 0.8
                axis.add_patch(plt.Rectangle((left, bottom), 0.86 * size, 0.66 * size, color=colours[name], alpha=0.75))
            used = core["utilisation"]
            text = f"{core['neurons']} neurons" + (f", {core['readouts']} readouts" if core["readouts"] else "")
            text += "\n" + "\n".join(f"{unit.replace('_', ' ')} {100 * part:.1f} %" for unit, part in used.items())
            axis.text(x + 0.23, -y - 0.77, text, fontsize=6, va="bottom")
    for x in range(width + 1):
        axis.plot([x + 0.12] * 2, [-0.86, -height + 0.14], color=GREY, lw=3, zorder=0)
    axis.text(0.12, -0.74, "host", ha="center", fontsize=8)
    for name, colour in colours.items():
        axis.scatter([], [], marker="s", color=colour, label=f"tile of {name}")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=3, fontsize=7, frameon=False)
    axis.set(xlim=(-0.1, width + 1.05), ylim=(-height - 0.02, 0.0), aspect="equal")
    axis.axis("off")
    return figure


def chip_breakdown(result):
    """Cycles by phase and energy by component of the whole run."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    energy = {name: joule for name, joule in result["energy_j"].items() if name != "total" and joule}
    cycles = {name: count for name, count in result["chip"]["phase_cycles"].items() if count > 0}
    for axis, parts, unit in ((axes[0], cycles, "cycles"), (axes[1], energy, "J")):
        names = sorted(parts, key=parts.get)
        axis.barh([name.replace("_", " ") for name in names], [parts[name] for name in names], color=BLUE)
        total = sum(parts.values())
        for row, name in enumerate(names):
            axis.annotate(f" {100 * parts[name] / total:.2g} %", (parts[name], row), va="center", fontsize=8)
        axis.set(xscale="log", xlabel=unit)
        axis.set_xlim(right=axis.get_xlim()[1] * 4)
    axes[0].set_title("where the cycles go")
    axes[1].set_title("where the energy goes")
    return figure


def figures_of(directory):
    """All figures of a result directory by name."""
    result = json.loads((directory / "result.json").read_text(encoding="utf-8"))
    history = read_history(directory)
    figures = {}
    if (directory / "network.json").is_file():
        figures["network"] = network_figure(json.loads((directory / "network.json").read_text(encoding="utf-8")))
    with h5py.File(directory / "run.h5") as run:
        recorded = trials(run) if "trials" in run else []
        if recorded:
            figures["output"] = output(recorded[:MOST_TRIALS])
            figures["raster"] = raster(recorded[0])
        if "devices" in run:
            figures["conductances"] = histograms(run["devices"], "conductance_us", "conductance (µS)")
            figures["pulses"] = histograms(run["devices"], "pulses", "pulses on one device")
        labelled = bool(recorded) and "target" not in recorded[0]
    if history:
        squared = "half the summed squared error" if result["task"] == "golden" else "mean squared error"
        figures["learning_curve"] = learning_curve(history, result, "cross-entropy" if labelled else squared)
    table = confusion(result["metrics"])
    if table is not None:
        figures["confusion"] = table
    if "chip" in result:
        figures["chip"] = chip_plan(result["chip"])
        figures["chip_breakdown"] = chip_breakdown(result)
        if result["chip"]["mesh"] != [1, 1]:
            figures["chip_heat"] = heat_map(read_counters(directory / "chip.csv"))
    return figures


def save(figure, file):
    figure.tight_layout()
    figure.savefig(file, dpi=150, bbox_inches="tight")
    print(file)


def draw_json(options):
    """A network, or curves of latency against load."""
    file = options.result[0]
    try:
        found = []
        for file in options.result:
            found.append(json.loads(file.read_text(encoding="utf-8")))
            if len(options.result) > 1 and not is_curve(found[-1]):
                raise ValueError("several files have to be curves")
        file = options.result[0]
        figure = load_figure(found) if is_curve(found[0]) else network_figure(found[0])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        print(f"plot.py: {file}: is no network as `memprop inspect FILE --dot --json` prints it and no curve as "
              f"`tb_router --loads FROM:TO:STEP --json` does: {error!r}", file=sys.stderr)
        return 2
    out = options.out or file.parent
    out.mkdir(parents=True, exist_ok=True)
    save(figure, out / f"{file.stem}.{options.format}")
    return 0


def draw_chip(options):
    """Waveforms, or counters of cores."""
    file = options.result[0]
    try:
        if file.suffix == ".vcd":
            figure = timeline(*read_waveforms(file))
        else:
            figure = heat_map(read_counters(file))
    except (OSError, ValueError, KeyError, IndexError) as error:
        print(f"plot.py: {file}: is no chip.csv of memprop and no waveforms of its chip: {error!r}", file=sys.stderr)
        return 2
    out = options.out or file.parent
    out.mkdir(parents=True, exist_ok=True)
    save(figure, out / f"{file.stem}.{options.format}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=pathlib.Path, nargs="+",
                        metavar="RESULT_DIR|NETWORK.json|CURVE.json|WAVES.vcd|chip.csv")
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR", help="default RESULT_DIR/plots")
    parser.add_argument("--format", choices=("png", "svg", "pdf"), default="png")
    options = parser.parse_args()
    if options.result[0].suffix == ".json":
        return draw_json(options)
    if len(options.result) > 1:
        parser.error("one result directory or file at a time")
    if options.result[0].suffix in (".vcd", ".csv"):
        return draw_chip(options)
    directory = options.result[0]
    for name in ("result.json", "history.csv", "run.h5"):
        if not (directory / name).is_file():
            print(f"plot.py: {directory / name}: not found; give the directory of a finished `memprop train`",
                  file=sys.stderr)
            return 2
    out = options.out or directory / "plots"
    out.mkdir(parents=True, exist_ok=True)
    for name, figure in sorted(figures_of(directory).items()):
        save(figure, out / f"{name}.{options.format}")
    return 0


if __name__ == "__main__":
    memprop_terminal.run(main)
