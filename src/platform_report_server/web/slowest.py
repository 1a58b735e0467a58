"""The page of the slowest tests of a run."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server.auth.visible import visible_run
from platform_report_server.db.queries.slowest import slowest_tests
from platform_report_server.web._visit import Visit

_SLOWEST = 20


async def show(visit: Visit) -> Response:
    def query(connection: Connection) -> dict[str, Any]:
        run = visible_run(connection, visit.caller, visit.said("run_id"))
        tests, together = slowest_tests(connection, run.project_id, run.id, _SLOWEST)
        return {"run": run, "tests": tests, "together": together}

    return visit.page("slowest.html", **await visit.read(query))
