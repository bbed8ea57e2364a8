"""Writes the report: figures for papers and one page that needs nothing else, not even a network."""

import html
import json
import re
from pathlib import Path
from typing import Any

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


def script_json(value: Any) -> str:
    """JSON that may stand inside a script element: whatever its texts hold, HTML sees no tag and no comment."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def page_text(data: SweepData) -> str:
    """The page with its style, scripts, library and data inside."""
    parts = {
        "title": html.escape(f"Sweep {data.name}"),
        "style": (_PAGE / "page.css").read_text(encoding="utf-8"),
        "data": script_json(data.page_data()),
        "library": _ECHARTS.read_text(encoding="utf-8"),
        "scripts": "\n".join(
            (_PAGE / name).read_text(encoding="utf-8") for name in ("points.js", "table.js", "charts.js", "page.js")
        ),
    }
    text = (_PAGE / "page.html").read_text(encoding="utf-8")
    return re.sub(r"@(\w+)@", lambda found: parts[found[1]], text)
