"""Devices that differ: what a step of a device is off the mean of all, as a mixed model.

The step of device d at state G is f(G) + c_d . phi(G) + scatter, for up and down pulses, with phi = (1, position in the
range, f): it may be larger, smaller or vanish at another state. The c_d of all devices are drawn from one normal
distribution, found by expectation maximisation together with f. Every device of the table is a draw from what its own
trace leaves of that distribution, so that the population spreads as the measured one, whether traces are long or short.
"""

import dataclasses

import numpy as np

from .states import POLARITIES, Side, rows_of

ITERATIONS = 40
SIGNIFICANT = 5.0  # standard errors
SEED = 1  # of the draws; a file gives one table
HARD_BOUND = 0.3  # of what a device's curve says: smaller steps at the end of its trace are those at a bound


@dataclasses.dataclass
class Part:
    """Steps of one polarity with what explains them."""

    name: str
    steps: object
    basis: np.ndarray  # [step, 3]
    weight: np.ndarray  # one over the variance of a step


def basis_of(side, g, ends):
    position = (2.0 * g - ends[0] - ends[1]) / (ends[1] - ends[0])
    scale = max(float(np.mean(np.abs(side.mean))), 1e-12)
    return np.stack([np.ones_like(g), position, side.mean_at(g) / scale], axis=-1)


def parts_of(estimate, traces, sides, ends):
    parts = []
    for name, side in sides.items():
        steps = estimate.steps(traces.pulses, POLARITIES[name])
        variance = steps.gain ** 2 * (steps.noise + side.std_at(steps.start) ** 2)
        floor = 1e-6 * (ends[1] - ends[0]) ** 2 / len(steps.start)
        parts.append(Part(name, steps, basis_of(side, steps.start, ends), 1.0 / np.maximum(variance, floor)))
    return parts


def sums_of(parts, sides, devices):
    """Normal equations of each device: A [device, n, n] and b [device, n] of its coefficients of all polarities."""
    width = 3 * len(parts)
    a, b = np.zeros((devices, width, width)), np.zeros((devices, width))
    for index, part in enumerate(parts):
        off = part.steps.step - sides[part.name].mean_at(part.steps.start)
        here = slice(3 * index, 3 * index + 3)
        products = part.weight[:, None, None] * part.basis[:, :, None] * part.basis[:, None, :]
        block = np.zeros((devices, 3, 3))
        np.add.at(block, part.steps.device, products)
        a[:, here, here] = block
        np.add.at(b[:, here], part.steps.device, (part.weight * off)[:, None] * part.basis)
    return a, b


def spread_is_there(parts, sides, devices):
    """Whether the mean steps of devices differ by more than the scatter of their steps makes them."""
    score, free = 0.0, 0
    for part in parts:
        off = part.steps.step - sides[part.name].mean_at(part.steps.start)
        weight = np.bincount(part.steps.device, part.weight, devices)
        pull = np.bincount(part.steps.device, part.weight * off, devices)
        used = weight > 0
        score += float(np.sum(pull[used] ** 2 / weight[used]))
        free += int(used.sum()) - 1
    return free > 0 and score - free > SIGNIFICANT * np.sqrt(2.0 * free)


def posterior(a, b, covariance):
    inverse = np.linalg.inv(covariance)
    spread = np.linalg.inv(inverse + a)
    return np.einsum("dij,dj->di", spread, b), spread


def coefficients(a, b, scales):
    """Mean and covariance of the coefficients of each device, and their mean over devices."""
    devices, width = b.shape
    covariance = np.diag(scales ** 2)
    mean, centre = np.zeros_like(b), np.zeros(width)
    for _ in range(ITERATIONS):
        mean, spread = posterior(a, b - np.einsum("dij,j->di", a, centre), covariance)
        centre = centre + mean.mean(axis=0)
        mean = mean - mean.mean(axis=0)
        covariance = np.einsum("di,dj->ij", mean, mean) / devices + spread.mean(axis=0)
        covariance += 1e-9 * np.diag(scales ** 2)
    mean, spread = posterior(a, b - np.einsum("dij,j->di", a, centre), covariance)
    return mean, spread, centre


def curves_of(sides, mean, ends):
    """Sides of one device with its own coefficients, at the rows of all."""
    curves = {}
    for index, (name, side) in enumerate(sides.items()):
        own = basis_of(side, side.states, ends) @ mean[3 * index:3 * index + 3]
        curves[name] = Side(side.states, side.mean + own, side.std)
    return curves


def fit_population(traces, bins, sides, estimate, ends):
    """Sides of each device of a population, or None if the devices do not differ."""
    devices = len(traces.names)
    parts = parts_of(estimate, traces, sides, ends)
    if devices < 2 or not spread_is_there(parts, sides, devices):
        return None
    span = float(ends[1] - ends[0])
    for _ in range(4):  # the mean of all devices and what each is off it, in turn
        scales = np.concatenate([np.full(3, 0.3 * np.mean(np.abs(sides[part.name].mean)) + 1e-9 * span)
                                 for part in parts])
        a, b = sums_of(parts, sides, devices)
        mean, spread, centre = coefficients(a, b, scales)
        fresh = {}
        for index, part in enumerate(parts):
            here = slice(3 * index, 3 * index + 3)
            own = np.einsum("ni,ni->n", part.basis, mean[part.steps.device][:, here])
            alike = dataclasses.replace(part.steps, step=part.steps.step - own,
                                        innovation=part.steps.innovation - own)
            fresh[part.name] = rows_of(alike, bins, span, ends)
        sides = fresh
        parts = parts_of(estimate, traces, sides, ends)
    a, b = sums_of(parts, sides, devices)
    mean, spread, centre = coefficients(a, b, scales)
    rng = np.random.default_rng(SEED)
    drawn = np.stack([rng.multivariate_normal(m + centre, s, method="eigh") for m, s in zip(mean, spread, strict=True)])
    return [within_bounds(curves_of(sides, c, ends), index, parts, ends) for index, c in enumerate(drawn)]


def within_bounds(curves, device, parts, ends):
    """Rows of a device between its own bounds."""
    low, high = ends
    for part in parts:
        own = part.steps.device == device
        start, step = part.steps.start[own], part.steps.step[own]
        if len(start) < 5:
            continue
        bound = own_bound(curves[part.name], start if part.name == "up" else -start, step,
                          1.0 if part.name == "up" else -1.0)
        if bound is not None and part.name == "up":
            high = min(high, bound)
        elif bound is not None:
            low = max(low, bound)
    return {name: cut_side(side, low, high) for name, side in curves.items()}


def own_bound(curve, position, step, sign):
    """The end of a trace in the direction of its steps, if the device stops there and its curve does not say so."""
    last = np.sort(position)[-max(5, len(position) // 20):]
    at_end = position >= last[0]
    expected = curve.mean_at(sign * position[at_end]).mean()
    if expected > 0.0 and step[at_end].mean() < HARD_BOUND * expected:
        return sign * float(np.quantile(position, 0.995))
    return None


def cut_side(side, low, high):
    inside = (side.states > low) & (side.states < high)
    states = np.concatenate([[low], side.states[inside], [high]])
    return Side(states, side.mean_at(states), side.std_at(states))
