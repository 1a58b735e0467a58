"""Runs by what people remember of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, FromClause, or_, select

from platform_report_server.db.queries.runs import ALL_RUNS, RunRow, list_runs, run_conditions
from platform_report_server.db.queries.search import has_text
from platform_report_server.db.schema import run

LOOKED_THROUGH = 5000
"""Runs, the newest ones, whose rows are read for what no index finds."""

_READ = ("id", "branch", "title", "commit_sha", "commit_message", "commit_author", "tags")


@dataclass(frozen=True)
class RunFilter:
    """What runs to show; None stands for whatever it is."""

    status: str | None = None
    branch: str | None = None
    first: int | None = None
    """The smallest id that they may have: ids grow with time."""
    before: int | None = None
    """The smallest id after them."""
    tag: str | None = None
    author: str | None = None
    """A part of the name of who made the commit."""
    search: str | None = None
    """A part of title, commit message, commit or branch."""

    @property
    def reads_rows(self) -> bool:
        """Tell whether no index finds them."""
        return bool(self.tag or self.author or self.search)


@dataclass(frozen=True)
class FoundRuns:
    """A page of runs."""

    runs: list[RunRow]
    total: int
    oldest: int | None = None
    """The last run that was looked at, where there are older ones."""


def find_runs(
    connection: Connection, projects: Collection[str], wanted: RunFilter, *, limit: int, offset: int
) -> FoundRuns:
    """Return a page of the runs of some projects, newest first."""
    indexed = {name: getattr(wanted, name) for name in ("status", "branch", "first", "before")}
    if not wanted.reads_rows:
        return FoundRuns(*list_runs(connection, projects, **indexed, limit=limit, offset=offset))
    newest = select(*(run.c[name] for name in _READ)).where(*run_conditions(projects, **indexed))
    newest = newest.order_by(run.c.id.desc())
    scope = newest.limit(LOOKED_THROUGH).subquery()
    query = select(scope.c.id).where(*_texts(connection, scope, wanted)).order_by(scope.c.id.desc())
    found = connection.execute(query).scalars().all()
    rest = newest.with_only_columns(run.c.id).offset(LOOKED_THROUGH - 1).limit(2)
    last = connection.execute(rest).scalars().all()
    chosen = ALL_RUNS.where(run.c.id.in_(found[offset : offset + limit]), *run_conditions(projects))
    rows = connection.execute(chosen.order_by(run.c.id.desc())).all()
    return FoundRuns(list(rows), len(found), last[0] if len(last) > 1 else None)


def _texts(connection: Connection, scope: FromClause, wanted: RunFilter) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []

    def has(name: str, text: str) -> ColumnElement[Any]:
        return has_text(connection, scope.c[name], text)

    if wanted.tag:
        where.append(has("tags", msgspec.json.encode(wanted.tag).decode()))
    if wanted.author:
        where.append(has("commit_author", wanted.author))
    if wanted.search:
        names = ("title", "commit_message", "commit_sha", "branch")
        where.append(or_(*(has(name, wanted.search) for name in names)))
    return where
