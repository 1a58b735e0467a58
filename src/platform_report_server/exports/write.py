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
from platform_report_server.exports.source import Link, Picture, Source
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


def _pictures(database: Database, artifacts: ArtifactStore, run_id: int) -> Iterator[tuple[bytes, Picture]]:
    with database.reading() as connection:
        run = find_run(connection, run_id)
        if run is None:
            return
        found = pictures_of(
            connection,
            run.project_id,
            run.id,
            statuses=[RESULT_STATUSES.index(status) for status in page.SHOWN_FIRST],
            kinds=page.PICTURES,
            largest=_LARGEST_PICTURE,
            limit=_MOST_PICTURES,
        )
    room = _ALL_PICTURES
    for row in found:
        size = row.size if row.data is None else len(row.data)
        if size <= room:
            content = artifacts.read(row.sha256) if row.data is None else row.data
            if content is not None:
                room -= size
                yield row.sha256, Picture(row.mime if row.data is None else "image/webp", content)
