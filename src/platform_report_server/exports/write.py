"""Writes a run as a file, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from platform_report_server import ids
from platform_report_server.db.engine import Database
from platform_report_server.db.queries.exports import pictures_of
from platform_report_server.db.queries.projects import load_project
from platform_report_server.db.queries.runs import find_run
from platform_report_server.db.schema import RESULT_STATUSES
from platform_report_server.errors import NotFound
from platform_report_server.exports import ctrf, junit, page, table
from platform_report_server.exports.source import Link, Source
from platform_report_server.storage.store import ArtifactStore

_WRITERS: dict[str, Callable[[Source], Iterator[bytes]]] = {
    "junit": junit.pieces,
    "ctrf": ctrf.pieces,
    "csv": table.pieces,
    "html": page.pieces,
}
_LARGEST_PICTURE, _MOST_PICTURES = 200 * 1024, 100
_ALL_PICTURES = 4 * 2**20


def pieces(
    kind: str, database: Database, artifacts: ArtifactStore, run_id: int, link: Link, drafts: Path
) -> Iterator[bytes]:
    """Give out a run in one of the formats, as it is at one moment."""
    # files may be slow to come: they are here before the snapshot is taken
    pictures = dict(_pictures(database, artifacts, run_id)) if kind == "html" else {}
    with database.reading() as connection:
        run = find_run(connection, run_id)
        if run is None:
            raise NotFound(f"There is no run {ids.encode('run', run_id)!r}")
        project = load_project(connection, run.project)
        name = run.project if project is None else project.name
        yield from _WRITERS[kind](Source(connection, run, name, link, drafts, pictures))


def _pictures(database: Database, artifacts: ArtifactStore, run_id: int) -> Iterator[tuple[bytes, bytes]]:
    with database.reading() as connection:
        run = find_run(connection, run_id)
        if run is None:
            return
        statuses = [RESULT_STATUSES.index(status) for status in page.SHOWN_FIRST]
        sizes = (_LARGEST_PICTURE, _MOST_PICTURES)
        found = pictures_of(connection, run.project_id, run.id, statuses, page.PICTURES, *sizes)
    room = _ALL_PICTURES
    for sha256, size in found:
        if size <= room:
            content = artifacts.read(sha256)
            if content is not None:
                room -= len(content)
                yield sha256, content
