"""When to try again: the platform's word where it gave one, else growing waits."""

from __future__ import annotations

import math
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import Busy, DeliveryError
from ..platforms.limits import A_MINUTE
from .shared_waits import SharedWaits

_FIRST_WAIT = 0.25
_LONGEST_WAIT = 15.0
_MINUTE = 60.0


@dataclass
class _Group:
    not_before: float = -math.inf
    failures: int = 0
    is_guess: bool = False
    is_limited: bool = False
    answers: deque[float] = field(default_factory=lambda: deque(maxlen=max(A_MINUTE.values())))


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

    def answered(self, group: str) -> None:
        """Note an answer to one request, which a limit may count."""
        self._group(group).answers.append(self._clock())
        self.succeeded(group)

    def room(self, group: str) -> int:
        """Return how many requests of a group may be under way together; at least one.

        They are as many as the documentation allows in a minute. Beyond that, and where the platform has asked for a
        wait or has just failed, one alone finds out whether it takes more.
        """
        state = self._group(group)
        if state.failures or state.is_limited:
            return 1
        while state.answers and state.answers[0] <= self._clock() - _MINUTE:
            state.answers.popleft()
        return max(1, A_MINUTE[group] - len(state.answers))

    def told(self, group: str, wait: float) -> None:
        """Note for how many seconds the platform wants no more requests of a group."""
        state = self._group(group)
        state.not_before, state.is_guess, state.is_limited = self._clock() + wait, False, True
        if self._shared is not None:
            self._shared.tell(group, wait)

    def failed(self, group: str, error: DeliveryError) -> None:
        """Note a failure: wait as long as the platform said, or twice as long as before, less up to a half."""
        state = self._group(group)
        state.failures += 1
        state.is_limited |= isinstance(error, Busy) and error.status == 429
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
