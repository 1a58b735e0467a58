"""Limits: of requests in a minute."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import httpx
import pytest
from sqlalchemy import func, select
from starlette.requests import HTTPConnection
from starlette.routing import Route

from platform_report_server.app import create_app
from platform_report_server.auth import limits as limits_module
from platform_report_server.auth.addresses import network_of
from platform_report_server.auth.limits import TABLES, Limits
from platform_report_server.clock import now_ms
from platform_report_server.db import counts
from platform_report_server.db.engine import open_database
from platform_report_server.model import LimitGroup
from platform_report_server.settings import LOOPBACK_NAMES, Settings
from pytest_platform_report.errors import Busy
from pytest_platform_report.platforms._http import Http
from pytest_platform_report.platforms.limits import TESTS_WRITE, named_wait, wait_when_used_up
from pytest_platform_report.uploader.pace import Pace
from server.support import KEY, OTHER_KEY, PROJECT, Api, opened, refused, serving, with_store


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def headers_of_limits(answer: httpx.Response) -> tuple[int, int]:
    limit, remaining = (int(answer.headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining"))
    assert 0 <= remaining <= limit
    assert int(answer.headers["X-RateLimit-Reset"]) >= 1
    return limit, remaining


@contextmanager
def limiting(
    settings: Settings, clock: Clock, count: int = 1, table: Literal["generous", "contract"] = "contract"
) -> Iterator[list[Limits]]:
    """Give out the limits of so many processes."""
    databases = [open_database(settings.database) for _ in range(count)]
    yield [Limits(TABLES[table], each, clock, clock) for each in databases]
    for each in databases:
        each.close()


def test_a_minutes_requests_at_once_then_one_by_one(settings: Settings) -> None:
    clock = Clock()

    async def use(one: Limits, two: Limits) -> None:
        taken = [await limits.take("key", "tests write") for _ in range(30) for limits in (one, two)]
        assert [each.remaining for each in taken] == [*range(59, -1, -1)]
        assert {each.limit for each in taken} == {60}
        for limits in (one, two):
            more = await limits.take("key", "tests write")
            assert (more.is_allowed, more.remaining, more.reset) == (False, 0, 1)
        for allowed in (True, False):
            clock.now += 0.5
            assert (await one.take("key", "tests write")).is_allowed is not allowed
        clock.now += 3
        later = [await limits.take("key", "tests write") for limits in (one, one, two, two)]
        assert [each.is_allowed for each in later] == [True, True, True, False]
        assert (await two.take("key", "tests read")).remaining == 199
        assert (await two.take("other", "tests write")).remaining == 59
        clock.now += 60
        assert (await one.take("key", "tests write")).remaining == 59
        at_once = await asyncio.gather(*(each.take("many", "tests write") for _ in range(50) for each in (one, two)))
        assert sum(each.is_allowed for each in at_once) == 60

    with limiting(settings, clock, 2) as processes:
        asyncio.run(use(*processes))


def test_who_sends_much_takes_many_at_once_and_never_more_than_there_are(settings: Settings) -> None:
    clock, taken = Clock(), 0

    async def send(limits: Limits, count: int) -> int:
        nonlocal taken
        allowed = 0
        for _ in range(count):
            before = limits._held.get(("key", "tests write"), None)
            left = before.left if before else 0
            allowed += (await limits.take("key", "tests write")).is_allowed
            taken += left == 0
        return allowed

    async def use(one: Limits, two: Limits) -> None:
        assert [await send(each, 20_000) for each in (one, two)] == [20_000, 20_000]
        assert taken < 40_000 / 500 + 2 * 10
        assert 18_000 <= await send(one, 30_000) <= 20_000  # the other holds some
        assert await send(two, 1000) < 500
        clock.now += 1.5
        assert 1000 <= await send(one, 1500) + await send(two, 1500) <= 1500  # what was held is lost

    with limiting(settings, clock, 2, "generous") as (one, two):
        asyncio.run(use(one, two))


def test_who_is_at_it_has_the_next_requests_before_the_last_are_gone(settings: Settings) -> None:
    clock = Clock()

    async def use(one: Limits, two: Limits) -> None:
        for _ in range(130):
            assert (await one.take("key", "flakiness")).is_allowed
        for _ in range(2):  # of time, too
            clock.now += 0.8
            assert one.take_at_hand("key", "flakiness")
            await asyncio.gather(*one._ahead)
        allowed = 132
        while one.take_at_hand("key", "flakiness"):
            allowed += 1
            await asyncio.gather(*one._ahead)
        assert allowed >= 6000
        assert allowed - 6000 <= (clock.now - 1000 + time.monotonic() - began) * 100
        assert (await two.take("key", "flakiness")).remaining < 100

    began = time.monotonic()
    with limiting(settings, clock, 2, "generous") as (one, two):
        asyncio.run(use(one, two))


@pytest.mark.parametrize("group", ["runs write", "tests read"])
def test_who_stays_away_as_long_as_told_is_never_refused_and_loses_nothing(
    settings: Settings, group: LimitGroup
) -> None:
    clock, chance = Clock(), random.Random(1)

    async def use(limits: Limits) -> None:
        start, count, limit = clock.now, 0, TABLES["contract"][group]
        while clock.now < start + 120:
            taken = await limits.take("key", group)
            assert taken.is_allowed
            count += 1
            clock.now += chance.random() / 100 if taken.remaining else taken.reset
        assert limit * 2 <= count <= limit * 3

    with limiting(settings, clock) as (limits,):
        asyncio.run(use(limits))


@pytest.mark.both_stores
def test_callers_are_forgotten_at_some_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_module, "_KEPT", 3)

    async def use(limits: Limits) -> None:
        for caller in ("first", "second", "third", "first", "fourth"):
            await limits.take(caller, "uploads")
        assert len(limits._held) == 3
        await limits.forget()
        rows = select(func.count()).select_from(counts.request_count)
        with database.counting() as connection:
            assert connection.execute(rows).scalar() == 4
            counts.forget(connection, now_ms() + 60_000)
            assert connection.execute(rows).scalar() == 0

    database = open_database(settings.database)
    asyncio.run(use(Limits(TABLES["contract"], database)))
    database.close()


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


def test_every_other_answer_of_the_api_tells_a_limit_too(settings: Settings) -> None:
    """Those to known callers by the routes' table: test_access.py."""
    settings = replace(settings, limits="contract", host_names=LOOPBACK_NAMES, link_token="the-token")
    routes = [route for route in create_app(settings).routes if isinstance(route, Route)]
    with opened(settings) as api, httpx.Client(base_url=api.http.base_url) as stranger:

        def told(answer: httpx.Response) -> tuple[int, int]:
            assert headers_of_limits(answer), answer.request.url
            return answer.status_code, int(answer.headers["X-RateLimit-Limit"])

        link = api.upload(api.new_run())["url"]
        assert told(stranger.get(link)) == (200, 200)
        assert told(stranger.get(link, headers={"Range": "bytes=0-3"})) == (206, 200)
        assert told(stranger.get(link[:-1])) == (403, 200)
        assert told(api.http.post("/api/runs", content=b"x" * 6_000_000)) == (413, 30)
        assert told(stranger.get("/api/nothing")) == (404, 60)
        assert told(stranger.get("/api")) == (404, 60)
        assert told(stranger.put("/api/runs")) == (404, 60)
        assert told(stranger.get("/api/runs", headers={"Host": "evil.example"})) == (403, 60)
        assert told(stranger.get("/api/openapi.json")) == (200, 60)
        with httpx.Client(base_url=api.http.base_url) as browser:
            browser.get("/?token=the-token")
            assert told(browser.get("/api/teams")) == (200, 60)
            assert browser.get("/api/teams").headers["X-RateLimit-Remaining"] == "58"
            foreign = browser.post("/api/runs", json={}, headers={"Origin": "http://evil.example"})
            assert told(foreign) == (403, 60)
        statuses = [
            told(stranger.request(method, route.path))[0]
            for route in routes
            if f"{route.path}/".startswith("/api/")
            for method in (*(route.methods or ()), "PUT")
        ]
        assert {401, 404, 429} <= {*statuses}
        assert told(api.http.get("/api/runs", params={"projectId": PROJECT})) == (200, 100)
        with_store(settings, "DROP TABLE case_stat")
        assert told(api.http.get("/api/flakiness", params={"projectId": PROJECT})) == (500, 60)
        assert "X-RateLimit-Limit" not in stranger.get("/healthz").headers


def test_forms_are_limited_and_who_is_not_known_by_their_network(settings: Settings) -> None:
    settings = replace(settings, limits="contract")
    with serving(settings) as url, httpx.Client(base_url=url) as browser:
        statuses = [browser.post("/login", data={"email": "jane@example.com"}).status_code for _ in range(60)]
        assert statuses == [403] * 60
        while (answer := browser.post("/login", data={"email": "jane@example.com"})).status_code != 429:
            assert answer.status_code == 403
        assert answer.headers["Retry-After"] == "1"
        assert "More than 60 requests in a minute (forms)" in answer.text
        elsewhere = {"X-Forwarded-For": "2001:db8::1"}
        assert browser.post("/login", headers=elsewhere).status_code == 400
        with ThreadPoolExecutor(4) as pool:
            neighbours = [f"2001:db8::{number}" for number in range(70)]
            sent = pool.map(lambda each: browser.post("/login", headers={"X-Forwarded-For": each}), neighbours)
            assert 429 in [each.status_code for each in sent]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),  # as a socket of both versions tells it
        ("a socket", "a socket"),
    ],
)
def test_what_stands_for_an_address(address: str, network: str) -> None:
    assert network_of(HTTPConnection({"type": "http", "client": (address, 1)})) == network


def test_where_counting_fails_each_process_counts_by_itself(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(replace(settings, limits="contract")) as api:
        assert headers_of_limits(api.http.post("/api/runs", json={})) == (30, 29)
        assert isinstance(settings.database, Path)
        with closing(sqlite3.connect(settings.database.with_name("platform.db.counts"))) as counting:
            counting.execute("DROP TABLE request_count")
        answers = [api.http.post("/api/runs", json={}) for _ in range(31)]
        assert [each.status_code for each in answers[:29]] == [400] * 29
        assert answers[-1].status_code == 429
    assert "this process counts requests by itself for a moment: no such table: request_count" in caplog.text


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
def test_uploaders_share_the_limit_of_their_key(settings: Settings, uploaders: int) -> None:
    """By the words on the wire, with the clock of the test: each sends 100 tests one by one."""
    clock = Clock()
    start = clock.now
    paces = [Pace(clock) for _ in range(uploaders)]

    async def send(limits: Limits) -> int:
        busy, left = 0, dict.fromkeys(paces, 100)
        while any(left.values()):
            pace = min((pace for pace in paces if left[pace]), key=lambda pace: pace.next_try(TESTS_WRITE))
            clock.now += pace.next_try(TESTS_WRITE) + 0.001
            taken = await limits.take("key", "tests write")
            headers = {"x-ratelimit-remaining": str(taken.remaining), "x-ratelimit-reset": str(taken.reset)}
            if taken.is_allowed:
                left[pace] -= 1
                if (wait := wait_when_used_up(headers)) is not None:
                    pace.told(TESTS_WRITE, wait)
            else:
                busy += 1
                wait = named_wait(429, headers | {"retry-after": str(taken.reset)})
                pace.failed(TESTS_WRITE, Busy("refused", 429, wait))
        return busy

    with limiting(settings, clock) as (limits,):
        busy = asyncio.run(send(limits))
    assert clock.now - start < 100 * uploaders - 60 + 5, "no time is lost"
    assert busy == 0 if uploaders == 1 else busy < 2 * 300
