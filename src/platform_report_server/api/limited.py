"""The limits on what no operation answers for: the documentation, unknown paths, unknown callers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from platform_report_server.api import answers
from platform_report_server.auth.addresses import network_of
from platform_report_server.errors import RateLimited
from platform_report_server.model import LimitGroup
from platform_report_server.services import Services

_Endpoint = Callable[[Request], Awaitable[Response]]


async def refuse(request: Request, error: Exception, group: LimitGroup = "everything else") -> Response:
    """Return the answer to a request that failed, which counts for the network that it came from."""

    async def answer(_: Request) -> Response:
        return answers.refuse(error)

    return await _limited(request, group, answer)


def limited(endpoint: _Endpoint) -> _Endpoint:
    """Return an endpoint that counts its requests for the networks that they come from."""

    async def answer(request: Request) -> Response:
        return await _limited(request, "everything else", endpoint)

    return answer


async def _limited(request: Request, group: LimitGroup, endpoint: _Endpoint) -> Response:
    services: Services = request.app.state.services
    allowance = await services.count(network_of(request), group)
    if allowance is None:
        return await endpoint(request)
    try:
        allowance.check()
        response = await endpoint(request)
    except RateLimited as error:
        response = answers.refuse(error)
    answers.tell_allowance(response, allowance)
    return response
