"""Badges, for pages elsewhere such as a README: images of how a project's newest run ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.auth.badges import opens_badges
from platform_report_server.db.queries.badges import newest_verdict
from platform_report_server.db.queries.flakiness import Summary, summarize
from platform_report_server.db.queries.projects import ProjectRow, find_project_by_number
from platform_report_server.db.queries.runs import RunRow, totals_of
from platform_report_server.errors import NotFound
from platform_report_server.ingest.projects import set_badges
from platform_report_server.ingest.writer import Write
from platform_report_server.services import Services
from platform_report_server.shown import duration
from platform_report_server.text import clean
from platform_report_server.web._badge import draw
from platform_report_server.web._flash import Notes
from platform_report_server.web._visit import Visit
from platform_report_server.web.projects import project_path, visible_project_page
from platform_report_server.web.refuse import refuse_page

_CACHED = "public, max-age=60"
_POLICY = "default-src 'none'; sandbox"


@dataclass(frozen=True)
class _Seen:
    """What there is to tell of a project."""

    run: RunRow | None
    flakiness: Summary | None


async def show(request: Request) -> Response:
    """Answer with a badge; the address is the access."""
    services: Services = request.app.state.services
    name, branch = request.path_params["name"], clean(request.query_params.get("branch") or None)

    def query(connection: Connection) -> _Seen:
        project = _opened(connection, services, request.path_params["project_id"], request.path_params["token"])
        if name == "flakiness":
            return _Seen(None, summarize(connection, project.id))
        return _Seen(newest_verdict(connection, project.id, branch), None)

    try:
        if name not in _WORDS:
            raise NotFound(f"There is no badge {name!r}, only {', '.join(_WORDS)}")
        label, value, colour = _WORDS[name](await services.reader.read(query))
    except Exception as error:
        return refuse_page(error)
    image = draw(label, value, colour).encode()
    etag = f'"{hashlib.sha256(image).hexdigest()[:32]}"'
    headers = {"cache-control": _CACHED, "etag": etag, "content-security-policy": _POLICY}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(image, headers=headers, media_type="image/svg+xml")


async def make(visit: Visit) -> Response:
    def job(write: Write) -> ProjectRow:
        row = visible_project_page(write.connection, visit.caller, visit.said("project_id"))
        return set_badges(write, row, is_on=True)

    row = await visit.write(job)
    return visit.go(project_path(row.id), Notes(told="The addresses of the badges are made."))


async def take_back(visit: Visit) -> Response:
    def job(write: Write) -> ProjectRow:
        row = visible_project_page(write.connection, visit.caller, visit.said("project_id"))
        return set_badges(write, row, is_on=False)

    row = await visit.write(job)
    return visit.go(project_path(row.id), Notes(told="The badges are no longer shown to anybody."))


def _opened(connection: Connection, services: Services, project_id: str, token: str) -> ProjectRow:
    number = ids.decode("proj", project_id)
    row = None if number is None else find_project_by_number(connection, number)
    if row is None or not opens_badges(services.signer, row, token):
        raise NotFound("There is no such badge, or its address was taken back")
    return row


def _status(seen: _Seen) -> tuple[str, str, str]:
    if seen.run is None:
        return "tests", "no runs", "plain"
    is_good = seen.run.status == "passed"
    return "tests", "passing" if is_good else "failing", "good" if is_good else "bad"


def _counts(seen: _Seen) -> tuple[str, str, str]:
    if seen.run is None:
        return _status(seen)
    totals = totals_of(seen.run)
    parts = [(totals.passed, "passed"), (totals.failed, "failed"), (totals.flaky, "flaky"), (totals.skipped, "skipped")]
    told = ", ".join(f"{count:,} {word}" for count, word in parts if count) or "none"
    return "tests", told, "bad" if totals.failed else "unsure" if totals.flaky else "good"


def _duration(seen: _Seen) -> tuple[str, str, str]:
    return "duration", duration(totals_of(seen.run).duration) if seen.run else "no runs", "plain"


def _flakiness(seen: _Seen) -> tuple[str, str, str]:
    count = seen.flakiness.flaky if seen.flakiness else 0
    return "flaky tests", f"{count:,}", "unsure" if count else "good"


_WORDS: dict[str, Callable[[_Seen], tuple[str, str, str]]] = {
    "status": _status,
    "tests": _counts,
    "duration": _duration,
    "flakiness": _flakiness,
}
