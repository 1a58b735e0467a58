"""Pages that say no."""

from __future__ import annotations

import logging

from starlette.responses import Response

from platform_report_server.errors import ApiError, Forbidden, NotFound, Overloaded, RateLimited, Unauthorized
from platform_report_server.web._render import page
from platform_report_server.web._visit import Visit

_log = logging.getLogger("platform_report_server")
_TITLES: dict[type[ApiError], str] = {
    Unauthorized: "Please come in by the link",
    Forbidden: "You may not do that",
    NotFound: "There is no such thing here",
    Overloaded: "Too much is going on",
}
_LET_IN = "Open the link that “platform-report serve” printed. It works once; a restart prints a new one."


def refuse_page(error: Exception, visit: Visit | None = None) -> Response:
    """Return the page for a request that failed; our own failures are logged and told without internals."""
    show = page if visit is None else visit.page
    if isinstance(error, ApiError):
        message = _LET_IN if isinstance(error, Unauthorized) else error.message
        title = _TITLES.get(type(error), "That did not work")
        response = show("error.html", error.status, title=title, message=message)
        if isinstance(error, Overloaded | RateLimited):
            response.headers["retry-after"] = str(error.retry_after)
        return response
    _log.error("a page failed", exc_info=error)
    return show("error.html", 500, title="The server failed", message="Its log says more.")
