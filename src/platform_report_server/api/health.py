"""/healthz, /readyz and /metrics: what watches over a server asks."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import time

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from platform_report_server.api import answers
from platform_report_server.auth.roles import reaches
from platform_report_server.auth.tokens import digest
from platform_report_server.db.failures import cause_of
from platform_report_server.db.sizes import check_schema, measure
from platform_report_server.errors import ApiError, Forbidden, StoreError, Unauthorized, Unavailable
from platform_report_server.services import Services

PROBES = frozenset({"/healthz", "/readyz"})
"""They tell nothing that is anybody's, and are asked for by an address rather than a name."""

_READY_SECONDS = 1.0
_SIZES_SECONDS = 300.0
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_FORWARDED = ("forwarded", "x-forwarded-for", "via")

_log = logging.getLogger("platform_report_server")


def health_routes() -> list[Route]:
    """Return the routes."""
    state = _State()
    return [
        Route("/healthz", _health),
        Route("/readyz", state.show_readiness),
        Route("/metrics", state.show_metrics),
    ]


async def _health(request: Request) -> Response:
    return answers.answer({"status": "ok"})


class _State:
    """What was found out a moment ago: however often anybody asks, the store is asked now and then."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._problem: str | None = None
        self._problem_until = 0.0
        self._sizes: dict[str, tuple[str, float]] = {}
        self._sizes_until = 0.0

    async def show_readiness(self, request: Request) -> Response:
        services: Services = request.app.state.services
        if getattr(request.state, "is_draining", False):
            return _unready("This server is about to end; others take its place")
        async with self._lock:
            if self._problem_until < time.monotonic():
                self._problem = await _problem(services)
                self._problem_until = time.monotonic() + _READY_SECONDS
        if self._problem is None:
            return answers.answer({"status": "ready"})
        return _unready(self._problem)

    async def show_metrics(self, request: Request) -> Response:
        services: Services = request.app.state.services
        try:
            await _check(request, services)
            async with self._lock:
                if self._sizes_until < time.monotonic():
                    self._sizes = await services.reader.read(measure)
                    self._sizes_until = time.monotonic() + _SIZES_SECONDS
        except Exception as error:
            return answers.refuse(error)
        waiting = ("Writes that wait for their turn", float(services.writer.waiting))
        followers = ("Pages that follow runs", float(services.live.listeners))
        text = services.metrics.text({"writes_waiting": waiting, "followers": followers, **self._sizes})
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


def _unready(problem: str) -> Response:
    return answers.answer(answers.error_answer(ApiError(problem)), 503)


async def _problem(services: Services) -> str | None:
    try:
        await services.reader.read(check_schema)
    except (StoreError, Unavailable) as error:
        return str(error)
    except (SQLAlchemyError, OSError) as error:
        _log.error("the store does not answer: %s", cause_of(error))
        return "The store does not answer; the server's log says more"
    return None


async def _check(request: Request, services: Services) -> None:
    """Refuse whoever is not on this machine and has neither the token nor the key of an owner."""
    key, given = request.headers.get("x-api-key"), request.headers.get("authorization", "")
    token = services.settings.metrics_token
    if key is not None:
        caller = await services.access.keys.caller(key)
        if caller.strongest is None or not reaches(caller.strongest, "owner"):
            raise Forbidden("This needs the role owner")
        return
    if token is not None and given.startswith("Bearer "):
        if not hmac.compare_digest(digest(given.removeprefix("Bearer ").strip()), token):
            raise Unauthorized("This token is not known here")
        return
    if not _is_local(request):
        raise Unauthorized("Metrics are for this machine, the token for them, or an owner's API key")


def _is_local(request: Request) -> bool:
    # what a proxy on this machine passes on comes from elsewhere
    client = request.client
    if client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(client.host).is_loopback and request.url.hostname in _LOCAL_NAMES
    except ValueError:
        return False
