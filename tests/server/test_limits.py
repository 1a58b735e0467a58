"""Limits: of requests in a minute."""

from __future__ import annotations

import random

import pytest

from platform_report_server.auth import limits
from platform_report_server.auth.limits import TABLES, Limits
from platform_report_server.model import LimitGroup


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_requests_at_once_then_one_by_one() -> None:
    clock = Clock()
    limits = Limits(TABLES["contract"], clock)
    taken = [limits.take("key", "tests write") for _ in range(61)]
    assert [each.remaining for each in taken] == [*range(59, -1, -1), 0]
    assert [each.is_allowed for each in taken] == [True] * 60 + [False]
    assert {each.limit for each in taken} == {60}
    assert taken[-1].reset == taken[-2].reset == 1
    for allowed in (True, False):
        clock.now += 0.5
        assert limits.take("key", "tests write").is_allowed is not allowed
    clock.now += 3
    assert [limits.take("key", "tests write").is_allowed for _ in range(4)] == [True, True, True, False]
    assert limits.take("key", "tests read").remaining == 199
    assert limits.take("other", "tests write").remaining == 59
    clock.now += 60
    assert limits.take("key", "tests write").remaining == 59


@pytest.mark.parametrize("group", TABLES["contract"])
def test_who_stays_away_as_long_as_told_is_never_refused_and_loses_nothing(group: LimitGroup) -> None:
    clock, chance = Clock(), random.Random(1)
    limits = Limits(TABLES["contract"], clock)
    start, count, limit = clock.now, 0, TABLES["contract"][group]
    while clock.now < start + 600:
        taken = limits.take("key", group)
        assert taken.is_allowed
        count += 1
        clock.now += chance.random() / 100 if taken.remaining else taken.reset
    assert limit * 10 <= count <= limit * 11


def test_callers_are_forgotten_at_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_KEPT", 3)
    kept = Limits(TABLES["contract"], Clock())
    for caller in ("first", "second", "third", "first", "fourth"):
        kept.take(caller, "uploads")
    assert [kept.take(caller, "uploads").remaining for caller in ("first", "fourth", "second")] == [27, 28, 29]
