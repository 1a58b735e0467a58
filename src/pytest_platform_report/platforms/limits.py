"""The limits that platforms announce: which requests share one, and how long to stay away."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

RUNS_READ, RUNS_WRITE = "runs read", "runs write"
TESTS_READ, TESTS_WRITE = "tests read", "tests write"
UPLOADS = "uploads"

A_MINUTE: Mapping[str, int] = {RUNS_READ: 100, RUNS_WRITE: 30, TESTS_READ: 200, TESTS_WRITE: 60, UPLOADS: 30}
"""How many requests of each group the documentation allows in a minute."""

_SHORTEST_WAIT, LONGEST_WAIT = 0.5, 300.0


def group_of(method: str, path: str) -> str:
    """Return the endpoint group of a request: platforms limit each by itself. Suites count as tests."""
    first = path.strip("/").partition("/")[0]
    if first == "upload":
        return UPLOADS
    if first in ("tests", "test-suites"):
        return TESTS_READ if method == "GET" else TESTS_WRITE
    return RUNS_READ if method == "GET" else RUNS_WRITE


def named_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds an answer asks us to stay away; None where it does not say.

    :param headers: by lower-case name.
    """
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is None and (moment := _moment(text)) is not None:
        seconds = moment - _now(headers)
    if seconds is None and status == 429:
        seconds = _seconds_to_reset(headers)
    return None if seconds is None else min(max(seconds, _SHORTEST_WAIT), LONGEST_WAIT)


def wait_when_used_up(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds no more requests are allowed after this one, which was; None where some are."""
    if headers.get("x-ratelimit-remaining", "").strip() != "0":
        return None
    seconds = _seconds_to_reset(headers)
    return None if seconds is None else min(seconds, LONGEST_WAIT)


def _seconds_to_reset(headers: Mapping[str, str]) -> float | None:
    seconds = _number(headers.get("x-ratelimit-reset", ""))
    if seconds is not None and seconds > 1e9:  # no span but a moment, in seconds or milliseconds since 1970
        seconds = max((seconds / 1000 if seconds > 1e11 else seconds) - _now(headers), 0.0)
    return seconds


def _now(headers: Mapping[str, str]) -> float:
    """Return the moment of the answer by the platform's own clock, which may be years away from ours."""
    return _moment(headers.get("date", "")) or time.time()


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
