"""The one thread of a process that writes: what waits together is committed together."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from platform_report_server.clock import now_ms
from platform_report_server.db.engine import Database
from platform_report_server.db.failures import is_conflict
from platform_report_server.errors import ServerError
from platform_report_server.ids import IdMaker

T = TypeVar("T")

_TOGETHER = 64
_TRIES = 5

_log = logging.getLogger("platform_report_server")


@dataclass(frozen=True)
class Write:
    """What a job gets: the transaction, the ids, the time."""

    connection: Connection
    ids: IdMaker
    now: int


Job = Callable[[Write], T]


@dataclass(frozen=True)
class _Waiting:
    job: Job[Any]
    future: Future[Any]


class Writer:
    """Runs jobs in transactions, each in a savepoint of its own.

    A job may run more than once, so it has no other effect.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids = IdMaker()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="platform-report-writer", daemon=True)
        self._lock = threading.Lock()
        self._open = False

    def start(self) -> None:
        """Begin to take jobs."""
        self._open = True
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then end."""
        with self._lock:
            self._open = False
            self._queue.put(None)
        self._thread.join()

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return self._queue.qsize()

    async def do(self, job: Job[T]) -> T:
        """Return the job's answer once it is committed, or raise what it raised."""
        future: Future[T] = Future()
        with self._lock:  # or a job could slip in behind the end and wait for ever
            if not self._open:
                raise ServerError("the writer is not running: the application's lifespan is over")
            self._queue.put(_Waiting(job, future))
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        over = False
        while not over:
            batch, over = self._take()
            if batch:
                self._commit(batch)

    def _take(self) -> tuple[list[_Waiting], bool]:
        """Wait for a job and take what else waits; tell whether the end was asked for."""
        batch: list[_Waiting] = []
        while len(batch) < _TOGETHER:
            try:
                waiting = self._queue.get(block=not batch)
            except queue.Empty:
                break
            if waiting is None:
                return batch, True
            if waiting.future.set_running_or_notify_cancel():
                batch.append(waiting)
        return batch, False

    def _commit(self, batch: list[_Waiting], tries: int = _TRIES) -> None:
        refused: list[tuple[_Waiting, Exception]] = []
        answers: list[tuple[_Waiting, Any]] = []
        try:
            with self._database.writing() as connection:
                for waiting in batch:
                    try:
                        answers.append((waiting, self._run(connection, waiting.job)))
                    except _Refused as error:
                        refused.append((waiting, error.cause))
        except Exception as error:
            if is_conflict(error) and tries > 1:
                # each alone: two processes that write to the same runs in another order would meet again
                for waiting in batch:
                    self._commit([waiting], tries - 1)
                return
            _log.exception("a transaction of %d writes failed", len(batch))
            for waiting in batch:
                waiting.future.set_exception(error)
            return
        for waiting, answer in answers:
            waiting.future.set_result(answer)
        for waiting, cause in refused:
            waiting.future.set_exception(cause)

    def _run(self, connection: Connection, job: Job[T], tries: int = _TRIES) -> T:
        savepoint = connection.begin_nested()
        try:
            answer = job(Write(connection, self._ids, now_ms()))
        except Exception as error:
            if is_conflict(error):
                raise
            savepoint.rollback()
            if isinstance(error, IntegrityError) and tries > 1:
                # another process drew the same id: the next one will differ
                return self._run(connection, job, tries - 1)
            raise _Refused(error) from error
        savepoint.commit()
        return answer


class _Refused(Exception):
    """Carries a job's own error out of its savepoint, past the handling of the transaction's errors."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.cause = cause
