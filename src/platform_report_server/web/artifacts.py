"""The page of a file, and that of two pictures side by side or one over the other."""

from __future__ import annotations

import re
from typing import Any

import anyio.to_thread
import msgspec
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from platform_report_server.auth.visible import visible_artifact
from platform_report_server.db.queries.artifacts import ArtifactRow, list_artifacts, own_artifacts
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.db.queries.tests import find_test
from platform_report_server.errors import NotFound
from platform_report_server.storage.formats import is_image
from platform_report_server.viewer.place import viewer_link
from platform_report_server.web import _chosen
from platform_report_server.web._alike import alike
from platform_report_server.web._files import comparison_path, public_id, shown_files
from platform_report_server.web._visit import Visit

VIEWS = ("side by side", "swipe", "onion skin", "blink", "difference")
_READ_BYTES = 256 * 1024
_FORMATTED_BYTES, _FORMATTED_DEPTH = 64 * 1024, 12
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


async def show(visit: Visit) -> Response:
    def query(connection: Connection) -> dict[str, Any]:
        row, run = visible_artifact(connection, visit.caller, visit.said("artifact_id"))
        rows = _siblings(connection, row)
        pictures = [each for each in rows if is_image(each.mime)]
        around = {
            "before": next((each for each in reversed(pictures) if each.id < row.id), None),
            "after": next((each for each in pictures if each.id > row.id), None),
        }
        (file,) = shown_files(visit, connection, [row], rows)
        return {"file": file, **_owners(connection, row, run), **around}

    found = await visit.read(query)
    text = await _text(visit, found["file"].row) if found["file"].showing == "text" else None
    return visit.page("file.html", **found, text=text, read=_READ_BYTES)


async def compare(visit: Visit) -> Response:
    view = _chosen.chosen(visit.request, "view")

    def query(connection: Connection) -> dict[str, Any]:
        row, run = visible_artifact(connection, visit.caller, visit.said("artifact_id"))
        rows = _siblings(connection, row)
        group = next((some for some in alike(rows) if any(each.row.id == row.id for each in some)), [])
        pictures = {public_id(each.row): each for each in group}
        first, second = (pictures.get(visit.said(name)) for name in ("artifact_id", "other_id"))
        if first is None or second is None:
            raise NotFound("These are not two pictures of the same thing, of one test")
        return {
            "first": first,
            "second": second,
            "files": shown_files(visit, connection, [first.row, second.row], rows),
            "choices": [
                [(each, comparison_path(each, second), each is first) for each in group],
                [(each, comparison_path(first, each), each is second) for each in group],
            ],
            **_owners(connection, row, run),
        }

    return visit.page("compare.html", **await visit.read(query), view=view if view in VIEWS else VIEWS[0], views=VIEWS)


async def open_trace(visit: Visit) -> Response:
    settings, signer = visit.services.settings, visit.services.signer

    def query(connection: Connection) -> ArtifactRow:
        return visible_artifact(connection, visit.caller, visit.said("trace_id"))[0]

    row = await visit.read(query)
    if settings.viewer_files is None or row.type != "trace":
        raise NotFound("This is no trace, or there is no viewer here: download it, 'playwright show-trace' opens it")
    link = viewer_link(settings, signer, visit.request, public_id(row))
    return RedirectResponse(link, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})


def _siblings(connection: Connection, row: ArtifactRow) -> list[ArtifactRow]:
    """Return all the files of a file's test, or of the run itself."""
    if row.seq is None:
        return own_artifacts(connection, row.project_id, row.run_id)
    return list_artifacts(connection, row.project_id, row.run_id, row.seq)


def _owners(connection: Connection, row: ArtifactRow, run: RunRow) -> dict[str, Any]:
    return {"run": run, "test": None if row.seq is None else find_test(connection, row.run_id, row.seq)}


async def _text(visit: Visit, row: ArtifactRow) -> str | None:
    """Return the beginning of a text; None where it is none, whatever its name says."""
    read = visit.services.artifacts.read
    content = await anyio.to_thread.run_sync(read, row.sha256, _READ_BYTES) if row.size else b""
    if content is None:
        raise NotFound(f"The file {visit.said('artifact_id')!r} was deleted")
    if b"\0" in content:
        return None
    return (_formatted(content) if row.mime == "application/json" else content).decode("utf-8", "replace")


def _formatted(content: bytes) -> bytes:
    """Return JSON with a line for each value, unless that takes too much room."""
    depth = deepest = 0
    for letter in _STRING.sub(b"", content) if len(content) <= _FORMATTED_BYTES else b"":
        depth += (letter in b"[{") - (letter in b"]}")
        deepest = max(deepest, depth)
    if not 0 < deepest <= _FORMATTED_DEPTH:
        return content
    try:
        return msgspec.json.format(content, indent=2)
    except msgspec.DecodeError:
        return content
