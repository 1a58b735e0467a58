"""How a project goes over weeks, and which of its tests became slower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.clock import now_ms
from platform_report_server.db.queries.flakiness import summarize
from platform_report_server.db.queries.trends import MOST_RUNS, SLOWEST, ended_runs, find_movers
from platform_report_server.shown import duration
from platform_report_server.web import _chosen
from platform_report_server.web._chart import Chart, Values, draw
from platform_report_server.web._stretches import HOUR_MS, LENGTHS, Stretch, begins, cut
from platform_report_server.web._visit import Visit
from platform_report_server.web.projects import visible_project_page

_DAYS = 30


async def show(visit: Visit) -> Response:
    branch, days = _asked(visit)
    now = now_ms()

    def query(connection: Connection) -> dict[str, Any]:
        row = visible_project_page(connection, visit.caller, visit.said("project_id"))
        runs = ended_runs(connection, row.id, branch, ids.first_id(begins(days, now)))
        return {"project": row, "runs": runs, "flakiness": summarize(connection, row.id)}

    said = await visit.read(query)
    runs = said.pop("runs")
    stretches = cut(runs[:MOST_RUNS], days, now)
    return visit.page(
        "trends.html",
        **said,
        **_choices(branch, days),
        stretches=stretches,
        hours=LENGTHS[days] // HOUR_MS,
        count=min(len(runs), MOST_RUNS),
        is_cut=len(runs) > MOST_RUNS,
        charts=_charts(stretches),
    )


async def show_movers(visit: Visit) -> Response:
    branch, days = _asked(visit)

    def query(connection: Connection) -> dict[str, Any]:
        row = visible_project_page(connection, visit.caller, visit.said("project_id"))
        first = ids.first_id(begins(days, now_ms()))
        return {"project": row, "found": find_movers(connection, row.id, branch, first)}

    return visit.page("movers.html", **await visit.read(query), **_choices(branch, days), slowest=SLOWEST)


def _asked(visit: Visit) -> tuple[str | None, int]:
    said = visit.request.query_params.get("days")
    return _chosen.chosen(visit.request, "branch"), next((each for each in LENGTHS if str(each) == said), _DAYS)


def _choices(branch: str | None, days: int) -> dict[str, Any]:
    return {"chosen": {"branch": branch, "days": days}, "periods": list(LENGTHS)}


def _charts(stretches: Sequence[Stretch]) -> list[Chart]:
    """Return the pictures of what there is to tell."""
    rates: Values = [each.pass_rate for each in stretches]
    times: dict[str, Values] = {
        "p50": [each.p50 for each in stretches],
        "p90": [each.p90 for each in stretches],
        "p99": [each.p99 for each in stretches],
    }
    percent: Callable[[float], str] = "{:.2f} %".format
    number: Callable[[float], str] = "{:g}".format
    charts = [
        _draw("Pass rate", {"pass rate": rates}, percent, min((each for each in rates if each is not None), default=0)),
        _draw("Duration of runs", times, duration),
        _draw("Flaky tests a run", {"flaky": [each.flaky for each in stretches]}, number),
        _draw("Tests of the largest run", {"tests": [each.tests for each in stretches]}, number),
    ]
    return [each for each in charts if each is not None]


def _draw(name: str, series: dict[str, Values], shown: Callable[[float], str], low: float = 0) -> Chart | None:
    words, all_values = [], []
    for each, values in series.items():
        known = [value for value in values if value is not None]
        all_values += known
        if known:
            text = f"from {shown(min(known))} to {shown(max(known))}, {shown(known[-1])} at the end"
            words.append(text if len(series) == 1 else f"{each} {text}")
    return draw(name, "; ".join(words), series, low, max(all_values)) if words else None
