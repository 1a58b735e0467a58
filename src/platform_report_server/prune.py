"""What goes from a store by command: runs past their time, files without a row. What lacks its file is told."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial

from platform_report_server import ids
from platform_report_server.clock import now_ms
from platform_report_server.db.engine import Database, open_existing
from platform_report_server.file_check import check_shelf, in_pieces
from platform_report_server.ingest.contents import forget_contents, settle_stale, take_stale
from platform_report_server.ingest.file_checks import SHELVES
from platform_report_server.ingest.retention import Gone, count_expired, expire
from platform_report_server.ingest.writer import do_alone
from platform_report_server.settings import Settings
from platform_report_server.storage.store import ArtifactStore, open_artifacts


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
    with closing(open_existing(settings.database)) as database:
        files = open_artifacts(settings.artifacts, settings.staging)
        expired = _count(database) if is_dry else _expire(database)
        orphans, missing = 0, list[str]()
        for shelf in SHELVES:
            found = check_shelf(database, files, shelf)
            orphans += len(found.orphans)
            missing += [f"{row.file_name} of {ids.encode('run', row.run_id)}" for row in found.missing]
            for some in [] if is_dry else in_pieces(found.orphans):
                do_alone(database, partial(forget_contents, contents=some))
        if not is_dry:
            files.sweep_drafts()
            _sweep(database, files)
        return Pruned(expired, orphans, missing)


def _count(database: Database) -> Gone:
    with database.reading() as connection:
        return count_expired(connection, now_ms())


def _expire(database: Database) -> Gone:
    expired = Gone()
    while (gone := do_alone(database, expire)) is not None:
        expired += gone
    return expired


def _sweep(database: Database, files: ArtifactStore) -> None:
    while contents := do_alone(database, take_stale):
        files.remove(contents)
        do_alone(database, partial(settle_stale, contents=contents))
