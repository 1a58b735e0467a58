"""What answers other than 2xx say: an error, and for how long to stay away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from ..errors import Busy, Refused
from ..text import clean

MESSAGE = 500
_QUOTE = 80
_WAIT = (0.5, 300.0)
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
        return Busy(redact(message), status, _wait(status, headers))
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


def _wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds the platform asks us to stay away; None where it does not say."""
    now = _moment(headers.get("date", "")) or time.time()
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is None and (moment := _moment(text)) is not None:
        seconds = max(moment - now, 0.0)
    if seconds is None and status == 429:
        seconds = _number(headers.get("x-ratelimit-reset", ""))
        if seconds is not None and seconds > 1e9:  # no span but a moment, in seconds or milliseconds since 1970
            seconds = max((seconds / 1000 if seconds > 1e11 else seconds) - now, 0.0)
    if seconds is None:
        return None
    return min(max(seconds, _WAIT[0]), _WAIT[1])


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def brief(text: str, limit: int) -> str:
    """Return *text* as one line of at most *limit* characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def quote_body(body: bytes) -> str:
    """Return the beginning of an answer, for a message."""
    return repr(brief(body[: 4 * _QUOTE].decode("utf-8", "replace"), _QUOTE)) if body else "an empty body"
