"""The one exception for what the user has to put right."""


class SweepError(Exception):
    """Bad input. The text names file, line, key, value and what is allowed; the exit status is 2."""
