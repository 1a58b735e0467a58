"""A way past the application for results that are sent one by one: it costs more than to store them.

Only what nobody would refuse comes through. Everything else goes the ordinary way, and nothing tells that anything else
was tried.
"""

from __future__ import annotations

import time
from asyncio import Future
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from platform_report_server.access_log import AccessLog
from platform_report_server.api import answers
from platform_report_server.api._operation import ApiRoute
from platform_report_server.api.tests import SMALL, read_single, store_single
from platform_report_server.auth.caller import Caller
from platform_report_server.auth.guard import HEADERS
from platform_report_server.auth.limits import Allowance
from platform_report_server.errors import ApiError
from platform_report_server.headers import name_in
from platform_report_server.ingest.once import Answer
from platform_report_server.services import Services
from platform_report_server.watch import entry, request_id_of

HATCH = "hatch"
"""Where the state of the application's lifespan has it."""
_PATH = "/api/tests"
_UNUSUAL = frozenset({b"content-encoding", b"transfer-encoding", b"expect", b"upgrade", b"idempotency-key"})
_METHOD = "POST"

Headers = Iterable[tuple[bytes, bytes]]
Give = Callable[[int, Headers, bytes], None]
"""Takes an answer: status, headers, body."""


class Hatch:
    """Takes requests in; only the event loop uses it."""

    def __init__(
        self, services: Services, routes: Iterable[ApiRoute], log: AccessLog | None, others: Collection[str]
    ) -> None:
        self._services = services
        self._others = others  # names under which the application is not reached
        self._operation = next(route.operations[_METHOD] for route in routes if route.path == _PATH)
        self._log = log

    def is_for(self, target: bytes) -> bool:
        """Tell whether it has anything to do with what a request asks for."""
        return target == _PATH.encode()

    def may_take(self, method: bytes, headers: Mapping[bytes, bytes]) -> bool:
        """Tell from the head of a request whether it may take it, once it is whole."""
        length = headers.get(b"content-length", b"")
        return (
            method == _METHOD.encode()
            and len(length) < 10
            and length.isdigit()
            and int(length) <= SMALL
            and _UNUSUAL.isdisjoint(headers)
        )

    def take(self, headers: Mapping[bytes, bytes], body: bytes, give: Give) -> bool:
        """Take a request in, to give its answer later; or tell that it does not, and do nothing."""
        services, began = self._services, time.perf_counter()
        try:
            caller = self._caller(headers)
            if caller is None or caller.identity is None or services.limits is None:
                return False
            new = read_single(body)
            caller.check(new.project_id)
        except ApiError:
            return False
        allowance = services.limits.take_at_hand(caller.identity, self._operation.group)
        if allowance is None:
            return False
        request_id = request_id_of(_text(headers, b"x-request-id"))
        answer = partial(self._answer, began, request_id, caller, allowance, give)
        store_single(services, caller, new).add_done_callback(answer)
        return True

    def _caller(self, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Return who calls; whose key is at hand has come in by the application, past all that is before it."""
        key, needs = _text(headers, b"x-api-key"), self._operation.needs
        if key is None or needs is None or not self._is_ours(name_in(_text(headers, b"host") or "")):
            return None
        caller = self._services.access.keys.caller_at_hand(key)
        return None if caller is None else caller.calling(needs)

    def _is_ours(self, name: str) -> bool:
        names = self._services.settings.host_names
        return (names is None or name in names) and name not in self._others

    def _answer(
        self, began: float, request_id: str, caller: Caller, allowance: Allowance, give: Give, stored: Future[Answer]
    ) -> None:
        try:
            answer = stored.result()
            response = answers.raw_answer(answer.body, answer.status)
        except Exception as error:
            response = answers.refuse(error)
        answers.tell_allowance(response, allowance)
        status, body = response.status_code, bytes(response.body)
        give(status, (*response.raw_headers, *HEADERS, (b"x-request-id", request_id.encode())), body)
        seconds = time.perf_counter() - began
        self._services.metrics.count_request(_PATH, _METHOD, status, seconds)
        if self._log is not None:
            self._log.write(entry(request_id, _METHOD, _PATH, status, seconds, len(body), caller))


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
