"""What goes from a store by command: runs past their time, files without a row. What lacks its file is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection

from platform_report_server import ids
from platform_report_server.clock import now_ms
from platform_report_server.db.engine import Database, open_database
from platform_report_server.db.queries.artifacts import artifacts_of, contents_after, used_of
from platform_report_server.errors import StoreError
from platform_report_server.ids import IdMaker
from platform_report_server.ingest.contents import forget_contents, settle_stale, take_stale
from platform_report_server.ingest.retention import Gone, count_expired, expire
from platform_report_server.ingest.writer import Write
from platform_report_server.settings import Settings
from platform_report_server.storage.store import ArtifactStore, Stored, open_artifacts

_DAY_SECONDS = 24 * 3600
_TOGETHER = 500


@dataclass(frozen=True)
class Pruned:
    """What went, or would go, and what is missing."""

    expired: Gone
    orphans: int
    """Files that are here for a day or longer, without a row."""
    missing: list[str]
    """The artifacts whose file is not there, in words."""


def prune(settings: Settings, *, is_dry: bool = False) -> Pruned:
    """Delete what is past its time, beside a server or not. A dry one only counts."""
    if isinstance(settings.database, Path) and not settings.database.exists():
        raise StoreError(f"{settings.database}: there is no store")
    database = open_database(settings.database)
    try:
        files = open_artifacts(settings.artifacts, settings.staging)
        expired = _count(database) if is_dry else _expire(database)
        since, present, orphans = now_ms(), set[bytes](), 0
        for some in _batches(files.list()):
            present.update(each.sha256 for each in some)
            old = [each.sha256 for each in some if each.modified < since / 1000 - _DAY_SECONDS]
            with database.reading() as connection:
                used = used_of(connection, old)
            nobodys = [sha256 for sha256 in old if sha256 not in used]
            orphans += len(nobodys)
            if nobodys and not is_dry:
                with database.writing() as connection:
                    forget_contents(_write(connection), nobodys)
        if not is_dry:
            files.sweep_drafts()
            _sweep(database, files)
        return Pruned(expired, orphans, list(_missing(database, present, since)))
    finally:
        database.close()


def _count(database: Database) -> Gone:
    with database.reading() as connection:
        return count_expired(connection, now_ms())


def _expire(database: Database) -> Gone:
    expired = Gone()
    while True:
        with database.writing() as connection:
            gone = expire(_write(connection))
        if gone is None:
            return expired
        expired += gone


def _sweep(database: Database, files: ArtifactStore) -> None:
    while True:
        with database.writing() as connection:
            contents = take_stale(_write(connection))
        if not contents:
            return
        files.remove(contents)
        with database.writing() as connection:
            settle_stale(_write(connection), contents)


def _missing(database: Database, present: set[bytes], since: int) -> Iterator[str]:
    """Name what lacks its file. Files are there before their rows, and go after them."""
    last = b""
    while True:
        with database.reading() as connection:
            contents = contents_after(connection, last)
            if not contents:
                return
            for sha256 in contents:
                if sha256 not in present:
                    for row in artifacts_of(connection, sha256, since):
                        yield f"{row.file_name} of {ids.encode('run', row.run_id)}"
        last = contents[-1]


def _batches(stored: Iterator[Stored]) -> Iterator[list[Stored]]:
    while some := list(islice(stored, _TOGETHER)):
        yield some


def _write(connection: Connection) -> Write:
    return Write(connection, IdMaker(), now_ms())
