"""What a webhook is told: of a run that has ended, or of nothing, to see whether it is heard."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from sqlalchemy import Connection, select

from platform_report_server import ids
from platform_report_server.clock import iso
from platform_report_server.db.queries.runs import RunRow, totals_of
from platform_report_server.db.queries.tests import list_tests
from platform_report_server.db.schema import project
from platform_report_server.model import Event

FAILED_TOLD = 20
"""Failed tests that a message names; how many there are is in its totals."""

_LONGEST = 500


class ToldProject(Struct, rename="camel"):
    """The project that it is about."""

    id: str
    name: str


class ToldRun(Struct, rename="camel"):
    """A run as it stood when it ended."""

    id: str
    status: str
    title: str | None
    branch: str | None
    commit_sha: str | None
    commit_message: str | None
    commit_author: str | None
    ci_provider: str | None
    ci_build_id: str | None
    ci_build_url: str | None
    total_tests: int
    passed_tests: int
    failed_tests: int
    skipped_tests: int
    flaky_tests: int
    pass_rate: float
    duration: float
    created_at: str
    finished_at: str | None


class ToldTest(Struct, rename="camel"):
    """A test that failed."""

    id: str
    full_title: str
    file_path: str | None
    message: str | None


class Message(Struct, rename="camel"):
    """What happened; it is kept as JSON, and the server's own address is added when it is sent."""

    event: Event | Literal["ping"]
    project: ToldProject
    run: ToldRun | None = None
    failed_tests: list[ToldTest] = []


def told_project(connection: Connection, project_id: int) -> ToldProject:
    """Return what is told of a project."""
    row = connection.execute(select(project.c.public_id, project.c.name).where(project.c.id == project_id)).one()
    return ToldProject(row.public_id, row.name)


def told_run(row: RunRow) -> ToldRun:
    """Return what is told of a run."""
    totals = totals_of(row)
    return ToldRun(
        id=ids.encode("run", row.id),
        status=row.status,
        title=_cut(row.title),
        branch=_cut(row.branch),
        commit_sha=_cut(row.commit_sha),
        commit_message=_cut(row.commit_message),
        commit_author=_cut(row.commit_author),
        ci_provider=_cut(row.ci_provider),
        ci_build_id=_cut(row.ci_build_id),
        # half an address leads elsewhere
        ci_build_url=row.ci_build_url if len(row.ci_build_url or "") <= 4 * _LONGEST else None,
        total_tests=totals.total,
        passed_tests=totals.passed,
        failed_tests=totals.failed,
        skipped_tests=totals.skipped,
        flaky_tests=totals.flaky,
        pass_rate=totals.pass_rate,
        duration=totals.duration,
        created_at=iso(row.created_at),
        finished_at=None if row.finished_at is None else iso(row.finished_at),
    )


def first_failed(connection: Connection, row: RunRow) -> list[ToldTest]:
    """Return the first tests of a run that failed."""
    rows, _ = list_tests(connection, row.project_id, run_id=row.id, status="failed", limit=FAILED_TOLD, offset=0)
    return [
        ToldTest(ids.test_id(each.run_id, each.seq), each.full_title[:_LONGEST], _cut(each.file_path), each.message)
        for each in rows
    ]


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
