"""The list of runs, with what people remember of one to find it by."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server.db.queries.projects import names_of_projects
from platform_report_server.db.queries.run_filters import LOOKED_THROUGH, RunFilter, find_runs
from platform_report_server.db.queries.runs import RunRow, totals_of
from platform_report_server.shown import duration
from platform_report_server.web import _chosen
from platform_report_server.web._chart import Chart, draw
from platform_report_server.web._visit import Visit
from platform_report_server.web.live import version_of_list

_RUNS = 50
_STATUSES = ("running", "passed", "failed", "cancelled")
_ENDED = ("passed", "failed")


async def show_runs(visit: Visit) -> Response:
    project, wanted, chosen = _asked(visit)
    offset = _chosen.offset(visit.request)

    def query(connection: Connection) -> dict[str, Any]:
        names = names_of_projects(connection)
        visible = {each: name for each, name in names.items() if visit.caller.may(each)}
        among = [each for each in visible if project in (None, each)]
        found = find_runs(connection, among, wanted, limit=_RUNS, offset=offset)
        # on a later page, runs that begin would move all others down
        feed = _chosen.feed("/live", version_of_list(connection, visit.caller, project), project)
        return {"found": found, "projects": visible, "one_project": len(among) == 1, "feed": None if offset else feed}

    said = await visit.read(query)
    return visit.page(
        "runs.html",
        **said,
        charts=_trend(said["found"].runs),
        chosen=chosen,
        offset=offset,
        limit=_RUNS,
        statuses=_STATUSES,
        looked_through=LOOKED_THROUGH,
    )


def _asked(visit: Visit) -> tuple[str | None, RunFilter, dict[str, str | None]]:
    """Return the project and the other filters that the address names, and all of them as they are shown again."""
    request = visit.request
    project, branch = (_chosen.chosen(request, name) for name in ("project", "branch"))
    status = _chosen.chosen(request, "status")
    texts = {name: _chosen.words(request, name) for name in ("tag", "author", "search")}
    since, until = _chosen.day(request, "from"), _chosen.day(request, "to")
    wanted = RunFilter(
        status=status if status in _STATUSES else None,
        branch=branch,
        first=_chosen.first_id_of(since),
        before=_chosen.first_id_of(until, days=1),
        **texts,
    )
    days = {name: None if each is None else each.isoformat() for name, each in (("from", since), ("to", until))}
    return project, wanted, {"project": project, "status": wanted.status, "branch": branch} | texts | days


def _trend(rows: Sequence[RunRow]) -> list[Chart]:
    """Return what the runs that have ended show together, the newest at the right."""
    ended = [totals_of(row) for row in reversed(rows) if row.status in _ENDED]
    if len(ended) < 2:
        return []
    rates, durations = [each.pass_rate for each in ended], [each.duration for each in ended]
    low = min(rates)
    of_rates = f"{len(ended)} runs, from {low} % to {max(rates)} %, {rates[-1]} % in the newest"
    of_durations = (
        f"{len(ended)} runs, from {duration(min(durations))} to {duration(max(durations))}, "
        f"half of them within {duration(median(durations))}"
    )
    return [
        draw("Pass rate", of_rates, {"pass rate": rates}, low, max(rates)),
        draw("Duration", of_durations, {"duration": durations}, 0, max(durations)),
    ]
