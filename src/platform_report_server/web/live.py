"""What pages follow: events that tell which runs changed, to whoever may see those at that moment."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.auth.caller import Caller
from platform_report_server.auth.visible import visible_run
from platform_report_server.db.queries.runs import RunRow, totals_of
from platform_report_server.db.queries.states import RunState, states_of
from platform_report_server.errors import Forbidden, NotFound, Unauthorized
from platform_report_server.live import Listener, Subject, View, look
from platform_report_server.streams import EventStream
from platform_report_server.web._visit import Visit

_HEARTBEAT_SECONDS = 15.0
_RETRY_MS = 3000
_TOLD = 50

_log = logging.getLogger("platform_report_server")


async def follow_runs(visit: Visit) -> Response:
    """Tell of the runs of one project, or of all that somebody sees."""
    project = visit.request.query_params.get("project") or None
    return _follow(visit, lambda caller: _listed(caller, project))


async def follow_run(visit: Visit) -> Response:
    """Tell of one run."""
    run = await visit.read(lambda connection: visible_run(connection, visit.caller, visit.said("run_id")))

    def subject(caller: Caller) -> Subject:
        if not caller.may(run.project):
            raise NotFound("There is no such run")
        return int(run.id)

    return _follow(visit, subject)


def version_of_list(connection: Connection, caller: Caller, project: str | None) -> str:
    """Return from where on a list that is shown now is followed."""
    return look(connection).view(_listed(caller, project)).version


def version_of_run(connection: Connection, run: RunRow) -> str:
    """Return from where on a run that is shown now is followed."""
    return View(states_of(connection, [run.id])).version


def _listed(caller: Caller, project: str | None) -> Subject:
    if project is not None:
        return frozenset({project} if caller.may(project) else ())
    return None if caller.projects is None else frozenset(caller.projects)


def _follow(visit: Visit, subject: Callable[[Caller], Subject]) -> Response:
    if visit.request.method == "HEAD":
        return Response(media_type="text/event-stream")
    listener = visit.services.live.listen(subject(visit.caller), visit.caller.identity or "by the link")
    seen = visit.request.headers.get("last-event-id") or visit.request.query_params.get("since")
    return EventStream(_Following(visit, listener, subject, seen).events(), listener.close)


@dataclass
class _Following:
    visit: Visit
    listener: Listener
    subject: Callable[[Caller], Subject]
    """Returns what there is for somebody to see, or refuses."""
    seen: str | None
    """The version that the page shows."""

    async def events(self) -> AsyncIterator[str]:
        yield f"retry: {_RETRY_MS}"
        last, subject, before = None, self.listener.subject, View({})
        beat = monotonic() + _HEARTBEAT_SECONDS
        while True:
            snapshot = await self.listener.newer(last, max(beat - monotonic(), 0))
            if snapshot is not None:
                last, shown = snapshot, snapshot.view(subject)
                if shown.version == self.seen:
                    before = shown
                    continue
            try:
                subject = await self._allowed()
            except (Unauthorized, Forbidden, NotFound):
                yield "event: over\ndata: {}"
                return
            except Exception as error:
                _log.error("a page cannot follow its runs: %s", error)  # its browser comes back
                return
            if snapshot is None:
                yield ": nothing new"
            else:
                after = snapshot.view(subject)
                yield _event(before, after)
                self.seen, before = after.version, after
            beat = monotonic() + _HEARTBEAT_SECONDS

    async def _allowed(self) -> Subject:
        """Return what may be seen now: roles and sessions end while somebody looks."""
        caller = await self.visit.services.access.caller(self.visit.request)
        return self.subject(caller.calling("viewer"))


def _event(before: View, after: View) -> str:
    changed = [number for number, state in after.runs.items() if before.runs.get(number) != state]
    told = [_told(number, after.runs[number]) for number in sorted(changed, reverse=True)[:_TOLD]]
    return f"id: {after.version}\nevent: changed\ndata: {msgspec.json.encode({'runs': told}).decode()}"


def _told(number: int, state: RunState) -> dict[str, Any]:
    return {
        "id": ids.encode("run", number),
        "projectId": state.project,
        "status": state.status,
        **asdict(totals_of(state)),
    }
