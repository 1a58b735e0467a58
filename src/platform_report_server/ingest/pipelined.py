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
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import anyio.to_thread

from platform_report_server.clock import now_ms
from platform_report_server.db.failures import cause_of
from platform_report_server.ingest.lanes import Told, known_lanes, told_of
from platform_report_server.ingest.memory import Lane
from platform_report_server.ingest.once import Answer
from platform_report_server.ingest.results import Batch, Case, Place, group_of, key_of
from platform_report_server.ingest.single import Single, Tell, Work
from platform_report_server.ingest.writer import Writer
from platform_report_server.model import NewTest

if TYPE_CHECKING:  # it needs psycopg
    from platform_report_server.db.pipeline import Found, Pipeline

_TOGETHER = 64
_UNDER_WAY = 2
"""Groups that the database may have: it begins with the second one while the first one's answers are sent."""
_PAUSE_SECONDS = 10.0

_log = logging.getLogger("platform_report_server")


@dataclass(eq=False)
class _Known(Single):
    place: Place
    key: bytes
    case: Case
    told: Told
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
        self._waiting: deque[_Known] = deque()
        self._is_gathering = False
        self._sent: dict[asyncio.Future[Found | None], int] = {}  # how large each group is
        self._enough = _TOGETHER

    def store(self, new: NewTest, tell: Tell, work: Work) -> asyncio.Future[Answer]:
        """Store a result that its sender may store; where the writer has to, it does the work, for all of one run."""
        single = self._known(new, tell, work)
        if single is None or not self._is_open():
            return self._writer.do_together((new.project_id, new.run_id), new, work)
        self._waiting.append(single)
        if not self._is_gathering:
            self._is_gathering = True
            self._loop.call_soon(self._gather, 0)
        return single.future

    async def stop(self) -> None:
        """Finish what waits, then end."""
        self._opens_at = math.inf
        if self._opening is not None:
            await self._opening
        while self._waiting or self._sent:
            await (asyncio.wait(self._sent) if self._sent else asyncio.sleep(0))
        if self._pipeline is not None:
            self._pipeline.close()

    def _known(self, new: NewTest, tell: Tell, work: Work) -> _Known | None:
        memory = self._writer.memory
        place, key, told = memory.runs.get((new.project_id, new.run_id)), key_of(new), told_of(new)
        if place is None:
            return None
        case, lanes = memory.cases.get((place[0], key)), known_lanes(memory, place[1], (told[0],))
        if case is None or told[0] not in lanes:
            return None
        return _Known(new, tell, work, self._loop.create_future(), place, key, case, told, lanes)

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

    def _gather(self, before: int) -> None:
        """Send a group once the loop has no more requests at hand, or enough: it costs more than a result."""
        waiting = len(self._waiting)
        self._is_gathering = before < waiting < self._enough
        if self._is_gathering:
            self._loop.call_soon(self._gather, waiting)
        # a small one becomes larger until the one before is stored
        elif waiting and len(self._sent) < (_UNDER_WAY if waiting >= self._enough else 1):
            self._send([self._waiting.popleft() for _ in range(min(waiting, _TOGETHER))])
            if self._waiting:
                self._gather(0)

    def _send(self, group: Sequence[_Known]) -> None:
        by_run: dict[tuple[str, str], list[_Known]] = {}
        for single in group:
            by_run.setdefault(single.of, []).append(single)
        # in one order, or two processes would wait for each other crosswise
        runs, now = [by_run[of] for of in sorted(by_run)], now_ms()
        if self._pipeline is None or not self._pipeline.is_open:
            self._leave(group)
            return
        try:
            sent = self._pipeline.run([_values(singles, now) for singles in runs])
        except Exception as error:
            _fail(group, error)
            return
        self._sent[sent] = len(group)
        sent.add_done_callback(partial(self._hear, group, runs, now))

    def _hear(
        self, group: Sequence[_Known], runs: Sequence[Sequence[_Known]], now: int, sent: asyncio.Future[Found | None]
    ) -> None:
        # one half is stored while the other is answered and sends again: all at once, the loop would wait
        self._enough = max((sum(self._sent.values()) + len(self._waiting) + 1) // 2, self._enough - 1)
        del self._sent[sent]
        if not self._is_gathering:
            self._gather(0)
        try:
            self._tell(runs, now, sent.result())
        except Exception as error:
            _fail(group, error)

    def _tell(self, runs: Sequence[Sequence[_Known]], now: int, counted: Found | None) -> None:
        for singles, after in zip(runs, counted or [None] * len(runs), strict=True):
            if after is None:
                self._leave(singles)
            else:
                tests = [single.new for single in singles]
                answers = singles[0].tell(singles[0].place, int(after) - len(tests), now, tests)
                for single, answer in zip(singles, answers, strict=True):
                    single.answer(answer)

    def _leave(self, group: Sequence[_Known]) -> None:
        for single in group:
            single.leave_to(self._writer)


def _fail(group: Sequence[_Known], error: BaseException) -> None:
    for single in group:
        single.fail(error)


def _values(singles: Sequence[_Known], now: int) -> list[bytes]:
    batch = Batch.of(
        [single.new for single in singles], [single.key for single in singles], [single.told for single in singles]
    )
    cases = {single.key: single.case for single in singles}
    lanes = dict(chain.from_iterable(single.lanes.items() for single in singles))
    return group_of(singles[0].place, batch, cases, lanes, now).values()
