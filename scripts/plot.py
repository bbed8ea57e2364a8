#!/usr/bin/python3
"""Draws the result of a training run.

    scripts/plot.py RESULT_DIR [--out DIR] [--format png|svg|pdf]

Writes into RESULT_DIR/plots (or DIR): learning_curve, output (target against readout), raster (input and
recurrent spikes of a trial), for runs on devices conductances and pulses (histograms), and for runs on the
cycle-level chip the chip as it was built (chip) and where its cycles and energy went (chip_breakdown).
"""

import argparse
import csv
import json
import pathlib
import sys

import memprop_terminal

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend has to be chosen first)
import numpy as np  # noqa: E402

# Okabe and Ito's palette: distinct under all common colour deficiencies.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
PROJECTIONS = ("w_in", "w_rec", "w_out")


def learning_curve(directory):
    with open(directory / "history.csv", newline="", encoding="utf-8") as file:
        loss = [float(row["loss"]) for row in csv.DictReader(file)]
    with open(directory / "result.json", encoding="utf-8") as file:
        result = json.load(file)
    figure, axis = plt.subplots(figsize=(6, 3.6))
    axis.semilogy(range(1, len(loss) + 1), loss, color=BLUE, lw=1)
    axis.axhline(result["final_loss"], color=GREY, lw=0.8, ls="--")
    axis.annotate(f"final {result['final_loss']:.4f}", (1, result["final_loss"]), va="bottom", color=GREY)
    device = result["device"] or "floating-point weights"
    axis.set(xlabel="epoch", ylabel="mean squared error", title=f"{result['scheme']} on {device}, seed {result['seed']}")
    return figure


def trials(run):
    return [run["trials"][name] for name in sorted(run["trials"], key=int)]


def output(run):
    shown = trials(run)[:6]
    figure, axes = plt.subplots(len(shown), 1, figsize=(6, 0.6 + 1.5 * len(shown)), sharex=True, squeeze=False)
    for index, (axis, trial) in enumerate(zip(axes[:, 0], shown)):
        for k in range(trial["target"].shape[1]):
            axis.plot(trial["target"][:, k], color=GREY, lw=2.5, label="target" if k == 0 else None)
            axis.plot(trial["output"][:, k], color=ORANGE, lw=1, label="readout" if k == 0 else None)
        axis.set_ylabel(f"sample {index}")
    axes[0, 0].legend(loc="upper right", ncol=2, fontsize=8)
    axes[-1, 0].set_xlabel("time step")
    return figure


def raster(run):
    trial = trials(run)[0]
    figure, axes = plt.subplots(2, 1, figsize=(6, 4.2), sharex=True)
    for axis, name, colour in zip(axes, ("input", "spikes"), (GREEN, BLUE)):
        events = trial[name][:]
        axis.scatter(events[:, 0], events[:, 1], s=1.5, color=colour, marker="|", linewidths=0.8)
        axis.set_ylabel({"input": "input line", "spikes": "recurrent neuron"}[name])
    axes[-1].set_xlabel("time step")
    return figure


def histograms(run, dataset, label, bins):
    figure, axes = plt.subplots(1, len(PROJECTIONS), figsize=(8, 2.8))
    for axis, name in zip(axes, PROJECTIONS):
        values = run["devices"][name]["conductance_us"][:]
        used = values > 0  # devices that do not exist (self-connections) hold nothing
        if dataset == "pulses":
            values = run["devices"][name]["set_pulses"][:] + run["devices"][name]["reset_pulses"][:]
        axis.hist(values[used], bins=bins or np.arange(values.max() + 2) - 0.5, color=BLUE)
        axis.set(yscale="log", xlabel=label, title=name)
    axes[0].set_ylabel("devices")
    return figure


def chip_plan(chip):
    """The cores on their mesh, each with its tiles, and how busy its units were."""
    width, height = chip["mesh"]
    figure, axis = plt.subplots(figsize=(1.2 + 2.5 * width, 0.9 + 2.5 * height))
    cores = {core["node"]: core for core in chip["cores"]}
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
            tiles = core["tiles"]
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
    energy = {name: joule for name, joule in result["energy_j"].items() if name != "total" and joule > 0}
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=pathlib.Path, metavar="RESULT_DIR")
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR", help="default RESULT_DIR/plots")
    parser.add_argument("--format", choices=("png", "svg", "pdf"), default="png")
    options = parser.parse_args()
    if not (options.result / "run.h5").is_file():
        sys.exit(f"plot.py: {options.result / 'run.h5'}: not found; give the directory of a finished `memprop train`")
    out = options.out or options.result / "plots"
    out.mkdir(parents=True, exist_ok=True)
    with h5py.File(options.result / "run.h5") as run:
        figures = {"output": output(run), "raster": raster(run)}
        if "devices" in run:
            figures["conductances"] = histograms(run, "conductance_us", "conductance (µS)", 60)
            figures["pulses"] = histograms(run, "pulses", "pulses on one device", None)
    if (options.result / "history.csv").stat().st_size > len("epoch,loss,set_pulses,reset_pulses,spikes\n"):
        figures["learning_curve"] = learning_curve(options.result)
    result = json.loads((options.result / "result.json").read_text(encoding="utf-8"))
    if "chip" in result:
        figures["chip"] = chip_plan(result["chip"])
        figures["chip_breakdown"] = chip_breakdown(result)
    for name, figure in sorted(figures.items()):
        figure.tight_layout()
        figure.savefig(out / f"{name}.{options.format}", dpi=150, bbox_inches="tight")
        print(out / f"{name}.{options.format}")


if __name__ == "__main__":
    memprop_terminal.run(main)
