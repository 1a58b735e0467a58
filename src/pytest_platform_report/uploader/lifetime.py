"""The end of an uploader's time, which not even a platform that never answers puts off."""

from __future__ import annotations

import _thread
import json
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..journal.reader import last_kind
from ..journal.records import ENDS
from ..process import is_alive

_CLOSING_SECONDS = 5.0
_LOOK_SECONDS = 1.0
_STUCK_SECONDS = 3600.0


def end_within(seconds: float) -> None:
    """Let the system end this process after *seconds*, at 0 not at all; wherever it is by then.

    An uploader may be killed at any moment: what it was about stands in the delivery record.
    """
    if not hasattr(signal, "setitimer"):  # Windows
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the session's tests may have had it ignored, or blocked
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    signal.setitimer(signal.ITIMER_REAL, seconds)


class Deadline:
    """So many seconds after a run's end, and five more for its closing statistics, the system ends this process.

    The run's end is looked for by a thread too, since a request may be under way just then.

    :param longest: tells how many seconds, None while that is not known.
    :param follow: without it, the process goes on to the next run, and nobody ends it.
    """

    def __init__(self, folder: Path, longest: Callable[[], float | None], *, follow: bool) -> None:
        self._longest = longest
        self._follow = follow
        self._begun: float | None = None
        self._lock = _thread.allocate_lock()
        self._watched = _thread.allocate_lock()
        self._watched.acquire()
        self.put_off()
        if follow and hasattr(signal, "setitimer"):
            # Not threading's, which waits for a thread to say that it runs: one without memory for that never does.
            with suppress(RuntimeError):
                _thread.start_new_thread(self._watch, (_Ends(folder),))

    def close(self) -> None:
        """End the watch."""
        with self._lock:
            if self._watched.locked():
                self._watched.release()

    @property
    def age(self) -> float:
        """For how many seconds the run has been over."""
        begun = self._begun
        return 0.0 if begun is None else time.monotonic() - begun

    def begin(self) -> None:
        """Note that the run is over."""
        with self._lock:
            if self._begun is None:
                self._begun = time.monotonic()
                if self._follow:
                    end_within((self._longest() or 0.0) + _CLOSING_SECONDS)

    def put_off(self) -> None:
        """Note that the run goes on."""
        with self._lock:
            self._begun = None
            if self._follow:
                end_within(_STUCK_SECONDS)

    def move(self, seconds: float) -> None:
        """Put the end so many seconds from now, and five more."""
        if self._follow:
            end_within(seconds + _CLOSING_SECONDS)

    def is_past(self, at_most: float) -> bool:
        """Tell whether it has come, or the run has been over for *at_most* seconds."""
        return self._begun is not None and self.age >= min(self._longest() or 0.0, at_most)

    def _watch(self, ends: _Ends) -> None:
        while not self._watched.acquire(timeout=_LOOK_SECONDS):
            with self._lock:
                longest = self._longest() if self._watched.locked() else None
                if self._begun is None and longest is not None and ends.are_all_there():
                    self._begun = time.monotonic()
                    signal.setitimer(signal.ITIMER_REAL, longest + _CLOSING_SECONDS)


class _Ends:
    """Whether all processes of a run have ended, by the first and the last record of each journal."""

    def __init__(self, folder: Path) -> None:
        self._journals = folder / "journal"
        self._processes: dict[str, dict[str, Any]] = {}

    def are_all_there(self) -> bool:
        try:
            paths = list(self._journals.glob("*.jsonl"))
            return bool(paths) and all(map(self._is_there, paths))
        except (OSError, ValueError, KeyError, TypeError):
            return False  # deleted, or not written yet: the uploader itself will see to that

    def _is_there(self, path: Path) -> bool:
        with path.open("rb") as file:
            if path.name not in self._processes:
                self._processes[path.name] = json.loads(file.readline())["process"]
            if not is_alive(self._processes[path.name]):
                return True
            return last_kind(file) in ENDS
