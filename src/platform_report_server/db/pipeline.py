"""A connection to PostgreSQL that the event loop drives, with one statement: no thread waits for what it answers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import pq

from platform_report_server.errors import Unavailable

Values = Sequence[bytes | None]
Found = list[bytes | None]
"""The first value that each call found, None where it found no row."""

_NAME = b"pipelined"
_LOOK_SECONDS = 1.0

_log = logging.getLogger("platform_report_server")


@dataclass(eq=False)
class _Run:
    answer: asyncio.Future[Found | None]
    found: Found = field(default_factory=list)
    is_refused: bool = False


class Pipeline:
    """Runs the statement with many sets of values in one transaction, on one way to the server and back."""

    def __init__(
        self, name: object, connection: psycopg.Connection[Any], statement: str, formats: Sequence[int]
    ) -> None:
        self._name = name
        connection.execute(b"PREPARE %b AS %b" % (_NAME, statement.encode()))
        self._connection = connection
        self._server = connection.pgconn
        self._server.nonblocking = 1
        self._server.enter_pipeline_mode()
        self._socket = self._server.socket
        self._formats = formats
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runs: deque[_Run] = deque()
        self._look: asyncio.TimerHandle | None = None
        self.is_open = True
        """Whether the connection is there, as far as is known."""

    def watch(self) -> None:
        """Read from now on what comes, in this event loop: that the connection ends comes unasked."""
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(self._socket, self._read)
        except NotImplementedError as error:
            self.close()
            raise NotImplementedError(f"{type(loop).__name__} watches only the sockets that it made") from error
        self._loop = loop

    def run(self, calls: Sequence[Values]) -> asyncio.Future[Found | None]:
        """Return what was found, once all is committed; runs go one after the other.

        Where the database refuses one of the calls, nothing is stored, and None stands for all.
        """
        run = _Run(asyncio.get_running_loop().create_future())
        self._runs.append(run)
        try:
            for values in calls:
                self._server.send_query_prepared(_NAME, values, self._formats)
            self._server.pipeline_sync()
            self._write()
        except psycopg.Error as error:
            self._lose(error)
        if self._look is None:
            self._look_later()
        return run.answer

    def close(self) -> None:
        """Close the connection."""
        self.is_open = False
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._loop = None
        if self._look is not None:
            self._look.cancel()
            self._look = None
        self._connection.close()

    def _look_later(self) -> None:
        # uvloop says nothing of a connection that is reset, as it is where the server ends with something unread
        self._look = self._loop.call_later(_LOOK_SECONDS, self._look_now) if self._runs and self._loop else None

    def _look_now(self) -> None:
        self._read()
        self._look_later()

    def _write(self) -> None:
        if self._server.flush() and self._loop is not None:
            self._loop.add_writer(self._socket, self._write_on)

    def _write_on(self) -> None:
        if self._loop is not None:
            self._loop.remove_writer(self._socket)
        try:
            self._write()
        except psycopg.Error as error:
            self._lose(error)

    def _read(self) -> None:
        try:
            self._server.consume_input()
            while self._runs and not self._server.is_busy():
                self._take(self._server.get_result(), self._runs[0])
        except psycopg.Error as error:
            self._lose(error)

    def _take(self, result: pq.abc.PGresult | None, run: _Run) -> None:
        if self._server.status == pq.ConnStatus.BAD:
            raise psycopg.OperationalError("the connection is lost")
        if result is None:  # between two calls
            return
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            self._runs.popleft()
            if not run.answer.done():
                run.answer.set_result(None if run.is_refused else run.found)
        elif result.status == pq.ExecStatus.TUPLES_OK:
            run.found.append(result.get_value(0, 0) if result.ntuples else None)
        else:
            run.is_refused = True

    def _lose(self, error: psycopg.Error) -> None:
        self.close()
        if self._runs:
            _log.error("%s: the database cannot be reached: %s", self._name, " ".join(str(error).split()))
        while self._runs:
            answer = self._runs.popleft().answer
            if not answer.done():
                answer.set_exception(Unavailable("The database cannot be reached; try again"))
