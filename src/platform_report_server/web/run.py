"""The page of a run."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.auth.visible import visible_run
from platform_report_server.clock import now_ms
from platform_report_server.db.queries.artifacts import own_artifacts
from platform_report_server.db.queries.projects import load_project
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.db.queries.suites import has_suites, words_of_shards
from platform_report_server.db.queries.tests import TestRow, list_tests
from platform_report_server.db.schema import RESULT_STATUSES
from platform_report_server.web import _chosen
from platform_report_server.web._failures import group_id, list_members, show_groups
from platform_report_server.web._files import part_of_files
from platform_report_server.web._remarks import receipt, remarks
from platform_report_server.web._visit import Visit
from platform_report_server.web.live import version_of_run

_TESTS = 100
_GROUPS = 10
_FILES = 1000
_LATE_MS = 3600 * 1000


async def show(visit: Visit) -> Response:
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
            "artifacts": part_of_files(visit, connection, artifacts),
        }

    found = await visit.read(query)
    return visit.page("run.html", **found, chosen=chosen, offset=offset, limit=_TESTS, statuses=RESULT_STATUSES)


def _may_change(run: RunRow) -> bool:
    """Tell whether a run goes on, or may get what is late or of another of its shards."""
    return run.finished_at is None or now_ms() - run.updated_at < _LATE_MS


def _feed_of_run(connection: Connection, run: RunRow) -> str:
    return _chosen.feed(f"/runs/{ids.encode('run', run.id)}/live", version_of_run(connection, run))
