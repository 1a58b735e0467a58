"""Answers: JSON, and one shape for every error."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from platform_report_server.api._shapes import ErrorAnswer, ErrorContent, ErrorDetails
from platform_report_server.auth.limits import Allowance
from platform_report_server.errors import ApiError, Forbidden, Invalid, NotFound, RateLimited, TooLarge, Unauthorized
from platform_report_server.ingest.once import Answer

_log = logging.getLogger("platform_report_server")
_BY_STATUS = {kind.status: kind for kind in (Invalid, Unauthorized, Forbidden, NotFound, TooLarge)}


class _Encoded(Response):
    """Is made without the search for what its bytes and headers could be: that costs more than they do."""

    media_type = "application/json"

    def __init__(self, encoded: bytes, status: int) -> None:
        self.status_code, self.body, self.background = status, encoded, None
        self.raw_headers = [(b"content-length", b"%d" % len(encoded)), (b"content-type", b"application/json")]


def body(content: Any) -> bytes:
    """Return an answer's JSON."""
    return msgspec.json.encode(content)


def answer(content: Any, status: int = 200) -> Response:
    """Return a JSON answer."""
    return raw_answer(body(content), status)


def raw_answer(encoded: bytes, status: int) -> Response:
    """Return an answer whose JSON is at hand."""
    return _Encoded(encoded, status)


def error_answer(error: ApiError) -> ErrorAnswer:
    """Return what an error answer says."""
    details = ErrorDetails(error.field, error.reason) if error.field is not None else None
    return ErrorAnswer(ErrorContent(error.code, error.message, details))


def kept_refusal(error: ApiError) -> Answer:
    """Return an error's answer, to be kept for later."""
    return Answer(error.status, body(error_answer(error)))


def refuse(error: Exception) -> Response:
    """Return the answer to a request that failed; our own failures are logged and told without internals."""
    if isinstance(error, ApiError):
        response = answer(error_answer(error), error.status)
        if isinstance(error, RateLimited):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    if isinstance(error, ClientDisconnect):
        return refuse(Invalid("The body broke off"))
    _log.error("a request failed", exc_info=error)
    return answer(error_answer(ApiError("The server failed; its log says more")), 500)


def tell_allowance(response: Response, allowance: Allowance) -> None:
    """Say in an answer's headers what the caller may still do."""
    response.raw_headers += [
        (b"x-ratelimit-limit", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
        (b"x-ratelimit-reset", b"%d" % allowance.reset),
    ]


def http_error(request: Request, error: HTTPException) -> ApiError:
    """Return what the router refuses: an unknown path, or a method that a path does not have."""
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "other methods")
        # the API documents no 405
        return NotFound(f"There is no {request.method} {request.url.path}, only {allowed}")
    if error.status_code == 404:
        return NotFound(f"There is no {request.url.path}")
    return _BY_STATUS.get(error.status_code, Invalid)(str(error.detail))
