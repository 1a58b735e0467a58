"""Results that are sent one by one to a store on PostgreSQL: those that come at the same moment are stored together.

The event loop sends them itself, and reads other requests while they are stored: to hand a few results over to another
thread costs more than to store them. Whatever takes more than one statement is left to the writer: tests that are new,
a run that has ended, what the database refuses.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import anyio.to_thread

from platform_report_server.clock import now_ms
from platform_report_server.db.failures import cause_of
from platform_report_server.ingest.lanes import known_lanes, told_of
from platform_report_server.ingest.memory import Lane
from platform_report_server.ingest.once import Answer
from platform_report_server.ingest.results import Batch, Case, Place, group_of, key_of
from platform_report_server.ingest.single import Single, Tell, Work
from platform_report_server.ingest.writer import Writer
from platform_report_server.model import NewTest

if TYPE_CHECKING:  # it needs psycopg
    from platform_report_server.db.pipeline import Pipeline

_TOGETHER = 64
_PAUSE_SECONDS = 10.0

_log = logging.getLogger("platform_report_server")


@dataclass(eq=False)
class _Known(Single):
    place: Place
    key: bytes
    case: Case
    lanes: Mapping[Lane | None, int | None]


class Pipelined:
    """Stores results. Its methods are for one event loop."""

    def __init__(self, writer: Writer, open_pipeline: Callable[[], Pipeline]) -> None:
        self._writer = writer
        self._open_pipeline = open_pipeline
        self._loop = asyncio.get_running_loop()
        self._pipeline: Pipeline | None = None
        self._opening: asyncio.Task[None] | None = None
        self._opens_at = 0.0
        self._storing: asyncio.Task[None] | None = None
        self._waiting: deque[_Known] = deque()
        self._enough = _TOGETHER

    def store(self, new: NewTest, tell: Tell, work: Work) -> asyncio.Future[Answer]:
        """Store a result that its sender may store; where the writer has to, it does the work, for all of one run."""
        single = self._known(new, tell, work)
        if single is None or not self._is_open():
            return self._writer.do_together((new.project_id, new.run_id), new, work)
        self._waiting.append(single)
        if self._storing is None:
            self._storing = self._loop.create_task(self._store_all())
        return single.future

    async def stop(self) -> None:
        """Finish what waits, then end."""
        self._opens_at = math.inf
        for task in (self._opening, self._storing):
            if task is not None:
                await task
        if self._pipeline is not None:
            self._pipeline.close()

    def _known(self, new: NewTest, tell: Tell, work: Work) -> _Known | None:
        memory = self._writer.memory
        place, key, (lane, _, _) = memory.runs.get((new.project_id, new.run_id)), key_of(new), told_of(new)
        if place is None:
            return None
        case, lanes = memory.cases.get((place[0], key)), known_lanes(memory, place[1], (lane,))
        if case is None or lane not in lanes:
            return None
        return _Known(new, tell, work, self._loop.create_future(), place, key, case, lanes)

    def _is_open(self) -> bool:
        if self._pipeline is not None and self._pipeline.is_open:
            return True
        if self._opening is None and self._loop.time() >= self._opens_at:
            self._opening = self._loop.create_task(self._open())
        return False

    async def _open(self) -> None:
        try:
            self._pipeline = await anyio.to_thread.run_sync(self._open_pipeline)
            self._pipeline.watch()
        except Exception as error:
            pause = math.inf if isinstance(error, NotImplementedError) else _PAUSE_SECONDS
            self._opens_at = self._loop.time() + pause
            _log.warning("results that are sent one by one take longer for a while: %s", cause_of(error))
        finally:
            self._opening = None

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))]
                try:
                    await self._store(group)
                except Exception as error:
                    for single in group:
                        single.fail(error)
                # one half is stored while the other is answered and sends again: all at once, the loop would wait
                self._enough = max((len(group) + len(self._waiting) + 1) // 2, self._enough - 1)
        finally:
            self._storing = None

    async def _gather(self) -> None:
        """Wait until the loop has no more requests at hand, or enough: a transaction costs more than a result."""
        before = 0
        while before < len(self._waiting) < self._enough:
            before = len(self._waiting)
            await asyncio.sleep(0)

    async def _store(self, group: Sequence[_Known]) -> None:
        by_run: dict[tuple[str, str], list[_Known]] = {}
        for single in group:
            by_run.setdefault(single.of, []).append(single)
        # in one order, or two processes would wait for each other crosswise
        runs, now = [by_run[of] for of in sorted(by_run)], now_ms()
        counted = None
        if self._pipeline is not None and self._pipeline.is_open:
            counted = await self._pipeline.run([_values(singles, now) for singles in runs])
        for singles, after in zip(runs, counted or [None] * len(runs), strict=True):
            if after is None:
                for single in singles:
                    single.leave_to(self._writer)
            else:
                tests = [single.new for single in singles]
                answers = singles[0].tell(singles[0].place, int(after) - len(tests), now, tests)
                for single, answer in zip(singles, answers, strict=True):
                    single.answer(answer)


def _values(singles: Sequence[_Known], now: int) -> list[bytes]:
    batch = Batch.of([single.new for single in singles], [single.key for single in singles])
    cases = {single.key: single.case for single in singles}
    lanes = dict(chain.from_iterable(single.lanes.items() for single in singles))
    return group_of(singles[0].place, batch, cases, lanes, now).values()
