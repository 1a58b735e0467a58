"""A sleep that a session ends when it is over: until then, nothing has to be looked at."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress


class Bell:
    """Rung by a session that waits for us, with SIGURG: a signal that does nothing to whom it is not meant for."""

    def __init__(self) -> None:
        self._pipe: tuple[int, ...] = ()
        if not hasattr(signal, "SIGURG"):  # Windows
            return
        with suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGURG, lambda *_: None)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGURG])  # the session's tests may have blocked it
            self._pipe = os.pipe()
            for fd in self._pipe:
                os.set_blocking(fd, False)
            signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)

    def close(self) -> None:
        """Let go of the signal."""
        if self._pipe:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGURG, signal.SIG_DFL)
        for fd in self._pipe:
            os.close(fd)
        self._pipe = ()

    def wait(self, seconds: float, ends: Iterable[int]) -> None:
        """Wait so long, no longer than until it is rung or one of the processes behind these descriptors ends."""
        if not self._pipe:
            time.sleep(seconds)
            return
        watched = select.poll()
        for fd in (self._pipe[0], *ends):
            watched.register(fd, select.POLLIN)
        if any(fd == self._pipe[0] for fd, _ in watched.poll(seconds * 1000)):
            os.read(self._pipe[0], 4096)
