"""Turns the values of a sweep into combinations: grid, random, Latin hypercube.

Draws come from a generator of their own per key, seeded by the sweep's `sampling_seed` and the key, so that
a further key leaves the values of the others as they are.
"""

import itertools
import random

from memprop_sweep.spec import Choices, Condition, Domain, Scalar, SweepSpec

Combination = dict[str, Scalar]


def combinations(spec: SweepSpec) -> list[Combination]:
    """Every combination of values once, in a fixed order; keys of conditions only where they hold."""
    if spec.method == "grid":
        found = _grid(spec)
    else:
        found = _sampled(spec)
    unique = {tuple((key, type(value), value) for key, value in c.items()): c for c in found}
    return list(unique.values())


def _grid_values(domain: Domain) -> list[Scalar]:
    return list(domain.values) if isinstance(domain, Choices) else list(domain.grid())


def _product(start: Combination, values: dict[str, Domain]) -> list[Combination]:
    lists = [_grid_values(domain) for domain in values.values()]
    return [start | dict(zip(values, chosen)) for chosen in itertools.product(*lists)]


def _grid(spec: SweepSpec) -> list[Combination]:
    found = _product({}, spec.values)
    for i, condition in enumerate(spec.conditions):
        expanded = []
        for combination in found:
            if _holds(condition, combination):
                _refuse_conflict(spec, i, combination)
                expanded += _product(combination, condition.values)
            else:
                expanded.append(combination)
        found = expanded
    return found


def _sampled(spec: SweepSpec) -> list[Combination]:
    found: list[Combination] = [{} for _ in range(spec.samples)]
    _draw(spec, found, spec.values, "")
    for i, condition in enumerate(spec.conditions):
        where = [combination for combination in found if _holds(condition, combination)]
        for combination in where:
            _refuse_conflict(spec, i, combination)
        _draw(spec, where, condition.values, f"when {i} ")
    return found


def _draw(spec: SweepSpec, into: list[Combination], values: dict[str, Domain], purpose: str) -> None:
    """One value per key and combination. Latin hypercube: every one of n equal parts of a range once."""
    n = len(into)
    for key, domain in values.items():
        generator = random.Random(f"{spec.sampling_seed} {purpose}{key}")
        fractions = [generator.random() for _ in range(n)]
        if spec.method == "latin_hypercube":
            order = sorted(range(n), key=[generator.random() for _ in range(n)].__getitem__)
            fractions = [(stratum + u) / n for stratum, u in zip(order, fractions)]
        for combination, u in zip(into, fractions):
            if isinstance(domain, Choices):
                combination[key] = domain.values[min(int(u * len(domain.values)), len(domain.values) - 1)]
            else:
                combination[key] = domain.at(u)


def _refuse_conflict(spec: SweepSpec, index: int, combination: Combination) -> None:
    for key in spec.conditions[index].values:
        if key in combination:
            raise spec.error(
                f"{key}: an earlier [[sweep.when]] gives it values at the same point",
                "sweep",
                "when",
                index,
                "values",
                key,
            )


def _holds(condition: Condition, combination: Combination) -> bool:
    return combination.get(condition.key) == condition.equals
