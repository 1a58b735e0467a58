"""How many requests somebody may make in a minute, in each group of operations, whichever process they reach.

A whole minute's requests may come at once; after that one more is allowed whenever its share of the minute is over.
Of each caller and group, one number is kept in the store: the moment at which the whole minute would be free again
(GCRA). A process takes from there as many requests as it needed a moment ago, and hands them out by itself: whoever
sends thousands in a second costs a statement now and then, whoever sends one costs one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

import anyio.to_thread

from platform_report_server.clock import now_ms
from platform_report_server.db import counts
from platform_report_server.db.engine import Database
from platform_report_server.db.failures import cause_of
from platform_report_server.errors import RateLimited
from platform_report_server.model import LimitGroup

TABLES: Mapping[Literal["generous", "contract"], Mapping[LimitGroup, int]] = MappingProxyType(
    {
        "generous": {
            "runs read": 30_000,
            "runs write": 6_000,
            "tests read": 30_000,
            "tests write": 60_000,
            "uploads": 12_000,
            "projects and teams": 6_000,
            "keys and webhooks": 3_000,
            "flakiness": 6_000,
            "downloads": 30_000,
            "forms": 600,
            "everything else": 6_000,
            "unknown callers": 6_000,
        },
        "contract": {
            "runs read": 100,
            "runs write": 30,
            "tests read": 200,
            "tests write": 60,
            "uploads": 30,
            "projects and teams": 60,
            "keys and webhooks": 30,
            "flakiness": 60,
            "downloads": 200,
            "forms": 60,
            "everything else": 60,
            "unknown callers": 60,
        },
    }
)
_MINUTE = 60.0
_KEPT = 10_000
_TINY = 1e-6
_LEASE_SECONDS = 1.0
_AHEAD_SECONDS = 0.3
_AHEAD = 4
"""Once so small a part of a lease is left, or so little time, the next one is taken: nobody waits for it then."""
_MANY = 64
"""Requests of a lease from which on that is done: whoever needs fewer would leave too much of it unused."""
_LEASES = 30
"""No process holds more than this part of a minute's requests: what it does not need is lost to the others."""
_FEW = 1_000
"""Of so few in a minute, no process holds more than one."""
_ALONE_SECONDS = 5.0

_log = logging.getLogger("platform_report_server")


class Allowance(NamedTuple):
    """What a caller may still do after a request, which itself may be too much."""

    group: LimitGroup
    is_allowed: bool
    limit: int
    """Requests a minute."""
    remaining: int
    """Requests that may follow at once."""
    reset: int
    """Whole seconds until one more may follow."""

    def check(self) -> None:
        """Refuse a request that is too much."""
        if not self.is_allowed:
            raise RateLimited(
                f"More than {self.limit} requests in a minute ({self.group}): the next is welcome in {self.reset} s",
                retry_after=self.reset,
            )


@dataclass
class _Held:
    """What this process knows of a caller in a group, and has taken for them."""

    left: int = 0
    until: float = 0.0
    """When what is left is no longer theirs."""
    size: int = 0
    """How many were there when some were taken last."""
    free_at: float = 0.0
    """When the whole minute is free again, or later: others may have taken since."""

    def is_there(self, now: float) -> bool:
        return self.left > 0 and now < self.until

    def used(self, now: float) -> float:
        return max(self.free_at - now, 0.0)

    def is_used_up(self, now: float, limit: int) -> bool:
        return self.used(now) + _MINUTE / limit > _MINUTE + _TINY

    def is_ending(self, now: float) -> bool:
        return self.size >= _MANY and (self.left <= self.size // _AHEAD or now >= self.until - _AHEAD_SECONDS)

    def wanted(self, now: float, most: int) -> int:
        if self.is_there(now):
            most -= self.left
        if now >= self.until or self.left > self.size // _AHEAD:
            return min(max(self.size - self.left, 1), most)
        return min(max(2 * self.size, 1), most)


class Limits:
    """The requests of the last minute; of the callers that were here last, so that it does not grow for ever.

    Where the store cannot be reached, each process counts by itself.
    """

    def __init__(
        self,
        table: Mapping[LimitGroup, int],
        database: Database,
        clock: Callable[[], float] = time.monotonic,
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._database = database
        self._clock = clock
        self._time_of_day = time_of_day
        self._held: OrderedDict[tuple[str, LimitGroup], _Held] = OrderedDict()
        self._turn = asyncio.Lock()
        self._ahead: set[asyncio.Task[None]] = set()
        self._alone_until = -math.inf

    async def take(self, caller: str, group: LimitGroup) -> Allowance:
        """Count a request, if it is allowed."""
        limit, held = self._table[group], self._find((caller, group))
        while not held.is_there(now := self._clock()):
            if held.is_used_up(now, limit):
                return _told(held, group, limit, now, is_allowed=False)
            async with self._turn:
                if not held.is_there(self._clock()):
                    await self._lease(held, caller, group)
                    if not held.left:
                        return _told(held, group, limit, now, is_allowed=False)
        held.left -= 1
        return _told(held, group, limit, now, is_allowed=True)

    def take_at_hand(self, caller: str, group: LimitGroup) -> Allowance | None:
        """Count a request if this process has taken some for the caller; otherwise do nothing."""
        held, now = self._find((caller, group)), self._clock()
        if not held.is_there(now):
            return None
        held.left -= 1
        if held.is_ending(now) and not self._ahead:
            task = asyncio.get_running_loop().create_task(self._lease_ahead(held, caller, group))
            self._ahead.add(task)
            task.add_done_callback(self._ahead.discard)
        return _told(held, group, self._table[group], now, is_allowed=True)

    async def forget(self) -> None:
        """Delete from the store what says nothing any more."""

        def work() -> None:
            with self._database.counting() as connection:
                counts.forget(connection, now_ms())

        await anyio.to_thread.run_sync(work)

    def _find(self, place: tuple[str, LimitGroup]) -> _Held:
        held = self._held.get(place)
        if held is None:
            held = self._held[place] = _Held()
            if len(self._held) > _KEPT:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(place)
        return held

    async def _lease_ahead(self, held: _Held, caller: str, group: LimitGroup) -> None:
        async with self._turn:
            if held.is_ending(self._clock()):
                await self._lease(held, caller, group)

    async def _lease(self, held: _Held, caller: str, group: LimitGroup) -> None:
        now, limit, used, granted = self._clock(), self._table[group], 0.0, 0
        wanted = held.wanted(now, 1 if limit <= _FEW else limit // _LEASES)
        if now >= self._alone_until:
            try:
                granted, used = await anyio.to_thread.run_sync(self._take, f"{group} {caller}", wanted, limit)
            except Exception as error:
                self._alone_until = now + _ALONE_SECONDS
                _log.warning("this process counts requests by itself for a moment: %s", cause_of(error))
        if now < self._alone_until and not held.is_used_up(now, limit):
            granted, used = 1, held.used(now) + _MINUTE / limit
        ended = self._clock()
        held.left = held.size = granted + (held.left if held.is_there(ended) else 0)
        held.free_at = max(held.free_at, now + used)
        held.until = ended + _LEASE_SECONDS

    def _take(self, name: str, wanted: int, limit: int) -> tuple[int, float]:
        key, now = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest(), round(self._time_of_day() * 1e6)
        with self._database.counting() as connection:
            granted, used = counts.take(connection, key, wanted, counts.MINUTE // limit, now)
        return granted, used / 1e6


def _told(held: _Held, group: LimitGroup, limit: int, now: float, *, is_allowed: bool) -> Allowance:
    share, used = _MINUTE / limit, held.used(now)
    shared = max(math.floor((_MINUTE - used + _TINY) / share), 0)
    wait = used + (shared + 1) * share - _MINUTE
    left = held.left if is_allowed else 0
    return Allowance(group, is_allowed, limit, left + shared, max(math.ceil(wait - _TINY), 1))
