"""How often the journals are looked at: once for many lines, and at once when a session has ended."""

from __future__ import annotations

import time

from .bell import Bell
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
        self._bell = Bell()

    def close(self) -> None:
        """Take no more calls."""
        self._bell.close()

    def rest(self, at_most: float | None = None) -> None:
        """Wait for the next look; no longer than until a session says that it is over, or ends without a word."""
        pause = min(_LONGEST_SECONDS, max(IDLE_SECONDS, (time.monotonic() - self._begun) / _PART_OF_AGE))
        if self._tail.is_partly_over:
            pause = IDLE_SECONDS  # who waits for us is told soon
        self._bell.wait(pause if at_most is None else max(IDLE_SECONDS, min(pause, at_most)), self._tail.ends())
