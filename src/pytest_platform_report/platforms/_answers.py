"""What answers other than 2xx say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from ..errors import Busy, Refused
from ..text import clean
from .limits import named_wait

MESSAGE = 500
_QUOTE = 80
_BUSY = (408, 425, 429)


def error_of_answer(
    status: int, headers: Mapping[str, str], body: bytes, where: str, redact: Callable[[str], str] = clean
) -> Busy | Refused:
    """Return the error that an answer other than 2xx stands for.

    :param headers: by lower-case name.
    :param where: the request, for the message.
    """
    if 300 <= status < 400:
        target = brief(headers.get("location", "nowhere"), 200)
        message = f"{where}: answered {status}, a redirect to {target}; is PLATFORM_URL the platform's own address?"
        return Refused(redact(message), status)
    code, text = _error_in(body)
    message = f"{where}: answered {status}" + (f" {code}" if code else "") + (f": {text}" if text else "")
    if status in _BUSY or status >= 500:
        return Busy(redact(message), status, named_wait(status, headers))
    if status in (401, 403):
        message += " (is PLATFORM_API_KEY a key of this project? 'platform-report doctor' checks it)"
    return Refused(redact(message), status, code)


def _error_in(body: bytes) -> tuple[str, str]:
    """Return code and message of an error answer, in the forms that platforms and proxies give them."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return "", quote_body(body) if body.strip() else ""
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if isinstance(error, dict):
        code, text = error.get("code"), error.get("message") or error.get("detail")
        return brief(code, _QUOTE) if isinstance(code, str) else "", brief(str(text or ""), MESSAGE)
    return "", brief(str(error), MESSAGE)


def brief(text: str, limit: int) -> str:
    """Return *text* as one line of at most *limit* characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def quote_body(body: bytes) -> str:
    """Return the beginning of an answer, for a message."""
    return repr(brief(body[: 4 * _QUOTE].decode("utf-8", "replace"), _QUOTE)) if body else "an empty body"
