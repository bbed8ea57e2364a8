"""Writes the report: figures for papers and one page that needs nothing else, not even a network."""

import html
import json
import re
from pathlib import Path

from memprop_report.data import SweepData
from memprop_report.figures import write_figures
from memprop_sweep.store import write_atomically

_PAGE = Path(__file__).resolve().parent / "page"
_ECHARTS = Path(__file__).resolve().parent.parent / "vendor/echarts/echarts.min.js"


def write_report(directory: Path, metric: str | None = None) -> Path:
    """Writes DIRECTORY/report.html and DIRECTORY/figures; returns the page. SweepError if there is nothing to
    show."""
    data = SweepData(directory, metric)
    write_figures(data, directory / "figures")
    page = directory / "report.html"
    write_atomically(page, page_text(data))
    return page


def page_text(data: SweepData) -> str:
    """The page with its style, scripts, library and data inside."""
    parts = {
        "title": html.escape(f"Sweep {data.name}"),
        "style": (_PAGE / "page.css").read_text(encoding="utf-8"),
        # "</" must not end the script element before its time.
        "data": json.dumps(data.page_data(), separators=(",", ":"), allow_nan=False).replace("</", "<\\/"),
        "library": _ECHARTS.read_text(encoding="utf-8"),
        "scripts": "\n".join(
            (_PAGE / name).read_text(encoding="utf-8") for name in ("points.js", "table.js", "charts.js", "page.js")
        ),
    }
    text = (_PAGE / "page.html").read_text(encoding="utf-8")
    return re.sub(r"@(\w+)@", lambda found: parts[found[1]], text)
