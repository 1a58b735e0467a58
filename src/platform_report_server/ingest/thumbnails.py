"""Thumbnails: a row for each content that somebody asked for; they go with the content."""

from __future__ import annotations

from sqlalchemy import exists, insert, select

from platform_report_server.db import locks
from platform_report_server.db.schema import artifact, thumbnail
from platform_report_server.ingest.writer import Write


def keep_thumbnail(write: Write, sha256: bytes, data: bytes | None) -> None:
    """Store a content's thumbnail, or that it has none, if artifacts still refer to it."""
    locks.take(write.connection, locks.Lock.CONTENTS, shared=True)
    is_used = exists().where(artifact.c.sha256 == sha256)
    is_there = exists().where(thumbnail.c.sha256 == sha256)
    if write.connection.execute(select(is_used & ~is_there)).scalar():
        write.connection.execute(insert(thumbnail).values(sha256=sha256, data=data))
