"""How well the fitted devices follow the traces: simulated along the measured pulses, from the measured starts."""

import dataclasses

import numpy as np

from .states import POLARITIES

NODES = 1025
SIMULATED = 2000  # devices, at least


@dataclasses.dataclass
class Quality:
    """Of the states after each pulse, over devices."""

    measured_mean: np.ndarray
    measured_std: np.ndarray
    fitted_mean: np.ndarray
    fitted_std: np.ndarray
    reads: np.ndarray  # which they are, in the order of the traces
    span_us: float
    devices: int

    @property
    def errors(self):
        return np.abs(self.fitted_mean - self.measured_mean) / self.span_us

    @property
    def spread_ratio(self):
        """Median of fitted over measured spread; None for a single device."""
        used = self.measured_std > 1e-3 * self.span_us
        return float(np.median(self.fitted_std[used] / self.measured_std[used])) if used.any() else None


def sampled(sides, low, high):
    """Means and spreads of all devices at equal distances: {polarity: (mean, std)}, [device, node]."""
    grid = np.linspace(low, high, NODES)
    return {name: (np.stack([device[name].mean_at(grid) for device in sides]),
                   np.stack([device[name].std_at(grid) for device in sides])) for name in sides[0]}


def simulate(sides, start, pulses):
    """States [device, read] of random devices of the population that begin at `start`."""
    rng = np.random.default_rng(1)
    low = min(side.states[0] for device in sides for side in device.values())
    high = max(side.states[-1] for device in sides for side in device.values())
    tables = sampled(sides, low, high)
    drawn = rng.integers(0, len(sides), len(start))
    least = np.array([min(s.states[0] for s in device.values()) for device in sides])[drawn]
    most = np.array([max(s.states[-1] for s in device.values()) for device in sides])[drawn]
    g = np.clip(start, least, most)
    states = np.empty(pulses.shape)
    states[:, 0] = g
    for k in range(1, pulses.shape[1]):
        at = np.clip((g - low) / (high - low) * (NODES - 1), 0, NODES - 1)
        node = np.minimum(at.astype(int), NODES - 2)
        part = at - node
        noise = rng.standard_normal(len(g))
        for name, sign in POLARITIES.items():
            if name in tables:
                mean, std = ((1 - part) * t[drawn, node] + part * t[drawn, node + 1] for t in tables[name])
                g = np.where(pulses[:, k] == sign, g + sign * (mean + std * noise), g)
        g = np.clip(g, least, most)
        states[:, k] = g
    return states


def quality_of(traces, estimate, sides):
    states = estimate.state
    first = np.argmax(np.isfinite(states), axis=1)
    start = states[np.arange(len(states)), first]
    keep = np.isfinite(start)
    copies = max(1, -(-SIMULATED // max(1, int(keep.sum()))))
    pulses = np.nan_to_num(traces.pulses[keep])
    simulated = simulate(sides, np.repeat(start[keep], copies), np.repeat(pulses, copies, axis=0))
    seen = np.isfinite(states[keep])
    enough = seen.sum(axis=0) >= max(1, min(5, int(keep.sum())))
    measured = np.where(seen, states[keep], np.nan)[:, enough]
    fitted = np.where(np.repeat(seen, copies, axis=0), simulated, np.nan)[:, enough]
    ends = np.nanquantile(states, [0.001, 0.999])
    return Quality(np.nanmean(measured, axis=0), np.nanstd(measured, axis=0), np.nanmean(fitted, axis=0),
                   np.nanstd(fitted, axis=0), np.flatnonzero(enough), float(ends[1] - ends[0]), int(keep.sum()))


def text_of(quality):
    errors = quality.errors
    rms = np.sqrt(np.mean(errors ** 2))
    text = (f"mean of the states after each pulse, fitted against measured: off by {100 * rms:.2g} % of the range "
            f"(rms), {100 * errors.max():.2g} % at most")
    if quality.devices > 1 and quality.spread_ratio is not None:
        text += f"; their spread over devices, fitted over measured: {quality.spread_ratio:.2g} (median)"
    return text


def draw(quality, estimate, traces, sides, file):
    """Fitted against measured: states along the traces, and steps against the state."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    for mean, std, colour, name in ((quality.measured_mean, quality.measured_std, "#0072B2", "measured"),
                                    (quality.fitted_mean, quality.fitted_std, "#D55E00", "fitted")):
        left.plot(quality.reads, mean, color=colour, lw=1.2, label=name)
        left.fill_between(quality.reads, mean - std, mean + std, color=colour, alpha=0.2, lw=0)
    left.set(xlabel="read", ylabel="conductance (µS), mean and spread over devices")
    left.legend(fontsize=8)
    for (name, sign), colour in zip(POLARITIES.items(), ("#009E73", "#CC79A7"), strict=True):
        if name not in sides[0]:
            continue
        steps = estimate.steps(traces.pulses, sign)
        order = np.argsort(steps.start)
        for index, part in enumerate(np.array_split(order, min(40, len(order)))):
            right.errorbar(steps.start[part].mean(), steps.step[part].mean(), steps.step[part].std(), fmt=".",
                           color=colour, lw=0.8, label=f"{name}, measured" if index == 0 else None)
        for index, device in enumerate(sides[:30]):
            right.plot(device[name].states, device[name].mean, color=colour, lw=1.2 if len(sides) == 1 else 0.4,
                       alpha=1.0 if len(sides) == 1 else 0.6, label=f"{name}, fitted" if index == 0 else None)
    right.set(xlabel="conductance (µS)", ylabel="step of a pulse (µS)")
    right.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(file, dpi=150)
    plt.close(figure)
