"""The page of who ran what when in a run."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server.auth.visible import visible_run
from platform_report_server.db.queries.lanes import list_lanes
from platform_report_server.db.queries.tests import tests_at
from platform_report_server.db.queries.timeline import extent_of, pieces_of
from platform_report_server.web import _chosen
from platform_report_server.web._timeline import WIDTH, arrange
from platform_report_server.web._visit import Visit

_LANES = 20
_PIECES = 2000
"""Of all lanes; and of one, at most:"""
_OF_LANE = 500


async def show(visit: Visit) -> Response:
    """Draw the lanes, and say which of them the run had to wait for."""
    offset = _chosen.offset(visit.request)

    def query(connection: Connection) -> dict[str, Any]:
        run = visible_run(connection, visit.caller, visit.said("run_id"))
        extent = extent_of(connection, run.project_id, run.id)
        if extent is None:
            return {"run": run, "timeline": None}
        lanes = list_lanes(connection, run.project_id, run.id)
        most = min(_PIECES // max(len(lanes), 1), _OF_LANE)
        timeline = arrange(lanes, pieces_of(connection, run.project_id, run.id, extent, most))
        shown = timeline.lanes[offset : offset + _LANES]
        named = timeline.at_end + [piece for lane in shown for piece in lane.slowest]
        rows = tests_at(connection, run.project_id, [(run.id, seq) for seq in {piece.seq for piece in named}])
        return {"run": run, "timeline": timeline, "shown": shown, "tests": {row.seq: row for row in rows}}

    return visit.page("timeline.html", **await visit.read(query), offset=offset, limit=_LANES, width=WIDTH)
