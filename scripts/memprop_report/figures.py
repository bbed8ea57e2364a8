"""Figures for papers, as PNG and SVG. Colours are those of Okabe and Ito (colour-blind safe), every series
has a marker of its own too."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.collections import LineCollection  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from memprop_report.data import Axis, SweepData  # noqa: E402

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
_MARKERS = "osD^vPX*"
_STYLE = {
    "figure.dpi": 100,
    "savefig.dpi": 130,
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "memprop",
    "legend.fontsize": 8,
}
_CURVES = 6
_LONGEST_NAME = 24
_LONGEST_ROW = 60  # characters
_LONGEST_TEXT = 48


def shown(value: Any) -> str:
    """A value as the text of a figure, whatever it holds: to matplotlib a dollar sign begins mathematics and an
    underscore hides an entry of a legend."""
    text = str(value)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if len(text) > _LONGEST_TEXT:
        text = text[: _LONGEST_TEXT - 1] + "…"
    return (" " if text.startswith("_") else "") + text.replace("$", r"\$")


def short(key: str) -> str:
    """The last part of a key."""
    return shown(key.rsplit(".", 1)[-1])


def describe(values: dict[str, Any]) -> str:
    """A combination in few words."""
    return ", ".join(f"{short(k)}={v:.3g}" if isinstance(v, float) else f"{short(k)}={shown(v)}"
                     for k, v in values.items())


def name_of(value: Any) -> str:
    """A value as the label of a tick or line; of a long one, such as the path of a file, the end."""
    text = str(value)
    return shown(text if len(text) <= _LONGEST_NAME else f"…{text[1 - _LONGEST_NAME:]}")


def write_figures(data: SweepData, directory: Path) -> list[Path]:
    """Writes all figures; returns the PNG files."""
    directory.mkdir(exist_ok=True)
    with plt.rc_context(_STYLE):
        drawn = [("parallel_coordinates", _parallel(data))]
        drawn += [(f"loss_vs_{re.sub(r'[^A-Za-z0-9_]+', '_', key)}", _against(data, key)) for key in data.keys]
        drawn += [(f"pareto_{re.sub(r'[^A-Za-z0-9_]+', '_', cost)}", _pareto(data, cost)) for cost in data.costs]
        if any(point.curve for point in data.points):
            drawn.append(("learning_curves", _curves(data)))
        for name, figure in drawn:
            figure.savefig(directory / f"{name}.svg", metadata={"Date": None})
            figure.savefig(directory / f"{name}.png", metadata={"Software": None})
            plt.close(figure)
    return [directory / f"{name}.png" for name, _ in drawn]


def _figure(width: float = 5.6, height: float = 3.6) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    return figure, axes


def _legend(axes: Axes, title: str | None) -> None:
    """Beside the chart, where it hides nothing."""
    axes.legend(title=title, title_fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)


def _position(axis: Axis) -> Callable[[Any], float]:
    """Places a value on an axis: itself, or its index among names."""
    if axis.kind == "category":
        return axis.values.index
    return float


def _scale_x(axes: Axes, axis: Axis) -> None:
    if axis.kind == "log":
        axes.set_xscale("log")
    elif axis.kind == "category":
        axes.set_xticks(range(len(axis.values)), [name_of(value) for value in axis.values])
        if sum(len(name_of(value)) for value in axis.values) > _LONGEST_ROW:
            axes.tick_params(axis="x", labelrotation=30)
            plt.setp(axes.get_xticklabels(), ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.4, len(axis.values) - 0.6)


def _against(data: SweepData, key: str) -> Figure:
    """The metric against one key: every point, and the best combination of the remaining keys with its seeds."""
    figure, axes = _figure()
    axis, colour = data.axes[key], data.colour_key(key)
    place = _position(axis)
    for i, value in enumerate(data.axes[colour].values if colour else [None]):
        tint, marker = OKABE_ITO[i % len(OKABE_ITO)], _MARKERS[i % len(_MARKERS)]
        mine = [
            p
            for p in data.points
            if key in p.values
            and p.number(data.metric) is not None
            and (colour is None or p.values.get(colour) == value)
        ]
        axes.scatter(
            [place(p.values[key]) for p in mine],
            [p.number(data.metric) for p in mine],
            s=8,
            color=tint,
            alpha=0.3,
            linewidths=0,
        )
        line = data.profile(key, colour, value)
        if not line:
            continue
        means = [group.mean(data.metric) for _, group in line]
        low = [m - min(group.numbers(data.metric)) for m, (_, group) in zip(means, line)]
        high = [max(group.numbers(data.metric)) - m for m, (_, group) in zip(means, line)]
        places = [place(x) for x, _ in line]
        shade = data.shade_key(key)
        axes.errorbar(
            places,
            means,
            [low, high],
            color="0.6" if shade else tint,
            marker=None if shade else marker,
            markersize=5,
            capsize=3,
            linestyle="-" if len(axis.values) <= 12 and axis.kind != "category" and not shade else "none",
            label=name_of(value) if colour else None,
        )
        if shade:
            norm = matplotlib.colors.LogNorm() if data.axes[shade].kind == "log" else None
            levels = [group.values.get(shade, math.nan) for _, group in line]
            marks = axes.scatter(places, means, c=levels, cmap="cividis", norm=norm, s=28, zorder=3)
            figure.colorbar(marks, label=shown(shade))
    _scale_x(axes, axis)
    if data.log_metric():
        axes.set_yscale("log")
    axes.set_xlabel(shown(key))
    axes.set_ylabel(shown(data.metric_label))
    others = [other for other in data.keys if other not in (key, colour)]
    note = "mean and range of the seeds" + (", best over the other keys" if others else "")
    axes.set_title(f"{note}; {data.direction}", fontsize=8, loc="left")
    if colour:
        _legend(axes, short(colour))
    return figure


def _pareto(data: SweepData, cost: str) -> Figure:
    """The metric against a cost: every combination (mean of its seeds) and the front."""
    figure, axes = _figure()
    colour = data.colour_key("")
    for i, value in enumerate([*data.axes[colour].values, None] if colour else [None]):
        mine = [g for g in data.priced(cost) if colour is None or g.values.get(colour) == value]
        if mine:
            axes.scatter(
                [g.mean(cost) for g in mine],
                [g.mean(data.metric) for g in mine],
                s=22,
                color=OKABE_ITO[i % len(OKABE_ITO)],
                marker=_MARKERS[i % len(_MARKERS)],
                alpha=0.8,
                linewidths=0,
                label=name_of(value) if colour else None,
            )
    front = data.pareto(cost)
    axes.plot(
        [g.mean(cost) for g in front],
        [g.mean(data.metric) for g in front],
        color="black",
        linewidth=1,
        drawstyle="steps-post",
        marker="o",
        markersize=8,
        fillstyle="none",
        label="Pareto front",
    )
    costs = [g.mean(cost) for g in data.priced(cost)]
    if min(costs) > 0 and max(costs) / min(costs) >= 10:
        axes.set_xscale("log")
    if data.log_metric():
        axes.set_yscale("log")
    axes.set_xlabel(data.costs[cost])
    axes.set_ylabel(shown(data.metric_label))
    axes.set_title(f"each point: one combination, mean of its seeds; {data.direction}", fontsize=8, loc="left")
    _legend(axes, short(colour) if colour else None)
    return figure


def _curves(data: SweepData) -> Figure:
    """Learning curves of combinations from the best to the worst, mean and range of the seeds."""
    figure, axes = _figure(height=4.4)
    groups = sorted((g for g in data.groups if any(p.curve for p in g.points)), key=data.rank)
    count = min(_CURVES, len(groups))
    chosen = [groups[round(i * (len(groups) - 1) / max(count - 1, 1))] for i in range(count)]
    for i, group in enumerate(chosen):
        curves = [point.curve for point in group.points if point.curve]
        length = min(map(len, curves))
        across = [[curve[t] for curve in curves] for t in range(length)]
        epochs = range(1, length + 1)
        tint = OKABE_ITO[i % len(OKABE_ITO)]
        axes.fill_between(
            epochs, [min(v) for v in across], [max(v) for v in across], color=tint, alpha=0.15, linewidth=0
        )
        axes.plot(
            epochs,
            [sum(v) / len(v) for v in across],
            color=tint,
            linewidth=1.2,
            linestyle=("-", "--", "-.", ":")[i % 4],
            label=describe(group.values),
        )
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    order = "" if data.metric_label == "loss" else f" by {data.metric}"
    note = f"from the best to the worst{order}; mean and range of the seeds"
    axes.set_title(note, fontsize=8, loc="left")
    axes.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2 if len(data.keys) < 3 else 1)
    return figure


def _parallel(data: SweepData) -> Figure:
    """One line per combination through its values, its metric and its costs."""
    names = [*data.keys, data.metric, *(cost for cost in data.costs if cost != data.metric)]
    figure, axes = _figure(1.5 * len(names) + 1.2, 3.8)
    columns: list[list[float | None]] = []
    for i, name in enumerate(names):
        column, low, high = _unit_column(data, name)
        columns.append(column)
        axes.axvline(i, color="0.6", linewidth=0.8, zorder=0)
        axes.text(i, -0.04, low, ha="center", va="top", fontsize=7)
        axes.text(i, 1.04, high, ha="center", va="bottom", fontsize=7)
    losses = [group.mean(data.metric) for group in data.groups]
    lines = [
        [(i, column[g]) for i, column in enumerate(columns) if column[g] is not None] for g in range(len(data.groups))
    ]
    order = sorted(range(len(lines)), key=lambda g: -data.rank(data.groups[g]))  # the best on top
    bundle = LineCollection(
        [lines[g] for g in order],
        array=[losses[g] for g in order],
        cmap="cividis",
        norm=matplotlib.colors.LogNorm() if data.log_metric() else None,
        alpha=0.7,
        linewidth=1,
    )
    axes.add_collection(bundle)
    figure.colorbar(bundle, label=f"{shown(data.metric_label)} ({data.direction})")
    axes.set(xlim=(-0.3, len(names) - 0.7), ylim=(-0.12, 1.12), yticks=[])
    axes.set_xticks(
        range(len(names)),
        [short(name) if name in data.keys else shown(name.replace("_j.total", "")) for name in names],
        fontsize=7,
        rotation=12,
    )
    axes.tick_params(axis="x", pad=10, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.grid(False)
    return figure


def _unit_column(data: SweepData, name: str) -> tuple[list[float | None], str, str]:
    """Every combination's place in [0, 1] on a parallel axis, and the labels of its ends."""
    if name in data.keys:
        axis = data.axes[name]
        if axis.kind == "category" or len(axis.values) <= 12:
            last = max(len(axis.values) - 1, 1)
            return (
                [axis.values.index(g.values[name]) / last if name in g.values else None for g in data.groups],
                name_of(axis.values[0]),
                name_of(axis.values[-1]),
            )
        numbers = [g.values.get(name) for g in data.groups]
    else:
        numbers = [g.mean(name) if g.numbers(name) else None for g in data.groups]
    present = [n for n in numbers if n is not None]
    low, high = min(present), max(present)
    if data.axes[name].kind == "log" if name in data.keys else name == data.metric and data.log_metric():
        scaled = [None if n is None else math.log(n / low) for n in numbers]
        span = math.log(high / low)
    else:
        scaled = [None if n is None else n - low for n in numbers]
        span = high - low
    return [None if n is None else n / (span or 1.0) for n in scaled], f"{low:.3g}", f"{high:.3g}"
