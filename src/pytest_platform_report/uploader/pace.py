"""When to try again: the platform's word where it gave one, else growing waits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import Busy, DeliveryError

_FIRST_WAIT = 0.25
_LONGEST_WAIT = 15.0


@dataclass
class _Group:
    not_before: float = 0.0
    failures: int = 0


class Pace:
    """The waits of each endpoint group (``runs``, ``tests``, ``uploads``): a limit met in one does not stop another."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._groups: dict[str, _Group] = {}

    def is_free(self, group: str) -> bool:
        """Tell whether a request of this group may go out now."""
        return self._clock() >= self._group(group).not_before

    def succeeded(self, group: str) -> None:
        """Note an answer."""
        self._groups[group] = _Group()

    def failed(self, group: str, error: DeliveryError) -> None:
        """Note a failure: wait as long as the platform said, or twice as long as before, less up to a half."""
        state = self._group(group)
        state.failures += 1
        wait = error.wait if isinstance(error, Busy) else None
        if wait is None:
            longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(state.failures, 10))
            wait = longest * (0.5 + random.random() / 2)  # noqa: S311  spreads waits, guards nothing
        state.not_before = self._clock() + wait

    def next_try(self) -> float:
        """Return how many seconds it is to the next try of a waiting group; 0 where none waits."""
        now = self._clock()
        return min((g.not_before - now for g in self._groups.values() if g.not_before > now), default=0.0)

    def _group(self, name: str) -> _Group:
        return self._groups.setdefault(name, _Group())
