"""One HTML file that opens offline: failures with all that they say first, then every test."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from markupsafe import Markup

from platform_report_server import ids
from platform_report_server.clock import now_ms
from platform_report_server.db.details import Detail
from platform_report_server.db.queries.artifacts import ArtifactRow
from platform_report_server.db.queries.runs import totals_of
from platform_report_server.exports.names import REPORT_ID, reason_of
from platform_report_server.exports.source import Entry, Source
from platform_report_server.exports.spill import SIGN_OF_LIFE, Spill
from platform_report_server.model import Attempt, TestStatus
from platform_report_server.templates import templates

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
_DIGEST = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; base-uri 'none'; form-action 'none'"
PICTURES = ("image/png", "image/jpeg")
SHOWN_FIRST: tuple[TestStatus, ...] = ("failed", "flaky")
_OPEN = 20
"""Failures that are unfolded where there are no more."""
_LONGEST = 100_000
"""Characters of a text: browsers have their limits. The beginning and the end are there."""


def pieces(source: Source) -> Iterator[bytes]:
    """Give out the file."""
    run, totals = source.run, totals_of(source.run)
    told = {"run": run, "totals": totals, "project": source.project, "policy": POLICY, "style": Markup(_STYLE)}  # noqa: S704
    yield _text(_parts.head(**told, metadata=msgspec.json.decode(run.metadata), now=now_ms()))
    for number, each in enumerate(source.artifacts()):
        yield _text(_parts.listed([_file(source, each)], None if number else "Files of the run"))
    for status in SHOWN_FIRST:
        count = getattr(run, status)
        if count:
            yield _text(_parts.begin_failures(status, count))
            for entry in source.entries(status):
                yield _text(_parts.failure(**_told(source, entry), is_open=status == "failed" and count <= _OPEN))
            yield _text(_parts.end_failures())
    yield from _all_tests(source)
    yield _text(_parts.foot())


def _all_tests(source: Source) -> Iterator[bytes]:
    """Give out a list for each file; results may arrive in any order, so the lines wait in another file."""
    counts: dict[str, Counter[str]] = {}
    with Spill(source.drafts) as spill:
        for number, entry in enumerate(source.entries(), 1):
            file = entry.row.file_path or ""
            counts.setdefault(file, Counter())[entry.status] += 1
            spill.add(file, _text(_parts.line(entry.row, entry.status, reason_of(entry.detail.annotations))))
            if not number % SIGN_OF_LIFE:
                yield b"\n"
        yield _text(_parts.begin_tests(sum(each.total() for each in counts.values())))
        for file in sorted(counts):
            yield _text(_parts.begin_file(file, counts[file]))
            yield from spill.read(file)
            yield _text(_parts.end_file())


def _told(source: Source, entry: Entry) -> dict[str, Any]:
    return {
        "row": entry.row,
        "status": entry.status,
        "detail": entry.detail,
        "attempts": _attempts(entry.detail),
        "notes": [note for note in entry.detail.annotations if note.type != REPORT_ID],
        "files": [_file(source, each) for each in entry.artifacts],
    }


def _attempts(detail: Detail) -> list[Attempt]:
    """Return the attempts, the last one first; a result that came without them is its only one."""
    if detail.attempts:
        return detail.attempts[::-1]
    return [Attempt(attempt=1, error=detail.error, stdout=detail.stdout, stderr=detail.stderr)]


def _file(source: Source, row: ArtifactRow) -> dict[str, Any]:
    picture = source.pictures.get(row.sha256)
    shown = f"data:{picture.mime};base64,{b64encode(picture.content).decode()}" if picture else None
    return {"name": row.file_name, "type": row.type, "size": row.size, "link": source.link(row), "shown": shown}


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters are left out here ...]\n{text[-half:]}"


def _text(rendered: object) -> bytes:
    return str(rendered).encode("utf-8", "replace")


_templates = templates(_TEMPLATES)
_templates.filters |= {"cut": _cut, "run_id": lambda number: ids.encode("run", number)}
_parts: Any = _templates.get_template("page.html").module
