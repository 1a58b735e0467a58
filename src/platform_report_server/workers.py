"""Several processes that do the same until they are told to end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

from platform_report_server.errors import ServerError

_ENDING = frozenset({signal.SIGINT, signal.SIGTERM})
_WATCHED = _ENDING | {signal.SIGCHLD}
_FAILED = 1

_log = logging.getLogger("platform_report_server")


def run_workers(count: int, work: Callable[[bool], None]) -> None:
    """Do the work in so many processes until SIGINT or SIGTERM; another takes the place of one that is killed.

    The work ends at SIGTERM. It is told whether it is that of the first process. Where it raises, everything ends.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    alive, held = os.pipe()
    begin = _Begin(work, mask, alive, held)
    try:
        workers = {begin(is_first=not number) for number in range(count)}
        is_well = True
        while is_well and signal.sigwait(_WATCHED) not in _ENDING:
            for pid, status in _ended(workers):
                workers.remove(pid)
                is_well = is_well and status != _FAILED
                if is_well:
                    _log.error("the worker process %d ended; another takes its place", pid)
                    workers.add(begin(is_first=False))
        for pid in workers:
            os.kill(pid, signal.SIGTERM)
        for pid in workers:
            os.waitpid(pid, 0)
        if not is_well:
            raise ServerError("a worker process failed; what it wrote above says why")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(alive)
        os.close(held)


def _ended(workers: Collection[int]) -> list[tuple[int, int]]:
    """Return those that are no more, with their exit statuses, which are negative where a signal killed them."""
    found = (os.waitpid(pid, os.WNOHANG) for pid in workers)
    return [(pid, os.waitstatus_to_exitcode(status)) for pid, status in found if pid]


@dataclass(frozen=True)
class _Begin:
    work: Callable[[bool], None]
    mask: set[signal.Signals | int]
    alive: int
    held: int
    """Nobody but the parent holds this end of the pipe open."""

    def __call__(self, *, is_first: bool) -> int:
        pid = os.fork()
        if pid:
            return pid
        status = _FAILED
        try:
            os.setpgid(0, 0)  # Ctrl-C is for the parent, which passes it on once
            os.close(self.held)
            signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)
            threading.Thread(target=self._end_with_parent, daemon=True).start()
            self.work(is_first)
            status = 0
        except BaseException:
            _log.exception("a worker process failed")
        finally:
            sys.stdout.flush()
            os._exit(status)

    def _end_with_parent(self) -> None:
        os.read(self.alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)
