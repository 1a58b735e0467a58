"""The page of a test."""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.auth.visible import visible_run, visible_test
from platform_report_server.db.details import Detail, read_details
from platform_report_server.db.queries.artifacts import list_artifacts
from platform_report_server.db.queries.flakiness import find_stat
from platform_report_server.db.queries.lanes import lane_of, started_at
from platform_report_server.model import Attempt
from platform_report_server.web import _chosen
from platform_report_server.web._files import part_of_files
from platform_report_server.web._forms import Shown
from platform_report_server.web._history import show_history
from platform_report_server.web._since import since_when
from platform_report_server.web._visit import Visit

_STEPS = 60


async def show(visit: Visit, **forms: Shown) -> Response:
    branch = _chosen.chosen(visit.request, "branch")

    def query(connection: Connection) -> dict[str, Any]:
        test = visible_test(connection, visit.caller, visit.said("test_id"))
        run = visible_run(connection, visit.caller, ids.encode("run", test.run_id))
        key = (test.run_id, test.seq)
        detail = read_details(connection, test.project_id, [key])[key]
        attempts = _attempts(detail)
        shown = [_shortened(each, max(_STEPS // len(attempts), 1)) for each in attempts]
        history = show_history(connection, test.project_id, test.case_id, branch)
        artifacts = list_artifacts(connection, test.project_id, test.run_id, test.seq)
        return {
            "test": test,
            "run": run,
            "lane": lane_of(connection, test),
            "began": started_at(test),
            "detail": detail,
            "attempts": shown,
            "left_out": sum(len(each.steps) for each in attempts) - sum(len(each.steps) for each in shown),
            "role": visit.caller.role_in(test.project) or "viewer",
            "history": history,
            "stat": find_stat(connection, test.project_id, test.case_id),
            "since": since_when(connection, run, test, history["executions"]),
            "artifacts": part_of_files(visit, connection, artifacts),
        }

    return visit.page("test.html", **await visit.read(query), branch=branch, forms=forms)


def _attempts(detail: Detail) -> list[Attempt]:
    """Return the attempts; a result that came without them is its only one."""
    if detail.attempts:
        return detail.attempts
    return [Attempt(attempt=1, steps=detail.steps, stdout=detail.stdout, stderr=detail.stderr)]


def _shortened(attempt: Attempt, most: int) -> Attempt:
    """Return an attempt with no more steps than so many: the first ones that failed, then the first ones."""
    steps = attempt.steps
    if len(steps) <= most:
        return attempt
    failed = [place for place, step in enumerate(steps) if step.error or step.status == "failed"][: most // 2]
    kept = sorted(islice(dict.fromkeys((*failed, *range(len(steps)))), most))
    return msgspec.structs.replace(attempt, steps=[steps[place] for place in kept])
