"""Who ran what when: what is kept of it, and what is made of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from platform_report_server.clock import iso, now_ms
from platform_report_server.db.schema import LANES
from server.browsing import Page
from server.support import Api, refused

pytestmark = pytest.mark.both_stores

HOSTILE = "<script>alert('x')</script>"


def ran(api: Api, run: Any, name: str, start: float, took: float, *, since: int, **more: Any) -> dict[str, Any]:
    """Return a test that began so many seconds after a moment, and took so many."""
    return api.test_body(run, name, startedAt=iso(since + round(1000 * start)), duration=1000 * took, **more)


def test_what_was_told_comes_back(api: Api) -> None:
    run = api.new_run()
    told: dict[str, Any] = {"startedAt": iso(now_ms() - 5000), "worker": "gw1", "shard": 3}
    for _ in range(2):  # PostgreSQL writes what it knows already in another way
        made = api.new_test(run, **told)
        shown = api.get(f"/api/tests/{made['id']}")
        assert {name: shown[name] for name in told} == told
    text = " ".join(Page(api.http.get(f"/tests/{made['id']}").text).text.split())
    assert "ran on shard 3, gw1" in text
    assert f"began {told['startedAt'][:10]}" in text
    plain = api.get(f"/api/tests/{api.new_test(run)['id']}")
    assert not told.keys() & plain.keys()
    for field, value in (("startedAt", "2026-03-19T10:00:00"), ("worker", ""), ("worker", "x" * 201), ("shard", 0)):
        body = api.test_body(run) | {field: value}
        refused(api.http.post("/api/tests", json=body), 400, "VALIDATION_ERROR", field)


def test_the_timeline_says_what_a_run_waited_for(api: Api) -> None:
    since = now_ms() - 60_000
    run = api.new_run(runTitle="Shards")
    first = {"shard": 1, "worker": "gw2"}
    attempts = [
        {"attempt": number, "status": status, "startedAt": iso(since + at), "duration": 500}
        for number, status, at in ((1, "failed", 2000), (2, "passed", 3500))
    ]
    api.bulk(
        [
            ran(api, run, "test_a", 0, 1, since=since, **first),
            ran(api, run, "test_b", 2, 0.5, since=since, **first, attempts=attempts, status="flaky"),
            ran(api, run, "test_c", 0, 4, since=since, shard=1, worker="gw10", status="failed"),
            ran(api, run, "test_d", 1, 2, since=since, shard=2, worker=HOSTILE),
            ran(api, run, "test_e", 3, 7, since=since, shard=2, worker=HOSTILE),
            api.test_body(run, "test_of_old"),
        ]
    )
    page, text = read(api, run)
    assert "This run goes on" in text
    assert "5 tests on 3 lanes" in text
    assert "from the first to the last 10.0 s longest test 7.0 s" in text
    assert "Of 1 test it was not told when they ran" in text
    assert f"shard 2, {HOSTILE} ended last, 6.0 s after the next one" in text
    # 16 seconds of tests on three lanes would be done after 5.3 seconds, but for the longest test
    assert "would have been done after 7.0 s, 30 % sooner: as long as the longest test takes" in text
    (waited,) = re.findall(r'<section id="waited-for">.*?</section>', page.source, re.DOTALL)
    assert re.findall(r"test_\w(?=</a>)", waited) == ["test_e"]
    rows = {row[0]: row[1:] for row in lanes(page)}
    assert list(rows) == ["shard 1, gw2", "shard 1, gw10", f"shard 2, {HOSTILE}"]
    assert rows["shard 1, gw2"] == ["2", "3.0 s 30 %", "1.0 s", "1.0 s after 1.0 s", "0 ms", "4.0 s 6.0 s early"]
    assert rows["shard 1, gw10"] == ["1", "4.0 s 40 %", "0 ms", "none", "0 ms", "4.0 s 6.0 s early"]
    drawn = re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="\d" width="([\d.]+)"', page.source)
    assert drawn == [
        *(("passed", "0.0", "100.0"), ("flaky", "200.0", "200.0"), ("failed", "0.0", "400.0")),
        *(("passed", "100.0", "200.0"), ("passed", "300.0", "700.0")),
    ]
    assert f"/runs/{run['id']}/timeline" in Page(api.http.get(f"/runs/{run['id']}").text).links

    alone = api.new_run()
    api.new_test(alone)
    assert "was not told when the tests of this run began" in read(api, alone)[1]
    api.bulk([ran(api, alone, f"test_{number}", number, 1, since=since) for number in range(2)])
    api.end_run(alone)
    assert "One lane ran all tests" in read(api, alone)[1]
    assert lanes(read(api, alone)[0])[0][0] == "one process"


def test_shards_whose_clocks_differ_are_not_compared(api: Api) -> None:
    run, now = api.new_run(), now_ms()
    api.bulk(
        [
            ran(api, run, "test_a", -5, 5, since=now, shard=1),
            ran(api, run, "test_b", 3600, 2, since=now, shard=2),
        ]
    )
    page, text = read(api, run)
    assert "The times of the shards do not go together" in text
    assert "differ by up to 1 h 00 min" in text
    assert [row[-2:] for row in lanes(page)] == [["0 ms", "5.0 s last"], ["0 ms", "2.0 s 3.0 s early"]]


def test_a_run_of_very_many_lanes_is_bounded(api: Api) -> None:
    run, since = api.new_run(), now_ms() - 60_000
    tests = [
        ran(api, run, f"test_{number}", number % 7, 1, since=since, worker=f"gw{number}") for number in range(LANES + 9)
    ]
    for begin in range(0, len(tests), 500):
        api.bulk(tests[begin : begin + 500])
    page, text = read(api, run)
    assert f"{LANES + 9} tests on {LANES} lanes" in text
    assert page.source.count("<tr>") < 200
    assert [row[0] for row in lanes(page)] == [f"gw{number}" for number in range(20)]
    assert f"/runs/{run['id']}/timeline?offset=20" in page.links
    ((name, tests_of_others, *_),) = [row for row in lanes(read(api, run, offset=980)[0]) if row[0] == "all others"]
    assert (name, tests_of_others) == ("all others", "10")
    api.http.delete(f"/api/runs/{run['id']}")
    at = datetime(2020, 1, 1, tzinfo=timezone.utc) + timedelta(days=1)  # farther from the run than is kept
    late = api.new_test(api.new_run(), startedAt=at.isoformat(), worker="gw1")
    assert "startedAt" not in api.get(f"/api/tests/{late['id']}")


def read(api: Api, run: Any, **query: int) -> tuple[Page, str]:
    answer = api.http.get(f"/runs/{run['id']}/timeline", params=query)
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert page.handlers == page.unlabelled == set()
    assert HOSTILE not in page.source
    return page, " ".join(page.text.split())


def lanes(page: Page) -> list[list[str]]:
    """Return what the table says of each lane, its drawing left out."""
    (part,) = re.findall(r'<section id="of-lanes">.*?</section>', page.source, re.DOTALL)
    _, *rows = re.sub(r"<svg.*?</svg>", "", part, flags=re.DOTALL).split("<tr>\n")
    shown = [re.split(r"(?:</t[hd]>)\s*", row.partition("</tr>")[0])[:-1] for row in rows]
    texts = [[" ".join(Page(cell.replace("<small>", " ")).text.split()) for cell in row] for row in shown]
    return [[row[0], *row[2:]] for row in texts]
