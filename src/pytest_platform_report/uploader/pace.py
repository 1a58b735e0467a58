"""When to try again: the platform's word where it gave one, else growing waits."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import Busy, DeliveryError
from .shared_waits import SharedWaits

_FIRST_WAIT = 0.25
_LONGEST_WAIT = 15.0


@dataclass
class _Group:
    not_before: float = -math.inf
    failures: int = 0
    is_guess: bool = False


class Pace:
    """The waits of each endpoint group: a limit met in one does not stop another.

    :param shared: where uploaders with the same key tell each other what the platform has said.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, shared: SharedWaits | None = None) -> None:
        self._clock = clock
        self._shared = shared
        self._groups: dict[str, _Group] = {}

    def is_free(self, *groups: str, later: float = 0.0) -> bool:
        """Tell whether requests of these groups may go out now; *later* as for :meth:`next_try`."""
        return self.next_try(*groups, later=later) <= 0

    def succeeded(self, *groups: str) -> None:
        """Note an answer."""
        for group in groups:
            self._group(group).failures = 0

    def told(self, group: str, wait: float) -> None:
        """Note for how many seconds the platform wants no more requests of a group."""
        state = self._group(group)
        state.not_before, state.is_guess = self._clock() + wait, False
        if self._shared is not None:
            self._shared.tell(group, wait)

    def failed(self, group: str, error: DeliveryError) -> None:
        """Note a failure: wait as long as the platform said, or twice as long as before, less up to a half."""
        state = self._group(group)
        state.failures += 1
        if isinstance(error, Busy) and error.wait is not None:
            self.told(group, error.wait)
            return
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(state.failures, 10))
        state.is_guess = True
        state.not_before = self._clock() + longest * (0.5 + random.random() / 2)  # noqa: S311  spreads waits, guards nothing

    def hurry(self, group: str) -> None:
        """Let a group try at once, and begin its waits anew, where the platform has not named the one it is in."""
        state = self._group(group)
        if state.is_guess:
            self._groups[group] = _Group()

    def next_try(self, *groups: str, later: float = 0.0) -> float:
        """Return in how many seconds the last of these groups may try; 0 where all may.

        :param later: how many seconds after the others, where there has been a wait.
        """
        waits = [self._group(group).not_before + later - self._clock() for group in groups]
        if self._shared is not None:
            waits += [self._shared.wait(group, later) for group in groups]
        return max([0.0, *waits])

    def _group(self, name: str) -> _Group:
        return self._groups.setdefault(name, _Group())
