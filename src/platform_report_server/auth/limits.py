"""How many requests a key or a person may make in a minute, in each group of operations.

A whole minute's requests may come at once; after that one more is allowed whenever its share of the minute is over.
Of each caller and group, one number is kept: the moment at which the whole minute would be free again (GCRA).
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

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
        },
    }
)
_MINUTE = 60.0
_KEPT = 10_000
_TINY = 1e-6


@dataclass(frozen=True)
class Allowance:
    """What a caller may still do after a request, which itself may be too much."""

    is_allowed: bool
    limit: int
    """Requests a minute."""
    remaining: int
    """Requests that may follow at once."""
    reset: int
    """Whole seconds until one more may follow."""


class Limits:
    """The requests of the last minute; of the callers that were here last, so that it does not grow for ever."""

    def __init__(self, table: Mapping[LimitGroup, int], clock: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._clock = clock
        self._free_at: OrderedDict[tuple[str, LimitGroup], float] = OrderedDict()

    def take(self, caller: str, group: LimitGroup) -> Allowance:
        """Count a request, if it is allowed."""
        limit, now = self._table[group], self._clock()
        share = _MINUTE / limit
        used = max(self._free_at.get((caller, group), now) - now, 0.0)
        is_allowed = used + share <= _MINUTE + _TINY
        if is_allowed:
            used += share
            self._free_at[caller, group] = now + used
            self._free_at.move_to_end((caller, group))
            if len(self._free_at) > _KEPT:
                self._free_at.popitem(last=False)
        remaining = math.floor((_MINUTE - used + _TINY) / share)
        wait = used + (remaining + 1) * share - _MINUTE
        return Allowance(is_allowed, limit, remaining, max(math.ceil(wait - _TINY), 1))
