"""States behind noisy reads, and how the mean step and its scatter depend on them.

A read is the state plus noise of S uS. Sorting steps by the read they start from smears them, because the noise of that
read is also part of the step, with the other sign. Here a state is estimated from the reads up to it and from the mean
steps between them (a Kalman filter), and steps are those from one estimate to the next: the noise of a read is in none
of them before it is in all. Without noise the estimates are the reads. Mean steps and estimates are found in turn.
"""

import dataclasses

import numpy as np

LEAST_STEPS = 20  # per bin
JUMP_STEPS = 10  # on either side of a jump
GAP = 0.1  # of the range: states that far apart have nothing measured between them
ROUNDS = 8
POLARITIES = {"up": 1.0, "down": -1.0}


@dataclasses.dataclass
class Side:
    """Rows of one polarity: steps in the direction of the pulse."""

    states: np.ndarray
    mean: np.ndarray
    std: np.ndarray

    def mean_at(self, g):
        return np.interp(g, self.states, self.mean)

    def std_at(self, g):
        return np.interp(g, self.states, self.std)

    def slope_at(self, g):
        slopes = np.diff(self.mean) / np.diff(self.states)
        inside = np.searchsorted(self.states, g, side="right") - 1
        within = (inside >= 0) & (inside < len(slopes))
        return np.where(within, slopes[np.clip(inside, 0, len(slopes) - 1)], 0.0)


@dataclasses.dataclass
class Steps:
    """Of one polarity: device, estimated start, step in the direction of the pulse, and what it is off its mean."""

    device: np.ndarray
    start: np.ndarray
    step: np.ndarray
    innovation: np.ndarray  # of the read after the pulse
    noise: np.ndarray  # variance of the innovation that is not the step's own
    gain: np.ndarray  # part of the innovation that is taken into the state


class Estimate:
    """Estimated states of all reads, given mean steps."""

    def __init__(self, traces, noise_us, mean, slope, scatter):
        """mean(u, g), slope(u, g), scatter(u, g): of a pulse u = +-1 or 0 on each device at g, signed as the state."""
        reads, pulses = traces.reads_us, traces.pulses
        shape = reads.shape
        self.start, self.step, self.innovation, self.noise, self.gain, self.total = (
            np.full(shape, np.nan) for _ in range(6))
        self.state = np.full(shape, np.nan)
        x, spread = reads[:, 0].copy(), np.full(shape[0], noise_us ** 2)
        self.state[:, 0] = x
        fresh = np.isfinite(x)  # whether the estimate rests on a read of now
        for k in range(1, shape[1]):
            pulse, read = pulses[:, k], reads[:, k]
            u = np.nan_to_num(pulse)
            at = np.nan_to_num(x)
            before = spread * np.clip(1.0 + slope(u, at), 0.0, 2.0) ** 2
            expected = np.where(np.isnan(pulse), np.nan, x + mean(u, at))
            variance = before + scatter(u, at) ** 2
            seen = np.isfinite(read)
            total = variance + noise_us ** 2
            gain = np.where(total > 0.0, variance / np.where(total > 0.0, total, 1.0), 1.0)
            known = np.isfinite(expected)
            after = np.where(known & seen, expected + gain * (read - expected), np.where(known, expected, read))
            valid = known & seen & fresh
            self.start[valid, k] = x[valid]
            self.step[valid, k] = (after - x)[valid]
            self.innovation[valid, k] = (read - expected)[valid]
            self.noise[valid, k] = (before + noise_us ** 2)[valid]
            self.gain[valid, k] = gain[valid]
            self.total[valid, k] = np.maximum(total, 1e-30)[valid]
            spread = np.where(known, np.where(seen, (1.0 - gain) * variance, variance), noise_us ** 2)
            x, fresh = after, seen
            self.state[:, k] = x

    def likelihoods(self):
        """Logarithm, but for a constant, of how likely the reads of each device are."""
        total = np.where(np.isfinite(self.total), self.total, 1.0)
        return -0.5 * np.sum(np.nan_to_num(self.innovation) ** 2 / total + np.log(total), axis=1)

    def steps(self, pulses, sign):
        device, read = np.nonzero((pulses == sign) & np.isfinite(self.step))
        return Steps(device, self.start[device, read], sign * self.step[device, read],
                     sign * self.innovation[device, read], self.noise[device, read], self.gain[device, read])


def jumps(states, steps, span):
    """Where a step depends on the state by a jump: cuts of sorted states between neighbours whose steps differ by five
    times their scatter. A slope makes it 3.5 times at most."""
    n, half = len(states), JUMP_STEPS
    if n < 2 * half:
        return []
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    squares = np.concatenate([[0.0], np.cumsum(steps ** 2)])
    at = np.arange(half, n - half + 1)

    def moments(begin):
        mean = (sums[begin + half] - sums[begin]) / half
        return mean, np.maximum((squares[begin + half] - squares[begin]) / half - mean ** 2, 0.0)

    below, above = moments(at - half), moments(at)
    scatter = np.sqrt(np.maximum(below[1], above[1]))
    size = np.abs(above[0] - below[0])
    near = states[at + half - 1] - states[at - half] < GAP * span
    found = near & (size > 5.0 * scatter) & (size > 0.01 * span)
    cuts = []
    for index in np.flatnonzero(found)[np.argsort(-(size / (scatter + 1e-12 * span))[found], kind="stable")]:
        if all(abs(at[index] - cut) >= half for cut in cuts):
            cuts.append(int(at[index]))
    return cuts


def segments(states, steps, span):
    """Ranges of sorted states without a gap or a jump; those with too few go to the nearer neighbour."""
    cuts = sorted({0, *(np.flatnonzero(np.diff(states) > GAP * span) + 1).tolist(), *jumps(states, steps, span),
                   len(states)})
    while len(cuts) > 2:
        counts = np.diff(cuts)
        few = int(np.argmin(counts))
        if counts[few] >= JUMP_STEPS:
            break
        gap_before = states[cuts[few]] - states[cuts[few] - 1] if few > 0 else np.inf
        gap_after = states[cuts[few + 1]] - states[cuts[few + 1] - 1] if few + 2 < len(cuts) else np.inf
        del cuts[few if gap_before <= gap_after else few + 1]
    return list(zip(cuts, cuts[1:]))


def cuts_of(states, steps, bins, span):
    """Bins of one segment: equal numbers but for the outermost, which have an eighth, because the range of the table
    is that of the device. Bins are halved, if there are enough steps, where they are wider than two of `bins` equal
    parts of the range or where their halves differ by a tenth of what steps differ by at all."""
    n = len(states)
    bins = min(bins, n // LEAST_STEPS) or 1
    if bins > 2:
        outer = max(LEAST_STEPS, n // (8 * bins))
        cuts = [0, *(outer + i * (n - 2 * outer) // (bins - 2) for i in range(bins - 2)), n - outer, n]
    else:
        cuts = [i * n // bins for i in range(bins + 1)]
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    squares = np.concatenate([[0.0], np.cumsum(steps ** 2)])

    def mean(low, high):
        return (sums[high] - sums[low]) / (high - low)

    def variance(low, high):
        return max(0.0, (squares[high] - squares[low]) / (high - low) - mean(low, high) ** 2)

    of_bins = [mean(low, high) for low, high in zip(cuts, cuts[1:])]
    contrast = max(of_bins) - min(of_bins)
    finest = span / (4 * bins)
    done, open_bins = [0], [(low, high) for low, high in reversed(list(zip(cuts, cuts[1:])))]
    while open_bins:
        low, high = open_bins.pop()
        width = states[high - 1] - states[low]
        if high - low >= 2 * LEAST_STEPS and width > finest:
            middle = int(np.searchsorted(states, 0.5 * (states[low] + states[high - 1])))
            middle = min(max(middle, low + LEAST_STEPS), high - LEAST_STEPS)
            difference = abs(mean(low, middle) - mean(middle, high))
            error = np.sqrt(variance(low, middle) / (middle - low) + variance(middle, high) / (high - middle))
            if width > 2 * span / max(bins, 2) or (difference > 0.1 * contrast and difference > 4.0 * error):
                open_bins += [(middle, high), (low, middle)]
                continue
        done.append(high)
    return done


def rows_of(steps, bins, span, ends):
    """Side from steps; `ends` are the lowest and highest state there is."""
    order = np.argsort(steps.start, kind="stable")
    start, step = steps.start[order], steps.step[order]
    innovation, noise = steps.innovation[order], steps.noise[order]
    states, mean, variance, error, apart = [], [], [], [], []
    parts = segments(start, step, span)
    for begin, end in parts:
        share = max(1, round(bins * (end - begin) / len(start)))
        cuts = cuts_of(start[begin:end], step[begin:end], share if len(parts) > 1 else bins, span)
        for low, high in zip(cuts, cuts[1:]):
            part = slice(begin + low, begin + high)
            states.append(start[part].mean())
            mean.append(step[part].mean())
            excess = (innovation[part] - innovation[part].mean()) ** 2 - noise[part]
            variance.append(excess.mean())
            error.append(excess.std() / np.sqrt(len(excess)))
        apart.append(len(states))
    variance = np.array(variance)
    if noise.max() > 0.0:
        variance = shrunk(variance, np.array(error))
    std = np.sqrt(np.maximum(variance, 0.0))
    return apart_rows(np.array(states), np.array(mean), std, apart[:-1],
                      [(start[end - 1], start[end]) for _, end in parts[:-1]], ends, span)


def shrunk(values, errors):
    """Towards their mean, as far as their errors say that they do not differ."""
    centre = values.mean()
    between = max(0.0, float(np.var(values) - np.mean(errors ** 2)))
    return centre + (values - centre) * between / np.maximum(between + errors ** 2, 1e-300)


def apart_rows(states, mean, std, apart, gaps, ends, span):
    """With rows at the ends of the range, and two in the middle of a gap, between which the step jumps."""
    keep = np.concatenate([[True], np.diff(states) > 1e-6 * span])
    if not keep.all():
        apart = [int(keep[:a].sum()) for a in apart]
        states, mean, std = states[keep], mean[keep], std[keep]
    rows = [(g, i) for i, g in enumerate(states)]
    for index, (below, above) in zip(apart, gaps, strict=True):
        middle, half = 0.5 * (below + above), 1e-4 * span
        rows += [(middle - half, index - 1), (middle + half, index)]
    rows += [(g, i) for g, i in ((ends[0], 0), (ends[1], len(states) - 1))
             if (g < states[0] - 1e-4 * span if i == 0 else g > states[-1] + 1e-4 * span)]
    rows.sort()
    index = [i for _, i in rows]
    return Side(np.array([g for g, _ in rows]), mean[index], std[index])
