"""Patience: who fails again and again waits longer and longer."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

from platform_report_server.errors import RateLimited

_MOST_NAMES = 10_000
_FORGOTTEN_SECONDS = 3600.0


class Throttle:
    """Counts failures by name. Some are free, then each doubles the wait; an hour later all is forgotten."""

    def __init__(self, free: int, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._longest = longest
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def check(self, name: str) -> None:
        """Refuse a try that comes too early."""
        _, until = self._known(name)
        wait = until - self._clock()
        if wait > 0:
            raise RateLimited("Too many failed logins: wait before the next", retry_after=ceil(wait))

    def begin(self, name: str) -> None:
        """Count a try as failed until it has succeeded, or many at once would slip through."""
        failures, _ = self._known(name)
        self._failures[name] = failures + 1, self._clock() + self._wait(failures + 1)
        self._failures.move_to_end(name)
        if len(self._failures) > _MOST_NAMES:
            self._failures.popitem(last=False)

    def succeed(self, name: str, *, forget: bool) -> None:
        """Take the try back, or forget all that failed before it too."""
        failures, _ = self._known(name)
        if forget or failures <= 1:
            self._failures.pop(name, None)
        else:
            self._failures[name] = failures - 1, 0.0

    def _known(self, name: str) -> tuple[int, float]:
        failures, until = self._failures.get(name, (0, 0.0))
        return (0, 0.0) if until and until + _FORGOTTEN_SECONDS < self._clock() else (failures, until)

    def _wait(self, failures: int) -> float:
        return 0.0 if failures <= self._free else min(self._longest, 2.0 ** min(failures - self._free - 1, 30))
