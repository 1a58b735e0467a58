"""Several processes on one socket, each a run of the command that was given, and their replacement by new ones."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from platform_report_server.errors import ServerError

_VARIABLE = "PLATFORM_REPORT_WORKER"
_UP = b"+"

_log = logging.getLogger("platform_report_server")


@dataclass(frozen=True)
class Seat:
    """What a worker has from its parent."""

    listening: socket.socket
    _parent: socket.socket

    @classmethod
    def take(cls) -> Seat | None:
        """Return this process's, if it is a worker; it then ends with its parent."""
        told = os.environ.pop(_VARIABLE, None)
        if told is None:
            return None
        seat = cls(*(socket.socket(fileno=int(number)) for number in told.split(",")))
        for inherited in (seat.listening, seat._parent):
            inherited.set_inheritable(False)
        threading.Thread(target=seat._end_with_parent, daemon=True).start()
        return seat

    def tell_up(self) -> None:
        """Tell the parent that requests are answered."""
        self._parent.send(_UP)

    def _end_with_parent(self) -> None:
        self._parent.recv(1)
        os.kill(os.getpid(), signal.SIGTERM)


def run_workers(count: int, listening: socket.socket, on_started: Callable[[], None]) -> None:
    """Run so many workers until SIGINT or SIGTERM, which is passed on; another takes the place of one that dies.

    At SIGHUP new ones take the places of all, one after the other. Where a new one does not come up, the others stay.
    """
    crew = _Crew(count, listening, on_started)
    with crew.selector, _signals(crew.selector, is_on_terminal=sys.stdin is not None and sys.stdin.isatty()) as signals:
        crew.fill()
        while crew.workers:
            for key, _ in crew.selector.select():
                if key.data is None:
                    for number in signals.recv(1):
                        crew.heed(number)
                elif key.data in crew.workers:
                    crew.hear(key.data)
    if crew.has_failed:
        raise ServerError("a worker process failed; what it wrote above says why")


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    channel: socket.socket
    """At its end when the process is."""
    is_up: bool = False
    is_leaving: bool = False


class _Crew:
    def __init__(self, count: int, listening: socket.socket, on_started: Callable[[], None]) -> None:
        self._count = count
        self._listening = listening
        self._on_started = on_started
        self._is_started = False
        self._outgoing: list[_Worker] = []
        """Those that are to be replaced, the next one at the end."""
        self._is_ending = False
        self.selector = selectors.DefaultSelector()
        self.workers: set[_Worker] = set()
        self.has_failed = False

    def fill(self) -> None:
        """Begin those that are missing, and one more where one is to be replaced."""
        staying = sum(not worker.is_leaving for worker in self.workers)
        for _ in range(self._count + bool(self._outgoing) - staying):
            self._begin()

    def heed(self, number: int) -> None:
        """Do what a signal asks for."""
        if number != signal.SIGHUP:
            self._end(number)
        elif not self._is_ending:
            staying = [worker for worker in self.workers if not worker.is_leaving]
            self._outgoing = [worker for worker in staying if worker.is_up]
            for worker in staying:
                if not worker.is_up:  # it may have read half of what is new
                    self._leave(worker)
            self.fill()

    def hear(self, worker: _Worker) -> None:
        """Take in that a worker is up, or gone."""
        if not worker.channel.recv(1):
            self._bury(worker)
            return
        worker.is_up = True
        if self._outgoing and not worker.is_leaving:
            self._leave(self._outgoing.pop())
            self.fill()
        if not self._is_started and all(each.is_up or each.is_leaving for each in self.workers):
            self._is_started = True
            self._on_started()

    def _bury(self, worker: _Worker) -> None:
        self.selector.unregister(worker.channel)
        worker.channel.close()
        worker.process.wait()
        self.workers.remove(worker)
        if worker in self._outgoing:
            self._outgoing.remove(worker)
        if self._is_ending or worker.is_leaving:
            return
        if worker.is_up:
            _log.error("the worker process %d ended; another takes its place", worker.process.pid)
            self.fill()
        elif self._is_started and any(each.is_up for each in self.workers):
            _log.error("a new worker process did not come up; what it wrote above says why, and the others stay")
            self._outgoing.clear()
        else:
            self.has_failed = True
            self._end(signal.SIGTERM)

    def _begin(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            numbers = self._listening.fileno(), theirs.fileno()
            process = subprocess.Popen(  # noqa: S603  what was typed
                [sys.executable, *sys.orig_argv[1:]],
                env={**os.environ, _VARIABLE: ",".join(map(str, numbers))},
                pass_fds=numbers,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the parent, which passes it on once
            )
        worker = _Worker(process, ours)
        self.workers.add(worker)
        self.selector.register(ours, selectors.EVENT_READ, worker)

    def _leave(self, worker: _Worker) -> None:
        worker.is_leaving = True
        worker.process.send_signal(signal.SIGHUP)

    def _end(self, number: int) -> None:
        self._is_ending = True
        for worker in self.workers:
            worker.process.send_signal(number if worker.is_up else signal.SIGTERM)


@contextmanager
def _signals(selector: selectors.BaseSelector, *, is_on_terminal: bool) -> Iterator[socket.socket]:
    """Give out where the numbers of signals are read."""
    watched = [signal.SIGINT, signal.SIGTERM, *([] if is_on_terminal else [signal.SIGHUP])]  # else it went away
    read, written = socket.socketpair()
    with read, written:
        written.setblocking(False)
        selector.register(read, selectors.EVENT_READ)
        wakeup = signal.set_wakeup_fd(written.fileno())
        before = {number: signal.signal(number, lambda *_: None) for number in watched}
        try:
            yield read
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup)
