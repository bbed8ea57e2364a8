#!/usr/bin/python3
"""Draws what `memprop characterize` measured.

    scripts/plot_device.py CURVE.csv... --out FIGURE.svg
    scripts/plot_device.py --gallery DIR     # 500 up and 500 down pulses on every device that takes both

The kind of a curve follows from its header; files of one kind share the axes, one panel per file if there are more
than four.
"""

import argparse
import csv
import math
import pathlib
import subprocess
import sys
import tempfile

import memprop_terminal
from debian_packages import need

need("matplotlib")

import matplotlib  # noqa: E402  (what is missing has to be told first)

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend has to be chosen first)

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEMPROP = ROOT / "build/release/memprop"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe and Ito: distinct under colour deficiencies
# x, mean, standard deviation (None: none), logarithmic axes, labels
KINDS = {
    "pulse": ("pulse", "mean_us", "std_us", "", "pulse", "conductance (µS)"),
    "spectrum": ("frequency_hz", "psd_us2_per_hz", None, "xy", "frequency (Hz)", "power density (µS²/Hz)"),
    "retention": ("t_total_s", "mean_g_us", "std_g_us", "x", "time (s)", "conductance (µS)"),
}
GALLERY = ("constant_step", "linear_step", "soft_bounds", "soft_bounds_reference", "exp_step", "pow_step",
           "piecewise_step", "table", "idealized", "gokmen_vlasov", "ecram_li", "ecram_mo", "capacitor", "reram_es",
           "reram_sb", "reram_array_om", "reram_array_hfo2")


def read(path):
    """(rows by column, kind) of a curve; the x and mean columns of unknown kinds are found by their names."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        sys.exit(f"plot_device.py: {path}: has no rows")
    names = list(rows[0])
    for kind in KINDS.values():
        if kind[0] in names and kind[1] in names:
            return rows, kind
    means = [n for n in names if "mean" in n]
    spreads = [n for n in names if "std" in n]
    changing = [n for n in names if n not in means + spreads and len({r[n] for r in rows}) > 1]
    if not means or not changing:
        sys.exit(f"plot_device.py: {path}: no curve of memprop characterize: {', '.join(names)}")
    at = [float(row[changing[0]]) for row in rows]
    logarithmic = "x" if min(at) > 0 and max(at) > 50 * min(at) else ""
    return rows, (changing[0], means[0], spreads[0] if spreads else None, logarithmic, changing[0], means[0])


def draw(axis, path, colour, label):
    rows, (x, mean, std, logarithmic, x_label, y_label) = read(path)
    lines = {}
    for row in rows:  # one line per target and convention of a retention curve
        lines.setdefault((row.get("g_rel"), row.get("convention")), []).append(row)
    for index, (key, line) in enumerate(lines.items()):
        xs = [float(row[x]) for row in line]
        ys = [float(row[mean]) for row in line]
        tint = colour if len(lines) == 1 else COLOURS[index % len(COLOURS)]
        style = "--" if key[1] == "t_inference" else "-"
        axis.plot(xs, ys, style, color=tint, lw=1.2, label=label if index == 0 else None)
        if std:
            spread = [float(row[std]) for row in line]
            axis.fill_between(xs, [y - s for y, s in zip(ys, spread)], [y + s for y, s in zip(ys, spread)],
                              color=tint, alpha=0.18, lw=0)
    if "x" in logarithmic:
        axis.set_xscale("log")
    if "y" in logarithmic:
        axis.set_yscale("log")
    return x_label, y_label


def figure_of(paths):
    panels = len(paths) > 4
    columns = min(4, len(paths)) if panels else 1
    rows = math.ceil(len(paths) / columns) if panels else 1
    figure, axes = plt.subplots(rows, columns, figsize=(2.1 * columns, 1.6 * rows) if panels else (6, 3.6),
                                squeeze=False, sharex=panels)
    cells = axes.ravel()
    for index, path in enumerate(paths):
        axis = cells[index if panels else 0]
        labels = draw(axis, path, COLOURS[0 if panels else index], path.stem)
        if panels:
            axis.set_title(path.stem, fontsize=8)
            axis.tick_params(labelsize=7)
        else:
            axis.set(xlabel=labels[0], ylabel=labels[1])
    for axis in cells[len(paths):] if panels else []:
        axis.remove()
    if panels:
        figure.supxlabel(labels[0], fontsize=9)
        figure.supylabel(labels[1], fontsize=9)
    elif len(paths) > 1:
        cells[0].legend(fontsize=8)
    figure.tight_layout()
    return figure


def gallery(out):
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for device in GALLERY:
            paths.append(pathlib.Path(directory) / f"{device}.csv")
            subprocess.run([MEMPROP, "characterize", device, "--curve", "up_down", "--pulses", "500", "--devices",
                            "2000", "--set", "crossbar.table_file=examples/devices/table.csv", "--csv", paths[-1]],
                           check=True, cwd=ROOT)
        figure_of(paths).savefig(out / "devices_up_down.png", dpi=110)
    print(out / "devices_up_down.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", nargs="*", type=pathlib.Path, metavar="CURVE.csv")
    parser.add_argument("--out", type=pathlib.Path, metavar="FIGURE", help="png, svg or pdf by its ending")
    parser.add_argument("--gallery", type=pathlib.Path, metavar="DIR", help="writes DIR/devices_up_down.png")
    options = parser.parse_args()
    if options.gallery:
        gallery(options.gallery)
    if options.curves:
        if not options.out:
            parser.error("--out is missing")
        missing = [str(path) for path in options.curves if not path.is_file()]
        if missing:
            parser.error(f"not found: {', '.join(missing)}")
        figure_of(options.curves).savefig(options.out, dpi=150)
        print(options.out)
    elif not options.gallery:
        parser.error("give curves or --gallery")


if __name__ == "__main__":
    memprop_terminal.run(main)
