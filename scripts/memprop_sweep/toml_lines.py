"""Finds the line of a key in a TOML file.

The standard parser keeps no positions, but it parses beginnings of the file: a key starts in the line
after the longest beginning that parses without having it. This holds for every way TOML has of writing a
key, and costs time only when there is an error to report.
"""

import re
import tomllib
from collections.abc import Sequence
from typing import Any

_ABSENT = object()
MOST_KEY_PARTS = 8  # of a dotted key; those of an experiment have three at most
_STRING_OR_COMMENT = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*''', re.DOTALL
)
_DEEP_KEY = re.compile(r"(?:\.[^.\n=,\[\]{}]*){%d}" % MOST_KEY_PARTS)


def line_of_deep_key(text: str) -> int | None:
    """Line of a dotted key of more than MOST_KEY_PARTS parts, for which the parser takes a time that grows with
    their square, and what reads the result a stack that grows with their number."""
    plain = _STRING_OR_COMMENT.sub(lambda found: "_" + "\n" * found[0].count("\n"), text)
    found = _DEEP_KEY.search(plain)
    return plain.count("\n", 0, found.start()) + 1 if found else None


def _parse(lines: Sequence[str], closing: str = "") -> dict[str, Any] | None:
    try:
        return tomllib.loads("\n".join(lines) + "\n" + closing)
    except tomllib.TOMLDecodeError:
        return None


def _lookup(document: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return document


class TomlLines:
    """Lines of the keys of one TOML text (which must parse)."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def of(self, *path: str | int) -> int:
        """Line (from 1) where the value at `path` begins; list elements count as parts of the path. For a
        path that is not there: the line of its nearest ancestor, 1 if it has none."""
        document = _parse(self._lines)
        while path and _lookup(document, path) is _ABSENT:
            path = path[:-1]
        if not path:
            return 1
        if isinstance(path[-1], int):
            return self._of_element(path)
        absent = 0  # number of lines of the longest beginning without the key
        for count in range(len(self._lines) + 1):
            part = _parse(self._lines[:count])
            if part is None:
                continue
            if _lookup(part, path) is not _ABSENT:
                break
            absent = count
        return absent + 1

    def _of_element(self, path: Sequence[str | int]) -> int:
        """Line of an element of a list: the last line of the shortest beginning that has it, where a list
        that is still open counts as closed there."""
        for count in range(1, len(self._lines)):
            part = _parse(self._lines[:count]) or _parse(self._lines[:count], "]")
            if _lookup(part, path) is not _ABSENT:
                return count
        return len(self._lines)
