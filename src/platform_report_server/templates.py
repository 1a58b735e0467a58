"""Templates of HTML, which escape whatever is not marked up."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from platform_report_server.clock import iso
from platform_report_server.shown import duration, moment, plain


def templates(folder: Path) -> Environment:
    """Return the templates of a folder; each takes text as a terminal would show it."""
    found = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"duration": duration, "moment": moment, "iso": iso}
    return found
