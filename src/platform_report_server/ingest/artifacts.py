"""Artifacts: a row for each, one file for equal contents."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, insert

from platform_report_server.db import locks
from platform_report_server.db.queries.artifacts import ArtifactRow, find_artifact
from platform_report_server.db.schema import artifact, stale_content
from platform_report_server.ingest.runs import hold_run
from platform_report_server.ingest.writer import Write
from platform_report_server.text import clean


@dataclass(frozen=True)
class NewArtifact:
    """A file, checked, whose content is stored."""

    type: str
    file_name: str
    mime: str
    size: int
    sha256: bytes


def add_artifact(write: Write, project_id: int, run_id: int, seq: int | None, new: NewArtifact) -> ArtifactRow:
    """Store an artifact."""
    hold_run(write, project_id, run_id)
    locks.take(write.connection, locks.Lock.CONTENTS, shared=True)
    write.connection.execute(delete(stale_content).where(stale_content.c.sha256 == new.sha256))
    artifact_id = write.ids()
    write.connection.execute(
        insert(artifact).values(
            project_id=project_id,
            run_id=run_id,
            id=artifact_id,
            seq=seq,
            type=new.type,
            file_name=clean(new.file_name),
            size=new.size,
            mime=new.mime,
            sha256=new.sha256,
            created_at=write.now,
        )
    )
    row = find_artifact(write.connection, run_id, artifact_id)
    if row is None:
        raise LookupError(f"artifact {artifact_id} was just written and is not there")
    return row
