"""Limits: of requests in a minute."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest

from platform_report_server.auth import limits
from platform_report_server.auth.limits import TABLES, Limits
from platform_report_server.model import LimitGroup
from platform_report_server.settings import Settings
from pytest_platform_report.errors import Busy
from pytest_platform_report.platforms._http import Http
from pytest_platform_report.platforms.limits import TESTS_WRITE, named_wait, wait_when_used_up
from pytest_platform_report.uploader.pace import Pace
from server.support import KEY, OTHER_KEY, PROJECT, Api, opened, refused


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


def test_every_answer_tells_the_limit(settings: Settings) -> None:
    with opened(replace(settings, limits="contract")) as api:
        run = api.new_run()
        answers = [api.http.post("/api/tests", json=api.test_body(run)) for _ in range(58)]
        answers.append(api.http.post("/api/tests", json={}))
        answers.append(api.http.post("/api/tests/bulk", json={"tests": [api.test_body(run)] * 500}))
        assert [each.status_code for each in answers] == [201] * 58 + [400, 200]
        # some of the minute's requests have come back meanwhile
        assert [int(each.headers["X-RateLimit-Remaining"]) for each in answers[:2]] == [59, 58]
        assert {each.headers["X-RateLimit-Limit"] for each in answers} == {"60"}
        while (answer := api.http.post("/api/tests", json=api.test_body(run))).status_code != 429:
            assert answer.status_code == 201
        assert "More than 60 requests in a minute (tests write)" in refused(answer, 429, "RATE_LIMITED")
        assert answer.headers["Retry-After"] == answer.headers["X-RateLimit-Reset"] == "1"
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        refused(api.http.post("/api/test-suites", json={}), 429, "RATE_LIMITED")
        listed = api.http.get("/api/tests", params={"projectId": PROJECT})
        assert (listed.status_code, listed.headers["X-RateLimit-Remaining"]) == (200, "199")
        theirs = api.http.post("/api/tests", json={}, headers={"X-API-Key": OTHER_KEY})
        assert (theirs.status_code, theirs.headers["X-RateLimit-Remaining"]) == (400, "59")
        unknown = api.http.post("/api/tests", json={}, headers={"X-API-Key": "nobody's key here"})
        assert unknown.status_code == 401
        assert "X-RateLimit-Limit" not in unknown.headers


def test_limits_are_generous_unless_asked_for(api: Api) -> None:
    run = api.new_run()
    answer = api.http.post("/api/tests", json=api.test_body(run))
    assert answer.headers["X-RateLimit-Limit"] == "60000"


def test_the_uploader_that_waits_as_told_is_not_refused(settings: Settings) -> None:
    pace = Pace()
    with opened(replace(settings, limits="contract")) as api:
        http = Http(f"{api.http.base_url}/api", KEY, told=pace.told)
        run, count = api.new_run(), 0
        while pace.is_free(TESTS_WRITE):
            http.request("POST", "/tests", json=api.test_body(run))
            count += 1
        assert count >= 60
        assert 0 < pace.next_try(TESTS_WRITE) <= 1
        while not pace.is_free(TESTS_WRITE):
            time.sleep(pace.next_try(TESTS_WRITE))
        http.request("POST", "/tests", json=api.test_body(run))
        http.close()


@pytest.mark.parametrize("uploaders", [1, 3])
def test_uploaders_share_the_limit_of_their_key(uploaders: int) -> None:
    """By the words on the wire, with the clock of the test: each sends 100 tests one by one."""
    clock = Clock()
    limits, start, busy = Limits(TABLES["contract"], clock), clock.now, 0
    paces = [Pace(clock) for _ in range(uploaders)]
    left = dict.fromkeys(paces, 100)
    while any(left.values()):
        pace = min((pace for pace in paces if left[pace]), key=lambda pace: pace.next_try(TESTS_WRITE))
        clock.now += pace.next_try(TESTS_WRITE) + 0.001
        taken = limits.take("key", "tests write")
        headers = {"x-ratelimit-remaining": str(taken.remaining), "x-ratelimit-reset": str(taken.reset)}
        if taken.is_allowed:
            left[pace] -= 1
            if (wait := wait_when_used_up(headers)) is not None:
                pace.told(TESTS_WRITE, wait)
        else:
            busy += 1
            wait = named_wait(429, headers | {"retry-after": str(taken.reset)})
            pace.failed(TESTS_WRITE, Busy("refused", 429, wait))
    assert clock.now - start < 100 * uploaders - 60 + 5, "no time is lost"
    assert busy == 0 if uploaders == 1 else busy < 2 * 300
