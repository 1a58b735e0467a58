"""CSV: a test is a line, as RFC 4180 has it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from platform_report_server import ids
from platform_report_server.clock import iso
from platform_report_server.db.queries.lanes import started_at
from platform_report_server.exports.names import own_name, suites_of
from platform_report_server.exports.source import Entry, Source
from platform_report_server.shown import without_colours

_COLUMNS = (
    *("test_id", "status", "flaky", "quarantined", "file", "line", "suite", "name", "title", "duration_ms"),
    *("attempt", "retries", "tags", "message", "files", "reported_at", "started_at"),
)
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_LONGEST = 32_000
"""Characters of a cell; spreadsheets take no more than 32,767."""
_TOGETHER = 64 * 1024


def pieces(source: Source) -> Iterator[bytes]:
    """Give out the file."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for entry in source.entries():
        writer.writerow(map(_cell, _line(entry)))
        if buffer.tell() > _TOGETHER:
            yield buffer.getvalue().encode("utf-8", "replace")
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode("utf-8", "replace")


def _line(entry: Entry) -> tuple[Any, ...]:
    row, detail, start = entry.row, entry.detail, started_at(entry.row)
    return (
        ids.test_id(row.run_id, row.seq),
        entry.status,
        int(bool(row.flaky)),
        int(bool(row.quarantined)),
        row.file_path,
        detail.line,
        " > ".join(suites_of(row)),
        own_name(row),
        row.title,
        round(row.duration, 3),
        row.attempt,
        row.retries,
        " ".join(tag.removeprefix("@") for tag in detail.tags),
        detail.error.message if detail.error else None,
        " ".join(each.file_name for each in entry.artifacts),
        iso(row.created_at),
        None if start is None else iso(start),
    )


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = without_colours(value).replace("\0", "\N{REPLACEMENT CHARACTER}")[:_LONGEST]
    return f"'{text}" if text.startswith(_FORMULAS) else text  # or a spreadsheet would compute it
