"""The formats of exports, and the names of the files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from platform_report_server import ids
from platform_report_server.db.queries.runs import RunRow

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Format:
    """What a file of this format is called and served as."""

    media_type: str
    ending: str


FORMATS = {
    "junit": Format("application/xml", "junit.xml"),
    "ctrf": Format("application/json", "ctrf.json"),
    "csv": Format("text/csv; charset=utf-8; header=present", "csv"),
    "html": Format("text/html; charset=utf-8", "html"),
}


def file_name(run: RunRow, kind: str) -> str:
    """Return the name of the file, of letters that every system takes."""
    title = _UNSAFE.sub("-", run.title or "")[:_LONGEST_NAME].strip("-.")
    return "-".join(filter(None, (title, ids.encode("run", run.id)))) + f".{FORMATS[kind].ending}"
