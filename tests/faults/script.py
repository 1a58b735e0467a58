"""What goes wrong, and when."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

ACTIONS = ("answer", "reset", "silence", "trickle", "truncate", "slow", "kill")
KINDS = ("run", "suite", "test", "finish", "upload", "read", "other")

_IN_SECONDS = re.compile(r"\{in (-?\d+) s\}")


@dataclass
class Fault:
    """One thing that goes wrong with requests of one kind, whatever their API is.

    :ivar do: ``answer`` something else; ``reset`` the connection; ``silence``: never answer; ``trickle``: answer, a
        byte at a time and without an end; ``truncate`` the answer's body; ``slow``: answer after ``seconds``; ``kill``
        the process that has sent the request.
    :ivar on: one of :data:`KINDS`; empty for all.
    :ivar times: for how many requests; 0 for all.
    :ivar after: how many go well before.
    :ivar every: of the later ones, each so-manieth.
    :ivar carried_out: whether the server does what it was asked to before this happens.
    :ivar headers: of an ``answer``; ``{here}`` stands for the request's own path, ``{in 2 s}`` for that moment.
    :ivar body: of an ``answer``; empty for the API's own error.
    """

    do: str
    on: str = ""
    times: int = 1
    after: int = 0
    every: int = 1
    carried_out: bool = False
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 0.05

    def __post_init__(self) -> None:
        if self.do not in ACTIONS or self.on not in ("", *KINDS):
            raise ValueError(f"no such fault: {self.do!r} on {self.on!r}")
        self._met = 0
        self._used = 0

    def strikes(self, kind: str) -> bool:
        """Tell whether the next request, of this kind, is struck."""
        if self.on not in ("", kind) or (self.times and self._used >= self.times):
            return False
        self._met += 1
        if self._met <= self.after or (self._met - self.after - 1) % self.every:
            return False
        self._used += 1
        return True

    def is_due(self) -> bool:
        """Tell whether it is still to strike."""
        return self._used < max(self.times, 1)

    def headers_for(self, path: str) -> dict[str, str]:
        """Return the headers of the answer to a request for *path*."""

        def moment(match: re.Match[str]) -> str:
            return formatdate(time.time() + int(match[1]), usegmt=True)

        return {name: _IN_SECONDS.sub(moment, text.replace("{here}", path)) for name, text in self.headers.items()}


class Script:
    """The faults to come.

    :ivar over: set when nothing goes wrong any more, and what is kept waiting is let go.
    :ivar struck: how many requests have been struck.
    """

    def __init__(self, faults: Iterable[Mapping[str, Any]] = ()) -> None:
        self.over = threading.Event()
        self.struck = 0
        self._faults = [Fault(**fault) for fault in faults]
        self._lock = threading.Lock()

    def next(self, kind: str) -> Fault | None:
        """Return what strikes the request of this kind that has come in."""
        with self._lock:
            found = next((fault for fault in self._faults if fault.strikes(kind)), None)
            self.struck += found is not None
            return found

    def unmet(self) -> list[str]:
        """Return the faults that have not struck as often as they are to, in words."""
        with self._lock:
            return [f"{fault.do} on {fault.on or 'any'}" for fault in self._faults if fault.is_due()]

    def end(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._faults.clear()
        self.over.set()
