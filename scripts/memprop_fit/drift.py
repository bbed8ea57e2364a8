"""Drift from reads without pulses at known times: G(t) = G (t / t0)^-nu, t seconds after the last pulse."""

import dataclasses

import numpy as np

LEAST_READS = 3
LEAST_RATIO = 10.0  # of the last time to the first


@dataclasses.dataclass
class Drift:
    exponent: float
    error: float  # standard error of the exponent
    t0_seconds: float
    spread: float  # from device to device, relative
    runs: int

    @property
    def seen(self):
        return abs(self.exponent) > 3.0 * self.error


def runs_of(traces):
    """(device, times after the pulse, reads) of runs of reads without pulses after one with a pulse."""
    for device, (reads, pulses, times) in enumerate(zip(traces.reads_us, traces.pulses, traces.times_s, strict=True)):
        last, t, g = None, [], []
        for read, pulse, time in zip(reads, pulses, times, strict=True):
            if pulse == 0.0:
                if last is not None and time > last and read > 0.0:
                    t.append(time - last)
                    g.append(read)
                continue
            if t:
                yield device, np.array(t), np.array(g)
            last, t, g = (time if np.isfinite(pulse) and np.isfinite(time) else None), [], []
        if t:
            yield device, np.array(t), np.array(g)


def exponent_of(t, g):
    """Exponent and its standard error by least squares in logarithms."""
    x, y = np.log(t), np.log(g)
    x = x - x.mean()
    slope = float(np.sum(x * y) / np.sum(x * x))
    residual = y - y.mean() - slope * x
    return -slope, float(np.sqrt(np.sum(residual ** 2) / (len(x) - 2) / np.sum(x * x)))


def fit_drift(traces):
    """Drift, or None if no device was read often enough without pulses."""
    if traces.times_s is None:
        return None
    of_device, first = {}, []
    for device, t, g in runs_of(traces):
        if len(t) >= LEAST_READS and t[-1] >= LEAST_RATIO * t[0]:
            of_device.setdefault(device, []).append(exponent_of(t, g))
            first.append(t[0])
    if not of_device:
        return None
    exponents = np.array([np.mean([e for e, _ in runs]) for runs in of_device.values()])
    errors = np.array([np.sqrt(np.mean([s ** 2 for _, s in runs]) / len(runs)) for runs in of_device.values()])
    mean = float(exponents.mean())
    if len(exponents) > 1:
        variance = max(0.0, float(exponents.var(ddof=1) - np.mean(errors ** 2)))
        error = float(exponents.std(ddof=1) / np.sqrt(len(exponents)))
    else:
        variance, error = 0.0, float(errors[0])
    spread = float(np.sqrt(variance) / abs(mean)) if mean else 0.0
    return Drift(mean, error, float(np.median(first)), min(spread, 10.0), sum(map(len, of_device.values())))
