"""How often the journals are looked at: once for many lines, and at once when a session has ended."""

from __future__ import annotations

import time

from .tail import Tail

IDLE_SECONDS = 0.05
_LONGEST_SECONDS = 1.0
_PART_OF_AGE = 20


class Rhythm:
    """The pauses of an uploader: a short session is followed closely, a long one once in a second.

    Each look costs a request for what it finds, whatever that is: many small ones would take the tests' own time.
    """

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self._begun = time.monotonic()

    def rest(self, at_most: float | None = None) -> None:
        """Wait for the next look; no longer than until a session says that it is over."""
        now = time.monotonic()
        pause = min(_LONGEST_SECONDS, max(IDLE_SECONDS, (now - self._begun) / _PART_OF_AGE))
        if self._tail.is_partly_over:
            pause = IDLE_SECONDS  # who waits for us is told soon
        until = now + (pause if at_most is None else max(IDLE_SECONDS, min(pause, at_most)))
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, IDLE_SECONDS))
            if self._tail.sees_end():
                return
