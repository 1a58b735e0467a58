"""A run of a store as a file, by command: with or without a server beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import BinaryIO

from sqlalchemy import Connection

from platform_report_server import ids
from platform_report_server.db.engine import open_existing
from platform_report_server.db.queries.exports import newest_run
from platform_report_server.db.queries.runs import RunRow, find_run
from platform_report_server.errors import NotFound
from platform_report_server.exports import write
from platform_report_server.exports.formats import FORMATS, file_name
from platform_report_server.settings import Settings
from platform_report_server.storage.store import open_artifacts

KINDS = tuple(FORMATS)


def export_run(
    settings: Settings,
    project: str,
    run_id: str | None,
    kind: str,
    begin: Callable[[str], AbstractContextManager[BinaryIO]],
) -> None:
    """Write a run, by default a project's newest, into the file that `begin` opens; it is told a name for it."""
    with closing(open_existing(settings.database)) as database:
        with database.reading() as connection:
            run = _named(connection, run_id) if run_id else _newest(connection, project)
        artifacts = open_artifacts(settings.artifacts, settings.staging)
        with begin(file_name(run, kind)) as file:
            for piece in write.pieces(kind, database, artifacts, run.id, lambda _: None, settings.staging):
                file.write(piece)


def _named(connection: Connection, run_id: str) -> RunRow:
    number = ids.decode("run", run_id)
    row = None if number is None else find_run(connection, number)
    if row is None:
        raise NotFound(f"There is no run {run_id!r} in this store")
    return row


def _newest(connection: Connection, project: str) -> RunRow:
    number = newest_run(connection, project)
    row = None if number is None else find_run(connection, number)
    if row is None:
        raise NotFound(f"There is no run of project {project!r} in this store yet")
    return row
