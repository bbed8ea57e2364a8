"""The figure of examples/core_and_chip: accuracy, cycles and energy of both."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend has to be chosen first)
import numpy  # noqa: E402

# Okabe and Ito's palette: distinct under all common colour deficiencies.
STYLE = {"core": ("digital core", "#0072B2"), "chip": ("PCM chip", "#D55E00")}
GREY = "#7F7F7F"


def spread(axis, values, colour, label, line="-"):
    """The median over seeds of `values` [seed, epoch], and their range."""
    epochs = numpy.arange(1, values.shape[1] + 1)
    axis.plot(epochs, numpy.median(values, axis=0), line, color=colour, label=label, lw=1.5)
    axis.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, lw=0)


def draw(result, file):
    panels, (accuracy, cycles, energy) = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    rows = []
    for name, (label, colour) in STYLE.items():
        mine = [r for r in result["runs"] if r["hardware"] == name]
        spread(accuracy, 100 * numpy.array([r["accuracy"]["held_out"] for r in mine]), colour, label)
        for which, text, line in (("training", "training", "-"), ("held_out", "held out", "--")):
            per_trial = numpy.array([[p["cycles"] for p in r[which]] for r in mine])
            spread(cycles, per_trial / 1e6, colour, f"{label}, {text}", line)
        parts = result["summary"][name]["training"]["energy_j"]
        rows += [(f"{label}: {part.replace('_', ' ')}", 1e6 * joule, colour) for part, joule in parts.items() if joule]
    accuracy.axhline(50, color=GREY, lw=0.8, ls=":")
    accuracy.set(xlabel="epoch", ylabel="held-out trials right, %", ylim=(40, 101))
    accuracy.legend(loc="lower right", fontsize=8)
    cycles.set(xlabel="epoch", ylabel="million cycles a trial", ylim=(0, None))
    cycles.legend(fontsize=8, handlelength=3, loc="center right", bbox_to_anchor=(1.0, 0.45))
    labels, values, colours = zip(*reversed(rows))
    energy.barh(labels, values, color=colours)
    for row, value in enumerate(values):
        energy.annotate(f" {value:.3g}", (value, row), va="center", fontsize=8)
    energy.set(xscale="log", xlabel="µJ a training trial")
    energy.set_xlim(right=energy.get_xlim()[1] * 5)
    energy.tick_params(axis="y", labelsize=8)
    panels.savefig(file, dpi=130)
