"""Figures of the cycle-level chip: how busy each core of the mesh was (chip.csv), and what its parts did when
(waveforms, FILE.vcd)."""

import csv
import re

import matplotlib.pyplot as plt
import numpy as np

# Okabe and Ito's palette: distinct under all common colour deficiencies.
COLOURS = {"reading": "#56B4E9", "updating": "#0072B2", "driving": "#E69F00", "reading_out": "#D55E00",
           "writing": "#CC79A7", "refreshing": "#CC79A7", "measuring": "#F0E442", "busy": "#7F7F7F",
           "engine": "#009E73"}
HEAT = (("spikes", "spikes"), ("events", "events that drive rows"), ("neuron_update_cycles", "neuron unit, cycles"),
        ("learning_cycles", "learning engine, cycles"), ("send_stall_cycles", "waiting for the router, cycles"))
MOST_CORES = 8
MOST_ROWS = 60


def read_counters(file):
    """chip.csv as {counter: value}."""
    with open(file, newline="", encoding="utf-8") as rows:
        return {row["counter"]: float(row["value"]) for row in csv.DictReader(rows)}


def heat_map(counters):
    """Counters of the cores on their mesh; cores that the network does not use stay empty."""
    width, height = int(counters["mesh.width"]), int(counters["mesh.height"])
    panels = []
    for name, label in HEAT:
        values = np.full((height, width), np.nan)
        for core in range(width * height):
            values[divmod(core, width)] = counters.get(f"core_{core}.{name}", np.nan)
        if np.nanmax(np.nan_to_num(values)) > 0:
            panels.append((label, values))
    if not panels:
        raise ValueError("no core has counted anything")
    size = 1.2 + 2.2 * max(width / max(width, height), 0.4), 0.9 + 2.2 * max(height / max(width, height), 0.3)
    figure, axes = plt.subplots(1, len(panels), figsize=(len(panels) * size[0], size[1]), squeeze=False)
    for axis, (label, values) in zip(axes[0], panels):
        image = axis.imshow(values, cmap="viridis", vmin=0, extent=(-0.5, width - 0.5, height - 0.5, -0.5))
        axis.set_title(label, fontsize=8)
        axis.set_facecolor("#EEEEEE")
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(plt.MaxNLocator(integer=True, nbins=6))
            side.set_tick_params(labelsize=7)
        figure.colorbar(image, ax=axis, fraction=0.046, pad=0.04).ax.tick_params(labelsize=7)
    axes[0, 0].set(xlabel="column of the mesh", ylabel="row")
    return figure


def read_waveforms(file):
    """{name with scopes: [(time, value)]} of a value change dump, and its end; times in us."""
    scale, scopes, names, signals, time = 1.0, [], {}, {}, 0.0
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if not words:
                continue
            if words[0] == "$timescale":
                scale = {"ps": 1e-6, "fs": 1e-9, "ns": 1e-3}[words[2]] * int(words[1])
            elif words[0] == "$scope":
                scopes.append(words[2])
            elif words[0] == "$upscope":
                scopes.pop()
            elif words[0] == "$var":
                names[words[3]] = ".".join([*scopes, words[4]])
                signals[names[words[3]]] = []
            elif line[0] == "#":
                time = int(line[1:]) * scale
            elif line[0] == "b":
                signals[names[words[1]]].append((time, int(words[0][1:], 2)))
            elif line[0] in "01":
                signals[names[words[0][1:]]].append((time, int(line[0])))
    return signals, time


def spans(changes, end):
    """Begin and length of the times in which a signal is not 0."""
    out, since = [], None
    for time, value in [*changes, (end, 0)]:
        if since is None and value:
            since = time
        elif since is not None and not value:
            out.append((since, time - since))
            since = None
    return out


def timeline_rows(signals, end):
    """Row label -> [(colour, spans)], cores that did most first; rows in which nothing happened are left out."""
    rows = {}
    on_tiles = {re.sub(r"\.tile_\d+", "", name.rsplit(".", 1)[0]) for name in signals if ".tile_" in name}
    for name, changes in signals.items():
        scope, variable = name.rsplit(".", 1)
        kind = "engine" if variable.startswith("engine_") else variable
        if kind in COLOURS and re.sub(r"\.block_\d+", "", scope) not in on_tiles:
            label = f"{scope} learning engine" if kind == "engine" else scope
            rows.setdefault(label, []).append((COLOURS[kind], spans(changes, end)))
    rows = {label: parts for label, parts in rows.items() if any(found for _, found in parts)}
    work = {}
    for label, parts in rows.items():
        core = re.split(r"[. ]", label)[0]
        work[core] = work.get(core, 0.0) + sum(length for _, found in parts for _, length in found)
    shown = sorted((core for core in work if core.startswith("core_")), key=work.get, reverse=True)[:MOST_CORES]
    order = ["host", *sorted(shown, key=lambda core: int(core[5:]))]
    kept = [label for core in order for label in rows if re.split(r"[. ]", label)[0] == core]
    return {label: rows[label] for label in kept[:MOST_ROWS]}, len(work) - (1 if "host" in work else 0)


def timeline(signals, end):
    """What the host, and units, tiles and learning engines of the busiest cores, did when."""
    rows, cores = timeline_rows(signals, end)
    if not rows:
        raise ValueError("nothing happens in these waveforms")
    begin = min(start for parts in rows.values() for _, found in parts for start, _ in found)
    figure, axis = plt.subplots(figsize=(9, 0.9 + 0.22 * len(rows)))
    for y, parts in enumerate(rows.values()):
        for colour, found in parts:
            axis.broken_barh([(start - begin, length) for start, length in found], (y - 0.4, 0.8), color=colour)
    for time, _ in signals.get("host.steps_done", [])[1:]:
        axis.axvline(time - begin, color="black", lw=0.5, ls=":")
    axis.set(yticks=range(len(rows)), ylim=(len(rows) - 0.4, -0.6), xlim=(0, end - begin),
             xlabel=f"time in µs, from {begin:.3f} µs on; dotted: ends of time steps")
    axis.set_yticklabels([label.replace(".", " ") for label in rows], fontsize=7)
    used = {colour for parts in rows.values() for colour, found in parts if found}
    for name, colour in COLOURS.items():
        if colour in used and name != "refreshing":
            axis.scatter([], [], marker="s", color=colour, label=name.replace("_", " "))
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=8, fontsize=7, frameon=False)
    if cores > MOST_CORES:
        axis.set_title(f"the {MOST_CORES} busiest of {cores} cores", fontsize=8, pad=20)
    return figure
