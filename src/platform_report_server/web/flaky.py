"""The page of a project's flaky tests."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, get_args
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from platform_report_server.db.queries.flakiness import SEARCHED, WINDOW, Wanted, list_flakiness, summarize
from platform_report_server.model import FlakinessBand
from platform_report_server.web import _chosen
from platform_report_server.web._forms import Shown
from platform_report_server.web._visit import Visit
from platform_report_server.web.projects import visible_project_page

_TESTS = 50
_BANDS: dict[str, FlakinessBand] = {word: word for word in get_args(FlakinessBand) if word != "stable"}
_QUARANTINED = {"yes": True, "no": False}
_FILTERS = ("band", "quarantined", "search", "file", "offset")


def filters_of(request: Request) -> str:
    """Return the part of an address that says the same filters as the request's."""
    said = {name: request.query_params[name] for name in _FILTERS if request.query_params.get(name)}
    return f"?{urlencode(said)}" if said else ""


async def show(visit: Visit, picked: Collection[str] = (), **forms: Shown) -> Response:
    request = visit.request
    chosen = {name: _chosen.words(request, name) for name in _FILTERS[:-1]}
    offset = _chosen.offset(request)
    wanted = Wanted(
        band=_BANDS.get(chosen["band"] or ""),
        quarantined=_QUARANTINED.get(chosen["quarantined"] or ""),
        # of those in quarantine, all are looked for: who was flaky may be stable by now
        is_flaky=chosen["quarantined"] != "yes",
        search=chosen["search"],
        file=chosen["file"],
    )

    def query(connection: Connection) -> dict[str, Any]:
        row = visible_project_page(connection, visit.caller, visit.said("project_id"))
        tests, total = list_flakiness(connection, row.id, wanted, limit=_TESTS, offset=offset)
        return {
            "project": row,
            "role": visit.caller.role_in(row.public_id) or "viewer",
            "tests": tests,
            "total": total,
            "summary": summarize(connection, row.id),
        }

    found = await visit.read(query)
    return visit.page(
        "flaky.html",
        **found,
        chosen=chosen,
        offset=offset,
        limit=_TESTS,
        bands=list(_BANDS),
        searched=SEARCHED,
        window=WINDOW,
        filters=filters_of(request),
        picked=picked,
        forms=forms,
    )
