"""Artifacts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select

from platform_report_server.db.schema import artifact, run, thumbnail

ArtifactRow = Row[Any]

_TOGETHER = 500


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


def own_artifacts(connection: Connection, project_id: int, run_id: int, limit: int | None = None) -> list[ArtifactRow]:
    """Return the artifacts that belong to a run itself, in order of arrival, all or the first ones."""
    query = select(artifact).where(artifact.c.project_id == project_id, artifact.c.run_id == run_id)
    own = query.where(artifact.c.seq.is_(None)).order_by(artifact.c.id).limit(limit)
    return list(connection.execute(own).all())


def find_thumbnail(connection: Connection, sha256: bytes) -> Row[Any] | None:
    """Return a content's thumbnail, as the one column of a row; nothing is in it where the content has none."""
    return connection.execute(select(thumbnail.c.data).where(thumbnail.c.sha256 == sha256)).first()


def without_thumbnail(connection: Connection, contents: Collection[bytes]) -> set[bytes]:
    """Return those of some contents that are known to have no thumbnail."""
    none = select(thumbnail.c.sha256).where(thumbnail.c.data.is_(None))
    return _among(connection, none, thumbnail.c.sha256, contents)


def used_of(connection: Connection, contents: Collection[bytes]) -> set[bytes]:
    """Return those of some contents that artifacts refer to."""
    return _among(connection, select(artifact.c.sha256), artifact.c.sha256, contents)


def contents_after(connection: Connection, sha256: bytes) -> list[bytes]:
    """Return the next contents that artifacts refer to, in order; `b""` is before the first."""
    query = select(artifact.c.sha256).where(artifact.c.sha256 > sha256).distinct()
    return list(connection.execute(query.order_by(artifact.c.sha256).limit(_TOGETHER)).scalars())


def artifacts_of(connection: Connection, sha256: bytes, before: int) -> list[ArtifactRow]:
    """Return the artifacts that refer to a content since before a time."""
    query = select(artifact).where(artifact.c.sha256 == sha256, artifact.c.created_at < before)
    return list(connection.execute(query).all())


def _among(
    connection: Connection, query: Select[Any], column: ColumnElement[bytes], contents: Collection[bytes]
) -> set[bytes]:
    found: set[bytes] = set()
    asked = list(contents)
    for start in range(0, len(asked), _TOGETHER):
        found.update(connection.execute(query.where(column.in_(asked[start : start + _TOGETHER]))).scalars())
    return found
