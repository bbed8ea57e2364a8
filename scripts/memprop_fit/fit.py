"""The steps of one device, or of a population whose devices differ, from traces."""

import dataclasses

import numpy as np

from .population import fit_population
from .states import LEAST_STEPS, POLARITIES, ROUNDS, Estimate, Side, rows_of
from .traces import BadTraces

SCATTERS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # of a step, in parts of the noise of a read


@dataclasses.dataclass
class Device:
    """What fit() finds: sides by polarity of one device, or of each of a population."""

    sides: list[dict[str, Side]]
    estimate: Estimate
    notes: list[str]


def signed(sides, what):
    """A function of (pulse, state) from one of the sides' functions, signed as the state moves."""
    def of(u, g):
        value = np.zeros(np.broadcast_shapes(np.shape(u), np.shape(g)))
        for name, sign in POLARITIES.items():
            if name in sides:
                values = getattr(sides[name], what)(g)
                value = np.where(u == sign, values if what == "std_at" else sign * values, value)
        return value
    return of


def estimate_with(traces, noise_us, sides):
    return Estimate(traces, noise_us, signed(sides, "mean_at"), signed(sides, "slope_at"), signed(sides, "std_at"))


def range_of(estimate):
    states = estimate.state[np.isfinite(estimate.state)]
    return np.quantile(states, [0.001, 0.999])


def check_enough(traces, bins):
    for name, sign in POLARITIES.items():
        seen = np.isfinite(traces.reads_us)
        count = int(((traces.pulses[:, 1:] == sign) & seen[:, 1:] & seen[:, :-1]).sum())
        if sign > 0 and count == 0:
            raise BadTraces("has no step of an up pulse")
        if 0 < count < LEAST_STEPS * bins:
            raise BadTraces(f"{count} steps of {name} pulses: {LEAST_STEPS} per bin are needed, so at most "
                            f"{count // LEAST_STEPS} bins")


def check_noise(traces, noise_us, sides):
    """Two reads make a step, so steps scatter by more than one of them does."""
    before, after, u = traces.reads_us[:, :-1], traces.reads_us[:, 1:], traces.pulses[:, 1:]
    residual = after - before - signed(sides, "mean_at")(np.nan_to_num(u), np.nan_to_num(before))
    scatter = float(np.sqrt(np.nanmean(residual[np.nan_to_num(u) != 0] ** 2)))
    if scatter < noise_us:
        raise BadTraces(f"--read-noise-us {noise_us}: the steps scatter by {scatter:.3g} uS only, so it must be "
                        f"below {scatter / np.sqrt(2):.3g}")


def hidden_scatter(steps, noise_us):
    """Whether the scatter of steps cannot be told from that of reads."""
    if noise_us == 0.0:
        return False
    excess = steps.innovation ** 2 - steps.noise
    return float(np.mean(excess)) < 3.0 * float(np.std(excess)) / np.sqrt(len(excess))


def fit_one(traces, bins, noise_us):
    """Sides by polarity, the estimate they belong to, and notes, for devices that are all alike."""
    def flat(_, g):
        return np.zeros(np.shape(g))

    estimate = Estimate(traces, noise_us, flat, flat, lambda u, g: np.full(np.shape(g), noise_us or 1.0))
    sides, hidden, least, scatter = {}, [], None, None
    for round_ in range(ROUNDS if noise_us > 0.0 else 2):
        ends = range_of(estimate)
        span = float(ends[1] - ends[0])
        if not span > 0.0:
            raise BadTraces("all reads are equal")
        before, sides, hidden = sides, {}, []
        for name, sign in POLARITIES.items():
            steps = estimate.steps(traces.pulses, sign)
            if len(steps.start):
                sides[name] = rows_of(steps, bins, span, ends)
                if round_ > 0 and hidden_scatter(steps, noise_us):
                    hidden.append(name)
        if round_ == 0:
            check_noise(traces, noise_us, sides)
        elif hidden:
            if scatter is None or round_ % 2 == 0 or round_ == ROUNDS - 1:
                least, scatter = likely_scatter(traces, noise_us, sides, hidden)
            # Curves get smoother with less scatter: the least that suits the reads, until they are found.
            for name in hidden:
                sides[name].std = np.full(len(sides[name].std), scatter if round_ == ROUNDS - 1 else least)
        estimate = estimate_with(traces, noise_us, sides)
        if not hidden and settled(before, sides):
            break
    notes = [f"the scatter of {' and '.join(hidden)} steps is hidden by the read noise; taken to be {scatter:.2g} "
             "uS"] if hidden else []
    return sides, estimate, notes


def settled(before, sides):
    """Whether the mean steps change no more."""
    if before.keys() != sides.keys():
        return False
    for name, side in sides.items():
        change = np.abs(before[name].mean_at(side.states) - side.mean)
        if np.quantile(change, 0.9) > 0.003 * np.max(np.abs(side.mean)):
            return False
    return True


def likely_scatter(traces, noise_us, sides, names):
    """The least and the geometric mean of the candidates that suit the reads. Each is tried as if it were a device."""
    count = len(traces.names)
    copies = len(SCATTERS)
    tiled = dataclasses.replace(traces, reads_us=np.tile(traces.reads_us, (copies, 1)),
                                pulses=np.tile(traces.pulses, (copies, 1)))
    candidates = np.repeat(np.array(SCATTERS) * noise_us, count)
    known = signed(sides, "std_at")

    def scatter(u, g):
        hidden = np.isin(u, [POLARITIES[name] for name in names])
        return np.where(hidden, candidates, known(u, g))

    tried = Estimate(tiled, noise_us, signed(sides, "mean_at"), signed(sides, "slope_at"), scatter)
    likelihoods = tried.likelihoods().reshape(copies, count).sum(axis=1)
    # Every row of a mean costs half a unit: candidates that are no further off cannot be told apart.
    rows = sum(len(side.states) for side in sides.values())
    alike = likelihoods >= likelihoods.max() - 0.5 * rows
    suitable = noise_us * np.array(SCATTERS)[alike]
    return float(suitable.min()), float(np.exp(np.mean(np.log(suitable))))


def refuse_negative(traces, noise_us, ends, span):
    """Noise around 0 is no state below 0."""
    reads = np.sort(traces.reads_us[np.isfinite(traces.reads_us)])
    lowest = float(reads[:LEAST_STEPS].mean())
    if lowest < -max(3.0 * noise_us, 0.01 * span):
        raise BadTraces(f"the lowest reads are {lowest:.3g} uS: a conductance is not negative. Add what a "
                        "conductance of 0 was shifted by, or give two devices that are subtracted each their trace")


def fit(traces, bins, noise_us):
    """Raises BadTraces."""
    check_enough(traces, bins)
    sides, estimate, notes = fit_one(traces, bins, noise_us)
    ends = range_of(estimate)
    refuse_negative(traces, noise_us, ends, float(ends[1] - ends[0]))
    population = fit_population(traces, bins, sides, estimate, ends)
    return Device(population or [sides], estimate, notes + traces.notes)
