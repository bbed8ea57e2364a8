from . import crossbar as crossbar

__all__ = ["InputError", "RunError", "crossbar"]

class InputError(ValueError):
    """What the caller gave is wrong; the message names the argument, the value and what is allowed."""

class RunError(RuntimeError):
    """The input was fine and the run failed all the same."""
