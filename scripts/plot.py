#!/usr/bin/python3
"""Draws the result of a training run.

    scripts/plot.py RESULT_DIR [--out DIR] [--format png|svg|pdf]

Writes into RESULT_DIR/plots (or DIR): learning_curve, output (target against readout), raster (input and
recurrent spikes of a trial), and for runs on devices conductances and pulses (histograms).
"""

import argparse
import csv
import json
import pathlib
import sys

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
    for name, figure in sorted(figures.items()):
        figure.tight_layout()
        figure.savefig(out / f"{name}.{options.format}", dpi=150)
        print(out / f"{name}.{options.format}")


if __name__ == "__main__":
    main()
