"""Artifacts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from platform_report_server.db.schema import artifact, run

ArtifactRow = Row[Any]


def find_artifact(connection: Connection, run_id: int, artifact_id: int) -> ArtifactRow | None:
    """Return one artifact."""
    owner = select(run.c.project_id).where(run.c.id == run_id).scalar_subquery()
    query = select(artifact).where(
        artifact.c.project_id == owner, artifact.c.run_id == run_id, artifact.c.id == artifact_id
    )
    return connection.execute(query).first()


def find_contents(connection: Connection, project_id: int, run_id: int, sha256: bytes) -> list[tuple[int, str]]:
    """Return size and media type of a content, as the artifacts of a run have it; none where no artifact does."""
    query = select(artifact.c.size, artifact.c.mime).where(
        artifact.c.project_id == project_id, artifact.c.run_id == run_id, artifact.c.sha256 == sha256
    )
    return [(size, mime) for size, mime in connection.execute(query.distinct())]


def list_artifacts(connection: Connection, project_id: int, run_id: int, seq: int | None = None) -> list[ArtifactRow]:
    """Return the artifacts of a run, or of one result in it, in order of arrival."""
    query = select(artifact).where(artifact.c.project_id == project_id, artifact.c.run_id == run_id)
    if seq is not None:
        query = query.where(artifact.c.seq == seq)
    return list(connection.execute(query.order_by(artifact.c.id)).all())
