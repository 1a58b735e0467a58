"""Tests by their titles and errors by their messages, for people who look for one of them in all of a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from platform_report_server.db.queries.search import cases_with, has_text
from platform_report_server.db.schema import failure_group, run, test_case

RUNS_WITH_ERRORS = 200
"""Runs with failures, a project's newest ones, whose messages are looked through."""

_MOST_GROUPS = 1000
"""Groups of failures that are put together."""


@dataclass(frozen=True)
class FoundError:
    """What failures of a project's newest runs say, by one signature."""

    signature: bytes
    message: str
    """That of the newest run."""
    newest: int
    """The newest run that has it."""
    oldest: int
    """The oldest one of those looked through."""
    tests: int
    """Tests in the newest run."""
    runs: int


def find_cases(connection: Connection, project_id: int, search: str, limit: int) -> list[Row[Any]]:
    """Return tests with some words in their titles, by their titles; which ones where there are more is open."""
    columns = (test_case.c.id, test_case.c.title, test_case.c.full_title, test_case.c.file_path)
    query: Select[Any] = cases_with(connection, project_id, search).with_only_columns(*columns).limit(limit)
    return sorted(connection.execute(query).all(), key=lambda row: (row.full_title, row.id))


def find_errors(connection: Connection, project_id: int, search: str, limit: int) -> list[FoundError]:
    """Return the errors with some words in them, that of the newest run first."""
    failed = select(run.c.id).where(run.c.project_id == project_id, run.c.status == "failed")
    newest = connection.execute(failed.order_by(run.c.id.desc()).limit(RUNS_WITH_ERRORS)).scalars().all()
    columns = (failure_group.c.run_id, failure_group.c.signature, failure_group.c.tests, failure_group.c.message)
    of_runs = (failure_group.c.project_id == project_id, failure_group.c.run_id.in_(newest))
    groups: Select[Any] = select(*columns).where(*of_runs, has_text(connection, failure_group.c.message, search))
    groups = groups.order_by(failure_group.c.run_id.desc(), failure_group.c.signature).limit(_MOST_GROUPS)
    found: dict[bytes, list[Row[Any]]] = {}
    for row in connection.execute(groups):
        found.setdefault(row.signature, []).append(row)
    return [_error(rows) for rows in found.values()][:limit]


def _error(rows: list[Row[Any]]) -> FoundError:
    newest = rows[0]
    return FoundError(
        newest.signature,
        newest.message,
        newest=newest.run_id,
        oldest=rows[-1].run_id,
        tests=newest.tests,
        runs=len(rows),
    )
