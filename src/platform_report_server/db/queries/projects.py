"""Projects."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, select

from platform_report_server.db.schema import project

ProjectRow = Row[Any]


def find_project(connection: Connection, public_id: str) -> int | None:
    """Return the project's number, or None while nothing was ever written to it."""
    return connection.execute(select(project.c.id).where(project.c.public_id == public_id)).scalar()


def find_team_of(connection: Connection, public_id: str) -> int | None:
    """Return the number of the project's team, or None while there is no such project."""
    return connection.execute(select(project.c.team_id).where(project.c.public_id == public_id)).scalar()


def load_project(connection: Connection, public_id: str) -> ProjectRow | None:
    """Return all of a project."""
    return connection.execute(select(project).where(project.c.public_id == public_id)).first()


def find_project_by_number(connection: Connection, number: int) -> ProjectRow | None:
    """Return all of a project."""
    return connection.execute(select(project).where(project.c.id == number)).first()


def projects_of(connection: Connection, team_id: int) -> list[ProjectRow]:
    """Return the projects of a team, the oldest first."""
    return list(connection.execute(select(project).where(project.c.team_id == team_id).order_by(project.c.id)).all())


def names_of_projects(connection: Connection) -> dict[str, str]:
    """Return the name of each project by its public id, in the order of the names."""
    query = select(project.c.public_id, project.c.name).order_by(project.c.name, project.c.id)
    return {row.public_id: row.name for row in connection.execute(query)}


def numbers_of_projects(connection: Connection, public_ids: Collection[str]) -> dict[str, int]:
    """Return the numbers of some projects by their public ids, in the order of the names."""
    query = select(project.c.public_id, project.c.id).where(project.c.public_id.in_(public_ids))
    return {row.public_id: row.id for row in connection.execute(query.order_by(project.c.name, project.c.id))}
