"""Operations, declared as data: who may call, which limit counts, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from platform_report_server.api import answers, limited
from platform_report_server.api._call import Call
from platform_report_server.api._query import Parameter
from platform_report_server.auth.addresses import network_of
from platform_report_server.auth.caller import NOBODY
from platform_report_server.model import LimitGroup, Role
from platform_report_server.services import Services
from platform_report_server.settings import Settings

_LARGEST_OF_OTHERS = 5 * 2**20
"""Not even what lists tell two hundred of, such as runs, may be as large as the output of tests."""

Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    handler: Handler
    summary: str
    needs: Role | None
    """The weakest role that may call it; None: the handler finds out itself who may."""
    group: LimitGroup
    """Which limit counts its calls."""
    body: Any = None
    """The type of the request's body."""
    query: tuple[Parameter, ...] = ()
    answer: Any = None
    """The type of the answer's body; `bytes`: a file."""
    status: int = 200
    also: int | None = None
    """A second status that means success, with the same body."""
    may_redirect: bool = False
    """Whether the answer may be somewhere else."""
    may_be_unchanged: bool = False
    """Whether a client that has the answer already is told so."""
    is_form: bool = False
    """Whether the body is multipart/form-data instead of JSON."""
    headers: tuple[str, ...] = ()
    """The headers of the answer that not every answer has."""

    gives: str | None = None
    """The path parameter that takes the id of what it answers."""

    def largest(self, settings: Settings) -> int:
        """Return the most bytes that a JSON body may have."""
        return settings.largest_json if self.group == "tests write" else min(settings.largest_json, _LARGEST_OF_OTHERS)


class ApiRoute(Route):
    """The route of a path with the operations it has, by their methods."""

    def __init__(self, path: str, operations: Mapping[str, Operation]) -> None:
        self.operations = operations
        super().__init__(path, self._answer, methods=list(operations))

    async def _answer(self, request: Request) -> Response:
        services: Services = request.app.state.services
        operation = self.operations["GET" if request.method == "HEAD" else request.method]
        try:
            caller = NOBODY if operation.needs is None else await services.access.caller(request)
        except Exception as error:
            return await limited.refuse(request, error, "unknown callers")
        allowance = await services.count(caller.identity or network_of(request), operation.group)
        try:
            if allowance is not None:
                allowance.check()
            if operation.needs is not None:
                caller = caller.calling(operation.needs)
            response = await operation.handler(Call(request, services, caller, operation.largest(services.settings)))
        except Exception as error:
            response = answers.refuse(error)
        if allowance is not None:
            answers.tell_allowance(response, allowance)
        return response


def route(path: str, **operations: Operation) -> ApiRoute:
    """Return the route of a path with an operation for each method."""
    return ApiRoute(path, operations)
