"""The pages of one run and of one test."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.auth.visible import visible_run, visible_test
from platform_report_server.clock import now_ms
from platform_report_server.db.details import Detail, read_details
from platform_report_server.db.queries.artifacts import ArtifactRow, list_artifacts, own_artifacts
from platform_report_server.db.queries.flakiness import find_stat
from platform_report_server.db.queries.lanes import lane_of, started_at
from platform_report_server.db.queries.projects import load_project
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.db.queries.suites import has_suites, words_of_shards
from platform_report_server.db.queries.tests import TestRow, list_tests
from platform_report_server.db.schema import RESULT_STATUSES
from platform_report_server.model import Attempt
from platform_report_server.web import _chosen
from platform_report_server.web._failures import group_id, list_members, show_groups
from platform_report_server.web._files import shown_files
from platform_report_server.web._forms import Shown
from platform_report_server.web._history import show_history
from platform_report_server.web._remarks import receipt, remarks
from platform_report_server.web._since import since_when
from platform_report_server.web._visit import Visit
from platform_report_server.web.live import version_of_run

_TESTS = 100
_GROUPS = 10
_FILES, _FILES_SHOWN = 1000, 30
_STEPS = 60
_LATE_MS = 3600 * 1000


async def show_run(visit: Visit) -> Response:
    chosen = {name: _chosen.chosen(visit.request, name) for name in ("status", "search", "group")}
    status = chosen["status"] if chosen["status"] in RESULT_STATUSES else None
    group = group_id(chosen["group"])
    if group is None and chosen["group"] != "all":
        chosen["group"] = None
    offset = _chosen.offset(visit.request)

    def query(connection: Connection) -> dict[str, Any]:
        run = visible_run(connection, visit.caller, visit.said("run_id"))
        is_all = chosen["group"] == "all"
        groups = show_groups(connection, run, _TESTS, offset) if is_all else show_groups(connection, run, _GROUPS)
        if is_all:
            tests, total = list[TestRow](), groups.count
        elif group:
            tests, total = list_members(connection, run, group, limit=_TESTS, offset=offset)
        else:
            tests, total = list_tests(
                connection,
                run.project_id,
                run_id=run.id,
                status=status,
                search=chosen["search"],
                limit=_TESTS,
                offset=offset,
            )
        words = words_of_shards(connection, run.project_id, run.id)
        artifacts = own_artifacts(connection, run.project_id, run.id, _FILES)
        return {
            "run": run,
            "feed": _feed_of_run(connection, run) if _may_change(run) else None,
            "project": load_project(connection, run.project),
            "metadata": msgspec.json.decode(run.metadata),
            "tests": tests,
            "total": total,
            "groups": groups,
            "remarks": remarks(run, words, groups.crashed),
            "receipt": receipt(run),
            "has_suites": has_suites(connection, run.project_id, run.id),
            "artifacts": _part_of_files(visit, connection, artifacts),
        }

    found = await visit.read(query)
    return visit.page("run.html", **found, chosen=chosen, offset=offset, limit=_TESTS, statuses=RESULT_STATUSES)


async def show_test(visit: Visit, **forms: Shown) -> Response:
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
            "artifacts": _part_of_files(visit, connection, artifacts),
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


def _part_of_files(visit: Visit, connection: Connection, rows: list[ArtifactRow]) -> _chosen.Part:
    part = _chosen.part(visit.request, "files", rows, _FILES_SHOWN)
    return replace(part, rows=shown_files(visit, connection, part.rows, rows))


def _may_change(run: RunRow) -> bool:
    """Tell whether a run goes on, or may get what is late or of another of its shards."""
    return run.finished_at is None or now_ms() - run.updated_at < _LATE_MS


def _feed_of_run(connection: Connection, run: RunRow) -> str:
    return _chosen.feed(f"/runs/{ids.encode('run', run.id)}/live", version_of_run(connection, run))
