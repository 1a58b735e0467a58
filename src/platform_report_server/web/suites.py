"""The suites of a run, one level at a time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.auth.visible import visible_run
from platform_report_server.db.queries.suites import find_suite, suites_below, tests_of, titles_down_to
from platform_report_server.errors import NotFound
from platform_report_server.web import _chosen
from platform_report_server.web._visit import Visit

_SUITES = 100


async def show(visit: Visit) -> Response:
    under, offset = visit.request.query_params.get("under"), _chosen.offset(visit.request)

    def query(connection: Connection) -> dict[str, Any]:
        run = visible_run(connection, visit.caller, visit.said("run_id"))
        number = ids.decode("suite", under) if under else 0
        above = find_suite(connection, run.project_id, run.id, number) if number else None
        if under and above is None:
            raise NotFound(f"There is no suite {under!r} in this run")
        place = run.project_id, run.id
        suites, total = suites_below(connection, *place, number or 0, limit=_SUITES, offset=offset)
        tests = tests_of(connection, *place, titles_down_to(connection, above), [row for row, _ in suites])
        shown = [(*each, count) for each, count in zip(suites, tests, strict=True)]
        return {"run": run, "above": above, "suites": shown, "total": total}

    return visit.page("suites.html", **await visit.read(query), under=under, offset=offset, limit=_SUITES)
