"""Which runs change, those that other processes write to as well, as long as somebody wants to know."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

import anyio
from sqlalchemy import Connection

from platform_report_server.db.queries.states import RunState, newest_states, states_of
from platform_report_server.db.reader import Reader
from platform_report_server.errors import Overloaded

Subject = int | frozenset[str] | None
"""What somebody looks at: a run by its number, the runs of some projects by their public ids, or every run."""

MOST = 500
"""Listeners of a process at the same time."""
MOST_EACH = 20
"""Those among them who are the same person."""

_LOOK_SECONDS = 1.0
_AFTER_FAILURE_SECONDS = 10.0
_RETRY_SECONDS = 60

_log = logging.getLogger("platform_report_server")


@dataclass(frozen=True)
class View:
    """Where the runs of a subject stand."""

    runs: Mapping[int, RunState]

    @cached_property
    def version(self) -> str:
        """What differs as soon as one of the runs does, and is the same in every process."""
        return hashlib.blake2b(repr(sorted(self.runs.items())).encode(), digest_size=9).hexdigest()


@dataclass(frozen=True)
class Snapshot:
    """The newest runs at one moment, and those that were asked for."""

    listed: Mapping[int, RunState]
    asked: Mapping[int, RunState | None]
    _views: dict[Subject, View] = field(default_factory=dict, compare=False, repr=False)

    def view(self, subject: Subject) -> View:
        """Return what there is of a subject; it is put together once for all who look at the same."""
        view = self._views.get(subject)
        if view is None:
            view = self._views[subject] = View(self._runs(subject))
        return view

    def _runs(self, subject: Subject) -> Mapping[int, RunState]:
        if subject is None:
            return self.listed
        if isinstance(subject, int):
            state = self.asked.get(subject)
            return {} if state is None else {subject: state}
        return {number: state for number, state in self.listed.items() if state.project in subject}


def look(connection: Connection, asked: frozenset[int] = frozenset()) -> Snapshot:
    """Look at the newest runs, and at those that are asked for."""
    return Snapshot(newest_states(connection), {**dict.fromkeys(asked), **states_of(connection, asked)})


class Feed:
    """Looks at the store once a second for all who listen, and not at all where nobody does."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._newest: Snapshot | None = None
        self._changed = asyncio.Event()
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def listen(self, subject: Subject, who: str) -> Listener:
        """Have a subject looked at until the listener is closed; refuse where too many listen."""
        if len(self._listeners) >= MOST:
            raise Overloaded(f"{MOST} pages follow the runs of this server already", retry_after=_RETRY_SECONDS)
        if Counter(each.who for each in self._listeners)[who] >= MOST_EACH:
            raise Overloaded(f"{MOST_EACH} of your pages follow runs already: close one", retry_after=_RETRY_SECONDS)
        listener = Listener(self, subject, who)
        self._listeners.add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._repeat())
        return listener

    def leave(self, listener: Listener) -> None:
        """Let a listener go."""
        self._listeners.discard(listener)

    async def newer(self, than: Snapshot | None, subject: Subject) -> Snapshot:
        """Wait until the newest snapshot is another one, with the subject in it; return that."""
        while True:
            newest = self._newest
            if newest is not None and newest is not than and (not isinstance(subject, int) or subject in newest.asked):
                return newest
            await self._changed.wait()

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _repeat(self) -> None:
        while self._listeners:
            pause = _LOOK_SECONDS
            asked = frozenset(each.subject for each in self._listeners if isinstance(each.subject, int))
            try:
                self._tell(await self._reader.read(partial(look, asked=asked)))
            except Exception:
                _log.exception("runs cannot be followed now; the next try is in %g s", _AFTER_FAILURE_SECONDS)
                pause = _AFTER_FAILURE_SECONDS
            await asyncio.sleep(pause)
        self._newest = None

    def _tell(self, snapshot: Snapshot) -> None:
        if snapshot != self._newest:
            self._newest = snapshot
            self._changed.set()
            self._changed = asyncio.Event()


@dataclass(frozen=True, eq=False)
class Listener:
    """Somebody who wants to know. Whoever is slow gets the newest alone: nothing is kept for them."""

    feed: Feed
    subject: Subject
    who: str

    async def newer(self, than: Snapshot | None, seconds: float) -> Snapshot | None:
        """Wait so long for a snapshot that differs."""
        # not asyncio.wait_for: before Python 3.12 it now and then loses that its task is cancelled
        with anyio.move_on_after(seconds):
            return await self.feed.newer(than, self.subject)
        return None

    def close(self) -> None:
        """Listen no more."""
        self.feed.leave(self)
