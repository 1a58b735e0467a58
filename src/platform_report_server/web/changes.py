"""The page of what a run has changed against an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server.auth.visible import visible_run
from platform_report_server.comparisons import Comparisons
from platform_report_server.db.queries.changes import KINDS, Changes, runs_before
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.db.queries.tests import TestRow, tests_at
from platform_report_server.web._since import commits_between
from platform_report_server.web._visit import Visit

_OFFERED = 20


@dataclass(frozen=True)
class ShownChange:
    """A test, and how long it took in either run; None where the run does not have it."""

    test: TestRow
    duration: float
    before: float | None


@dataclass(frozen=True)
class ShownChanges:
    """The first tests of one kind, and how many there are."""

    kind: str
    total: int
    shown: list[ShownChange]


async def show(visit: Visit) -> Response:
    """Compare with the last run of the branch that was not cut short, or with the run that is asked for."""

    def query(connection: Connection) -> dict[str, Any]:
        run = visible_run(connection, visit.caller, visit.said("run_id"))
        of_branch = runs_before(connection, run, _OFFERED, is_of_branch=True)
        others = runs_before(connection, run, _OFFERED, is_of_branch=False)
        asked = visit.request.query_params.get("against")
        against = next((each for each in of_branch if each.status != "cancelled"), None)
        if asked:
            against = visible_run(connection, visit.caller, asked, run.project)
        return {
            "run": run,
            "against": against,
            "commits": None if against is None else commits_between(against, run),
            "of_branch": of_branch,
            "others": [each for each in others if each.branch != run.branch],
            "changes": [] if against is None else _compare(visit.services.comparisons, connection, run, against),
        }

    return visit.page("changes.html", **await visit.read(query))


def _compare(comparisons: Comparisons, connection: Connection, run: RunRow, against: RunRow) -> list[ShownChanges]:
    found = comparisons.between(connection, run, against)
    # what a run that goes on does not have may still come
    kinds = [kind for kind in KINDS if kind != "gone" or run.finished_at is not None]
    return [_named(connection, kind, found[kind], against if kind == "gone" else run) for kind in kinds]


def _named(connection: Connection, kind: str, changes: Changes, run: RunRow) -> ShownChanges:
    rows = tests_at(connection, run.project_id, [(run.id, change.seq) for change in changes.first])
    by_seq = {row.seq: row for row in rows}
    shown = [
        ShownChange(by_seq[change.seq], change.duration, change.before)
        for change in changes.first
        if change.seq in by_seq
    ]
    return ShownChanges(kind, changes.total, shown)
