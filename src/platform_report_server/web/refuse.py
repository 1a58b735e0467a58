"""Pages that say no."""

from __future__ import annotations

import logging

from starlette.responses import Response

from platform_report_server.errors import ApiError, Unauthorized
from platform_report_server.web._render import page

_log = logging.getLogger("platform_report_server")
_LET_IN = "Open the link that “platform-report serve” printed. It works once; a restart prints a new one."


def refuse_page(error: Exception) -> Response:
    """Return the page for a request that failed; our own failures are logged and told without internals."""
    if isinstance(error, Unauthorized):
        return page("error.html", error.status, title="Please come in by the link", message=_LET_IN)
    if isinstance(error, ApiError):
        return page("error.html", error.status, title="That did not work", message=error.message)
    _log.error("a page failed", exc_info=error)
    return page("error.html", 500, title="The server failed", message="Its log says more.")
