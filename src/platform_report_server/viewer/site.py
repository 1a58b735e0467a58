"""What is answered under the viewer's name: its files, and traces to whoever has a link; nothing else of ours."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from platform_report_server import ids
from platform_report_server.auth.links import check_trace_link
from platform_report_server.db.queries.artifacts import find_artifact
from platform_report_server.errors import ApiError, NotFound
from platform_report_server.files import Download, File
from platform_report_server.headers import host_name
from platform_report_server.services import Services
from platform_report_server.settings import Settings
from platform_report_server.viewer.files import WORKER, Viewer
from platform_report_server.viewer.place import host_of

_GUARD = Path(__file__).with_name("guard.js")
_TRACE = re.compile("/traces/([A-Za-z0-9_]{1,100})")
_RULES = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
}
_OF_TRACES = {"content-security-policy": "default-src 'none'; sandbox", "cache-control": "private, max-age=3600"}
# its styles are made by scripts; what it draws from a trace is kept in by guard.js
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' blob:; frame-src 'self' data:; worker-src 'self'; manifest-src 'self'; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'self'"
)


class TraceSite:
    """Middleware that answers every request to the viewer's name, so that none of them gets any further."""

    def __init__(self, app: ASGIApp, *, settings: Settings, viewer: Viewer) -> None:
        self._app = app
        self._name = host_of(settings)
        self._viewer = viewer
        self._rules = {**_RULES, "content-security-policy": " ".join((_POLICY, *viewer.scripts))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or host_name(scope) != self._name:
            await self._app(scope, receive, send)
            return
        scope["endpoint"] = TraceSite  # it has no route
        try:
            response = await self._answer(Request(scope))
        except ApiError as error:
            response = Response(error.message, error.status, _RULES, "text/plain")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        if request.method not in ("GET", "HEAD"):
            return Response(status_code=405, headers={**_RULES, "allow": "GET, HEAD"})
        found = _TRACE.fullmatch(path)
        if found is not None:
            return await _trace(request, found[1])
        file = self._viewer.files.get(path)
        if file is None:
            raise NotFound("There is no such file of the viewer")
        # those in the folder beside have another name when they change
        headers = {**self._rules, "cache-control": "max-age=3600" if path.startswith("/assets/") else "no-cache"}
        if file.path.name != WORKER:
            return File(file.path, media_type=file.media_type, headers=headers)
        content = await anyio.to_thread.run_sync(lambda: _GUARD.read_bytes() + file.path.read_bytes())
        return Response(content, headers=headers, media_type=file.media_type)


async def _trace(request: Request, public_id: str) -> Response:
    services: Services = request.app.state.services
    query = request.query_params
    check_trace_link(services.signer, public_id, query.get("expires", ""), query.get("signature", ""))
    run_id, number = ids.decode_pair("artifact", public_id) or (0, None)
    row, response = None, None
    if number is not None:
        row = await services.reader.read(partial(find_artifact, run_id=run_id, artifact_id=number))
    if row is not None:
        # it comes from here wherever it is kept: the viewer asks nobody else
        download = Download(row.file_name, row.mime, row.size, f'"{row.sha256.hex()}"', True, {**_RULES, **_OF_TRACES})
        response = await services.artifacts.answer(row.sha256, download, request)
    if response is None:
        raise NotFound(f"The trace {public_id!r} was deleted")
    return response
