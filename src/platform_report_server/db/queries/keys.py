"""API keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from platform_report_server.db.schema import api_key, project

KeyRow = Row[Any]
"""A row of `api_key` with the public id and the team of its project as `project` and `team_id`."""

_KEYS = select(api_key, project.c.public_id.label("project"), project.c.team_id).join(
    project, project.c.id == api_key.c.project_id
)


def find_key(connection: Connection, key_id: int) -> KeyRow | None:
    """Return a key."""
    return connection.execute(_KEYS.where(api_key.c.id == key_id)).first()


def find_key_by_hash(connection: Connection, key_hash: bytes) -> KeyRow | None:
    """Return the key that was presented."""
    return connection.execute(_KEYS.where(api_key.c.key_hash == key_hash)).first()


def list_keys(connection: Connection, project_id: int) -> list[KeyRow]:
    """Return the keys of a project, the oldest first."""
    return list(connection.execute(_KEYS.where(api_key.c.project_id == project_id).order_by(api_key.c.id)).all())
