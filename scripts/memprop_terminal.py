"""What a script tells. Words on standard error never end it: a full disk, a closed terminal or a reader that has
gone loses them, nothing else. What is printed on standard output is its result, and a result that cannot be
written is an error."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

_BAD_INPUT = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)
MOST_TEXT_BYTES = 1 << 28


class _Words(io.TextIOBase):
    """Standard error that swallows what it cannot write."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        data = text.encode("utf-8", "backslashreplace")
        try:
            while data:
                data = data[os.write(2, data) :]
        except OSError:
            pass
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2

    def isatty(self) -> bool:
        return os.isatty(2)


class _Results(io.TextIOWrapper):
    """Standard output that says of what it could not write."""

    def __init__(self) -> None:
        raw = io.BufferedWriter(io.FileIO(1, "w", closefd=False))
        super().__init__(raw, "utf-8", "surrogateescape", line_buffering=os.isatty(1))

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _lost(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _lost(error) from None


def _lost(error: OSError) -> OSError:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what the interpreter still wants to flush at its end
    return OSError(f"standard output cannot be written: {error.strerror}")


def _replace_closed_streams() -> None:
    """A file that is opened later must not take the number of a standard stream that is closed."""
    for descriptor, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):  # fail as a closed one does
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)  # takes the lowest free number


# At the import, before other modules open files.
_replace_closed_streams()


def run(main: Callable[[], int | None]) -> NoReturn:
    """The end of a script: runs `main` and leaves with its status; 1 (for bad input 2) with a message after an
    OSError, and 1 if standard output could not be written."""
    name = Path(sys.argv[0]).name
    sys.stdout, sys.stderr = _Results(), _Words()
    try:
        try:
            status = main() or 0
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        sys.stdout.flush()
    except OSError as error:
        print(f"{name}: {error}", file=sys.stderr)
        status = 2 if isinstance(error, _BAD_INPUT) else 1
    sys.exit(status)


def read_text(path: Path) -> str:
    """The whole text of a regular file. Raises OSError or UnicodeDecodeError: a pipe would be waited for without
    an end, a device gives without one."""
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a directory, not a file")
    if path.exists() and not path.is_file():
        raise PermissionError(f"{path}: is a pipe, a socket or a device, not a file")
    with path.open("rb") as file:
        data = file.read(MOST_TEXT_BYTES + 1)
    if len(data) > MOST_TEXT_BYTES:
        raise PermissionError(f"{path}: holds more than {MOST_TEXT_BYTES >> 20} MB")
    return data.decode("utf-8")
