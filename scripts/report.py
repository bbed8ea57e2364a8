#!/usr/bin/python3
"""Draws the report of a sweep: OUT/report.html, one page without need of a network, and OUT/figures for papers."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import memprop_terminal  # noqa: E402
from debian_packages import need  # noqa: E402

need("matplotlib")

from memprop_report.report import write_report  # noqa: E402
from memprop_sweep.errors import SweepError  # noqa: E402
from memprop_sweep.store import table, write_atomically  # noqa: E402


def main() -> int:
    """Exit status 2 if there is nothing to draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="directory of a sweep, finished or not")
    parser.add_argument("--metric", metavar="NAME", help="what to draw in place of the loss, such as metrics.accuracy")
    arguments = parser.parse_args()
    try:
        write_atomically(arguments.out / "sweep.csv", table(arguments.out))
        print(write_report(arguments.out, arguments.metric))
    except SweepError as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    memprop_terminal.run(main)
