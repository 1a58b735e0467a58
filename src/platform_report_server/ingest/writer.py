"""The one thread of a process that writes: what waits together is committed together."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from platform_report_server.clock import now_ms
from platform_report_server.db.engine import Database
from platform_report_server.db.failures import is_conflict
from platform_report_server.errors import ApiError, ServerError
from platform_report_server.ids import IdMaker
from platform_report_server.ingest.memory import Memory

T = TypeVar("T")
Item = TypeVar("Item")

_TOGETHER = 64
_TRIES = 5

_log = logging.getLogger("platform_report_server")


@dataclass(frozen=True)
class Write:
    """What a job gets: the transaction, the ids, the time, and what is remembered of others."""

    connection: Connection
    ids: IdMaker
    now: int
    memory: Memory = field(default_factory=Memory)


Job = Callable[[Write], T]


def do_alone(database: Database, job: Job[T]) -> T:
    """Run a job in a transaction of its own, where no writer runs."""
    with database.writing() as connection:
        return job(Write(connection, IdMaker(), now_ms()))


@dataclass(eq=False)
class _Waiting(Generic[T]):
    work: Callable[[Write, Sequence[Any]], Sequence[T]]
    item: Any
    place: Hashable | None
    future: asyncio.Future[T]


_Answers = list[tuple[_Waiting[Any], Any]]
_Refusals = list[tuple[_Waiting[Any], Exception]]


class Writer:
    """Runs jobs in transactions; those that share one have a savepoint each.

    A job may run more than once, so it has no other effect.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids = IdMaker()
        self.memory = Memory()
        self._jobs: deque[_Waiting[Any]] = deque()
        self._bell: queue.SimpleQueue[bool] = queue.SimpleQueue()  # True: there are jobs; False: there will be no more
        self._thread = threading.Thread(target=self._work, name="platform-report-writer", daemon=True)
        self._lock = threading.Lock()
        self._open = False
        self._ringing: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to take jobs."""
        self._open = True
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then end."""
        with self._lock:
            self._open = False
            self._bell.put(False)
        self._thread.join()

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._jobs)

    async def do(self, job: Job[T]) -> T:
        """Return the job's answer once it is committed, or raise what it raised."""
        return await self._put(lambda write, _: [job(write)], None, None)

    def do_together(
        self, place: Hashable, item: Item, work: Callable[[Write, Sequence[Item]], Sequence[T]]
    ) -> asyncio.Future[T]:
        """Do the same; items that wait for the same place are one job, which answers each.

        A job that fails is done again for each item alone.
        """
        return self._put(work, item, place)

    def _put(
        self, work: Callable[[Write, Sequence[Item]], Sequence[T]], item: Item, place: Hashable | None
    ) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._lock:  # or a job could slip in behind the end and wait for ever
            if not self._open:
                raise ServerError("the writer is not running: the application's lifespan is over")
            self._jobs.append(_Waiting(work, item, place, future))
        if self._ringing is not loop:
            self._ringing = loop
            loop.call_soon(self._ring, loop, 0)
        return future

    def _ring(self, loop: asyncio.AbstractEventLoop, before: int) -> None:
        """Wake the thread, once the loop has no more requests at hand: each waking costs more than a small job."""
        if before < len(self._jobs) < _TOGETHER:
            loop.call_soon(self._ring, loop, len(self._jobs))
        else:
            self._ringing = None
            self._bell.put(True)

    def _work(self) -> None:
        over = False
        while not over:
            over = not self._bell.get()
            while batch := self._take():
                self._commit(batch)

    def _take(self) -> list[_Waiting[Any]]:
        """Return jobs that wait, as many as one transaction takes."""
        batch: list[_Waiting[Any]] = []
        while self._jobs and len(batch) < _TOGETHER:
            waiting = self._jobs.popleft()
            if not waiting.future.cancelled():
                batch.append(waiting)
        return batch

    def _commit(self, batch: list[_Waiting[Any]], tries: int = _TRIES, *, is_first: bool = True) -> None:
        parts = _gathered(batch)
        refused: _Refusals = []
        try:
            with self._database.writing() as connection:
                if is_first and len(parts) == 1:
                    answers = self._run(connection, batch)
                else:
                    answers, refused = self._run_each(connection, parts)
        except _Refused as error:
            self.memory.settle(is_committed=False)
            if len(batch) == 1 and isinstance(error.cause, ApiError):
                _tell([], [(batch[0], error.cause)])
            else:
                self._commit(batch, tries, is_first=False)
            return
        except Exception as error:
            self.memory.settle(is_committed=False)
            if is_conflict(error) and tries > 1:
                # each alone: two processes that write to the same runs in another order would meet again
                for waiting in batch:
                    self._commit([waiting], tries - 1)
                return
            _log.exception("a transaction of %d writes failed", len(batch))
            _tell([], [(waiting, error) for waiting in batch])
            return
        self.memory.settle(is_committed=True)
        _tell(answers, refused)

    def _run_each(self, connection: Connection, parts: list[list[_Waiting[Any]]]) -> tuple[_Answers, _Refusals]:
        answers: _Answers = []
        refused: _Refusals = []
        for together in parts:
            try:
                answers += self._run_in_savepoint(connection, together)
            except _Refused as error:
                self.memory.settle(is_committed=False)
                if len(together) == 1:
                    refused.append((together[0], error.cause))
                else:
                    parts += [[waiting] for waiting in together]
        return answers, refused

    def _run_in_savepoint(self, connection: Connection, together: list[_Waiting[Any]], tries: int = _TRIES) -> _Answers:
        savepoint = connection.begin_nested()
        try:
            answers = self._run(connection, together)
        except _Refused as error:
            savepoint.rollback()
            if isinstance(error.cause, IntegrityError) and tries > 1:
                # another process drew the same id: the next one will differ
                return self._run_in_savepoint(connection, together, tries - 1)
            raise
        savepoint.commit()
        return answers

    def _run(self, connection: Connection, together: list[_Waiting[Any]]) -> _Answers:
        try:
            write = Write(connection, self._ids, now_ms(), self.memory)
            answers = together[0].work(write, [waiting.item for waiting in together])
        except Exception as error:
            if is_conflict(error):
                raise
            raise _Refused(error) from error
        return list(zip(together, answers, strict=True))


def _tell(answers: _Answers, refused: _Refusals) -> None:
    """Hand over what became of jobs; at once, because each waking of the event loop costs more than a small job."""
    loops = {waiting.future.get_loop() for waiting, _ in (*answers, *refused)}
    for loop in loops:
        with suppress(RuntimeError):  # a loop that is closed has nobody left who waits
            loop.call_soon_threadsafe(_settle, loop, answers, refused)


def _settle(loop: asyncio.AbstractEventLoop, answers: _Answers, refused: _Refusals) -> None:
    for waiting, answer in answers:
        if waiting.future.get_loop() is loop and not waiting.future.done():
            waiting.future.set_result(answer)
    for waiting, cause in refused:
        if waiting.future.get_loop() is loop and not waiting.future.done():
            waiting.future.set_exception(cause)


def _gathered(batch: Iterable[_Waiting[Any]]) -> list[list[_Waiting[Any]]]:
    """Return the batch in parts, those that wait for one place in one."""
    parts: dict[Hashable, list[_Waiting[Any]]] = {}
    for waiting in batch:
        parts.setdefault(waiting if waiting.place is None else waiting.place, []).append(waiting)
    return list(parts.values())


class _Refused(Exception):
    """Carries a job's own error out of its savepoint, past the handling of the transaction's errors."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.cause = cause
