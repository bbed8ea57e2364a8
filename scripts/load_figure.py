"""Draws latency and throughput of a mesh of routers against the offered load.

A curve is what `tb_router --loads FROM:TO:STEP --json` prints. Several curves share the axes.
"""

import matplotlib.pyplot as plt

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # as in plot.py
OFFERED, ACCEPTED = "offered_flits_per_node_per_cycle", "accepted_flits_per_node_per_cycle"
SHOWN_ABOVE_LOWEST = 6  # latency is shown up to this multiple of its smallest value


def is_curve(data):
    return isinstance(data, dict) and "points" in data and "pattern" in data


def names_of(curves):
    """A label for each curve: what they do not have in common, at least the pattern."""
    keys = [key for key in curves[0] if key not in ("points", "saturation_rate", "pattern", "energy_source")]
    telling = [key for key in keys if len({str(curve.get(key)) for curve in curves}) > 1]
    return [", ".join([curve["pattern"], *(f"{key.replace('_', ' ')} {curve.get(key)}" for key in telling)])
            for curve in curves]


def load_figure(curves):
    figure, (latency, throughput) = plt.subplots(2, 1, figsize=(6, 6.4), sharex=True)
    lowest, highest = [], 0.0
    for curve, name, colour in zip(curves, names_of(curves), COLOURS * (1 + len(curves) // len(COLOURS))):
        points = [point for point in curve["points"] if point["latency_mean_cycles"] is not None]
        for quantity, style, label in (("latency_mean_cycles", "-", name), ("latency_p95_cycles", ":", None)):
            latency.plot([point[OFFERED] for point in points], [point[quantity] for point in points], style,
                         color=colour, lw=1.2, marker="." if label else None, label=label)
        throughput.plot([point[OFFERED] for point in curve["points"]], [point[ACCEPTED] for point in curve["points"]],
                        color=colour, lw=1.2, marker=".", label=name)
        lost = [point for point in curve["points"] if point["saturated"]]
        throughput.plot([point[OFFERED] for point in lost], [point[ACCEPTED] for point in lost], "o", color=colour,
                        fillstyle="none", ms=8)
        lowest += [point["latency_mean_cycles"] for point in points]
        highest = max([highest, *(point["latency_p95_cycles"] for point in points)])
    if lowest and highest > SHOWN_ABOVE_LOWEST * min(lowest):
        latency.set_ylim(0, SHOWN_ABOVE_LOWEST * min(lowest))
    latency.set(ylabel="latency (cycles)", title=f"{curves[0]['mesh']} routers: mean (lines) and 95 % (dots)")
    throughput.set(xlabel="offered (flits per node and cycle)", ylabel="accepted (flits per node and cycle)",
                   title="circles: saturated, source queues grow")
    latency.legend(fontsize=8)
    for axis in (latency, throughput):
        axis.title.set_fontsize(9)
        axis.grid(color="#DDDDDD", lw=0.5)
    return figure
