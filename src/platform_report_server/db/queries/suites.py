"""Suites."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select

from platform_report_server.db.schema import suite


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
