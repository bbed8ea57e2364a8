"""Which way a number of a result is better."""

_MORE_IS_BETTER = (
    "accuracy",
    "r2",
    "success_rate",
    "memory_slope",
    "accepted_flits",
    "accepted_flits_per_node_per_cycle",
    "simulated_cycles_per_s",
)


def more_is_better(name: str) -> bool:
    """Whether a scalar of a result (nested names joined by dots, prefixes such as test_ allowed) is to be high.
    Losses, errors, costs and whatever is not known here are to be low; the report says what it took for better."""
    last = name.rsplit(".", 1)[-1]
    return any(last == known or last.endswith(f"_{known}") for known in _MORE_IS_BETTER)
