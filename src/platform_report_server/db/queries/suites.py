"""Suites."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, select

from platform_report_server.db.schema import suite

SHARDS = "shards"
"""The suite, without a file, in which shards leave word."""

_MOST_WORDS = 5000


@dataclass
class Branch:
    """A suite with those below it."""

    suite: Row[Any]
    children: list[Branch] = field(default_factory=list)


def suite_tree(connection: Connection, project_id: int, run_id: int) -> list[Branch]:
    """Return the suites at the top of a run, in order of arrival."""
    query = select(suite).where(suite.c.project_id == project_id, suite.c.run_id == run_id).order_by(suite.c.id)
    branches = {row.id: Branch(row) for row in connection.execute(query)}
    top: list[Branch] = []
    for branch in branches.values():
        parent = branches.get(branch.suite.parent_id)
        (top if parent is None else parent.children).append(branch)
    return top


def find_suite(connection: Connection, project_id: int, run_id: int, suite_id: int) -> Row[Any] | None:
    """Return a suite of a run."""
    this = (suite.c.project_id == project_id, suite.c.run_id == run_id, suite.c.id == suite_id)
    return connection.execute(select(suite).where(*this)).first()


def suites_below(
    connection: Connection, project_id: int, run_id: int, parent_id: int, *, limit: int, offset: int
) -> tuple[list[tuple[Row[Any], int]], int]:
    """Return a page of the suites right below one (0: at the top) by file and title, and how many there are.

    With each comes how many suites are right below it.
    """
    of_run = (suite.c.project_id == project_id, suite.c.run_id == run_id)
    here = (*of_run, suite.c.parent_id == parent_id)
    page = select(suite).where(*here).order_by(suite.c.file_path, suite.c.title).limit(limit).offset(offset)
    rows = connection.execute(page).all()
    total = connection.execute(select(func.count()).select_from(suite).where(*here)).scalar_one()
    inner = select(suite.c.parent_id, func.count()).where(*of_run, suite.c.parent_id.in_([row.id for row in rows]))
    below: dict[int, int] = dict(map(tuple, connection.execute(inner.group_by(suite.c.parent_id))))
    return [(row, below.get(row.id, 0)) for row in rows], total


def has_suites(connection: Connection, project_id: int, run_id: int) -> bool:
    """Tell whether a run has a suite."""
    of_run = (suite.c.project_id == project_id, suite.c.run_id == run_id)
    return connection.execute(select(suite.c.id).where(*of_run).limit(1)).first() is not None


def words_of_shards(connection: Connection, project_id: int, run_id: int) -> list[str]:
    """Return what the shards of a run have left word of."""
    of_run = (suite.c.project_id == project_id, suite.c.run_id == run_id)
    place = (suite.c.parent_id == 0, suite.c.file_path == "", suite.c.title == SHARDS)
    parent = select(suite.c.id).where(*of_run, *place).scalar_subquery()
    words = select(suite.c.title).where(*of_run, suite.c.parent_id == parent).limit(_MOST_WORDS)
    return list(connection.execute(words).scalars())
