"""Projects."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from platform_report_server.db.schema import project
from platform_report_server.ids import IdMaker


def find_project(connection: Connection, public_id: str) -> int | None:
    """Return the project's number, or None while nothing was ever written to it."""
    return connection.execute(select(project.c.id).where(project.c.public_id == public_id)).scalar()


def list_projects(connection: Connection) -> list[str]:
    """Return the public ids, in the order of their names."""
    return list(connection.execute(select(project.c.public_id).order_by(project.c.name)).scalars())


def ensure_project(connection: Connection, public_id: str, ids: IdMaker, now: int) -> int:
    """Return the project's number; make the project on its first use."""
    found = find_project(connection, public_id)
    if found is None:
        found = ids()
        values = {"id": found, "public_id": public_id, "name": public_id, "created_at": now, "updated_at": now}
        connection.execute(insert(project).values(values))
    return found
