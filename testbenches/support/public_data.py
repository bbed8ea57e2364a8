"""Where the recordings are that are made from a public data set and therefore not in the repository."""

import os
import pathlib
import sys

SKIPPED = 77  # the exit code that CTest takes for "skipped"
BESIDE = pathlib.Path(__file__).resolve().parents[3] / "shared/reference/digital_core"


def public_data() -> pathlib.Path:
    """The folder that ../reference/README.md describes: MEMPROP_PUBLIC_DATA, or the one beside the repository.

    Ends the program as skipped where nothing is named and nothing is beside; a named folder has to be there."""
    named = os.environ.get("MEMPROP_PUBLIC_DATA")
    if named:
        if not pathlib.Path(named).is_dir():
            sys.exit(f"MEMPROP_PUBLIC_DATA = {named}: is no directory")
        return pathlib.Path(named)
    if not BESIDE.is_dir():
        print(f"skipped: {BESIDE} does not exist and MEMPROP_PUBLIC_DATA is not set")
        sys.exit(SKIPPED)
    return BESIDE
