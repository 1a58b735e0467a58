"""Results that are sent one by one to a store that is a file: those that come at the same moment are stored together.

The event loop stores them itself: to hand a few results over to another thread costs more than that. Whatever might
take longer is left to the writer: a file that somebody else writes to, tests that are new, a run that has ended, a
slow disk.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence

from platform_report_server.clock import now_ms
from platform_report_server.db.spot import Spot, Taken
from platform_report_server.ingest.once import Answer
from platform_report_server.ingest.results import SpotWrite, add_on_spot
from platform_report_server.ingest.single import Single, Tell, Work
from platform_report_server.ingest.writer import Writer
from platform_report_server.model import NewTest

_TOGETHER = 64
_PAUSE = 0.002
_TRIES = 4
_GROUPS = 200
"""Groups after which the writer has one: it moves the log into the file where that has grown long."""
_LONG = 0.1
"""Seconds: after some groups in a row that held up the event loop for longer, the disk is left to the writer."""
_MOST_SLOW = 3
_REST = 10.0

_log = logging.getLogger("platform_report_server")


class Singles:
    """Stores results. Its methods are for one event loop."""

    def __init__(self, writer: Writer, spot: Spot) -> None:
        self._writer = writer
        self._spot = spot
        self._waiting: deque[Single] = deque()
        self._is_called = False
        self._groups = self._tries = self._slow = 0
        self._rests_until = 0.0

    def store(self, new: NewTest, tell: Tell, work: Work) -> asyncio.Future[Answer]:
        """Store a result that its sender may store; what is left to the writer is its work, for all of one run."""
        loop = asyncio.get_running_loop()
        single = Single(new, tell, work, loop.create_future())
        self._waiting.append(single)
        if not self._is_called:
            self._call(loop)
        return single.future

    def _call(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_called = bool(self._waiting)
        if self._is_called:
            loop.call_soon(self._gather, loop, 0)

    def _gather(self, loop: asyncio.AbstractEventLoop, before: int) -> None:
        """Store, once the loop has no more requests at hand: a transaction costs more than a result."""
        if before < len(self._waiting) < _TOGETHER:
            loop.call_soon(self._gather, loop, len(self._waiting))
            return
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))]
        self._groups += 1
        if self._groups % _GROUPS == 0:
            # as long as others lengthen the log, it is never all in the file, and does not begin anew
            group[-1].future.add_done_callback(lambda _: self._call(loop))
            self._leave(group)
        elif self._is_taken(group):
            self._waiting.extendleft(reversed(group))
            loop.call_later(_PAUSE, self._gather, loop, _TOGETHER)
        else:
            self._call(loop)

    def _is_taken(self, group: Sequence[Single]) -> bool:
        """Store a group, or leave it to the writer; tell whether neither is due, because somebody else is writing."""
        left = group
        if time.monotonic() >= self._rests_until:
            try:
                left = self._store(group)
            except Taken:
                self._tries += 1
                if self._tries < _TRIES:
                    return True
            except Exception:
                _log.exception("the writer has to store %d results", len(group))
        self._tries = 0
        self._leave(left)
        return False

    def _store(self, group: Sequence[Single]) -> list[Single]:
        """Answer what can be stored on the spot; return what cannot."""
        by_run: dict[tuple[str, str], list[Single]] = {}
        for single in group:
            by_run.setdefault(single.of, []).append(single)
        left: list[Single] = []
        answered: list[tuple[Single, Answer]] = []
        began = time.monotonic()
        with self._spot.writing() as connection:
            write = SpotWrite(connection, now_ms(), self._writer.memory)
            for of, singles in by_run.items():
                place = write.memory.runs.get(of)
                tests = [single.new for single in singles]
                first = None if place is None else add_on_spot(write, place, tests)
                if place is None or first is None:
                    left += singles
                else:
                    answered += zip(singles, singles[0].tell(place, first, write.now, tests), strict=True)
        self._note(time.monotonic() - began)
        for single, answer in answered:
            single.answer(answer)
        return left

    def _note(self, seconds: float) -> None:
        self._slow = self._slow + 1 if seconds > _LONG else 0
        if self._slow == _MOST_SLOW:
            self._slow, self._rests_until = 0, time.monotonic() + _REST

    def _leave(self, group: Sequence[Single]) -> None:
        for single in group:
            single.leave_to(self._writer)
