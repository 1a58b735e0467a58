"""The pages that look over many runs: search, trends, tests that became slower."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from platform_report_server import ids
from platform_report_server.web._chart import draw
from platform_report_server.web._stretches import DAY_MS, HOUR_MS, begins, cut, percentile
from server.browsing import OUR_SCRIPTS, Page
from server.support import HOSTILE, Api

NOW = 20_000 * 86_400_000 + 43_200_000  # noon


@pytest.mark.both_stores
def test_a_search_finds_runs_tests_and_errors(api: Api, other: Api) -> None:
    def ended(client: Api, title: str, message: str) -> Any:
        run = client.new_run(runTitle=title, branch="main")
        test = client.new_test(run, "test_pay", status="failed", error={"message": message})
        client.end_run(run, status="failed")
        return run, test

    ended(api, "Nightly one", "card 41 was refused")
    newest, test = ended(api, "Nightly two", "card 42 was refused")
    ended(other, "Nightly theirs", "their card was refused")
    page = look(api.http, "/search", q="REFUSED")
    assert "card 42 was refused" in page.text
    assert "2 runs, the first of them" in page.text
    assert "their" not in page.text
    assert "No test has that in its name" in page.text
    (group,) = [link for link in page.links if "group=" in link]
    assert group.startswith(f"/runs/{newest['id']}?")
    assert f"/tests/{test['id']}" in look(api.http, group).links
    page = look(api.http, "/search", q="nightly")
    assert page.text.index("Nightly two") < page.text.index("Nightly one")
    assert "theirs" not in page.text
    (case,) = [link for link in look(api.http, "/search", q="st_PA").links if link.startswith("/tests/")]
    assert "card 42 was refused" in look(api.http, case).text
    assert "No run has that" in look(api.http, "/search", q="%%").text
    assert "It takes 2 letters or more" in look(api.http, "/search", q=" n ").text
    assert "Nightly" not in look(api.http, "/search", q="nightly", project=other.project).text


@pytest.mark.both_stores
def test_trends_tell_how_a_project_goes_and_what_became_slower(api: Api) -> None:
    def ended(title: str, **took: float) -> Any:
        run = api.new_run(runTitle=title, branch="main")
        api.bulk([api.test_body(run, name, duration=duration) for name, duration in took.items()])
        api.new_test(run, "test_red", status="failed", duration=9000)
        return api.end_run(run, status="failed", duration=2000 if title == "First" else 4000)

    first = ended("First", test_a=10, test_b=500, test_gone=1)
    assert "There are no two runs to compare" in look(api.http, f"{_project(api)}/movers").text
    second = ended("Second", test_a=900, test_b=400, test_new=5000)
    api.end_run(api.new_run(branch="main"), status="cancelled")
    trends = f"{_project(api)}/trends"
    page = look(api.http, trends)
    for shown in ("2 runs that ended by themselves in 30 days", "75.00 %", "p50 from 2.0 s", "p99 from 4.0 s"):
        assert shown in page.text, shown
    assert page.source.count("<polyline") == 6
    assert "2 runs that ended" in look(api.http, trends, days="7", branch="main").text
    assert "in 30 days" in look(api.http, trends, days="8").text
    assert "No run ended by itself in this period on this branch" in look(api.http, trends, branch="side").text
    (movers,) = [link for link in page.links if "/movers" in link]
    page = look(api.http, movers)
    assert {f"/runs/{first['id']}", f"/runs/{second['id']}"} <= page.links
    rows = [" ".join(row.split()) for row in page.source.split("<tr>")[2:]]
    assert len(rows) == 1
    assert all(shown in rows[0] for shown in ("890 ms", "test_a", "10 ms", "900 ms"))


def test_hostile_text_stays_text_over_many_runs(api: Api) -> None:
    for took in (5, 50):
        run = api.new_run(runTitle=HOSTILE, branch=HOSTILE, commitMessage=HOSTILE, ciBuildUrl=f"http://x/{HOSTILE}")
        api.new_test(run, HOSTILE, status="failed", error={"message": HOSTILE})
        api.new_test(run, HOSTILE * 2, fullTitle=HOSTILE, duration=took)
        api.end_run(run, status="failed")
    for path in ("/", "/search", f"{_project(api)}/trends", f"{_project(api)}/movers"):
        for query in ({"q": "alert("}, {"q": HOSTILE, "project": HOSTILE, "branch": HOSTILE, "days": HOSTILE}):
            page = look(api.http, path, **query)
            assert page.scripts <= OUR_SCRIPTS
            assert page.handlers == set()
            assert not {"\x1b", "\0", "\u202e"} & set(page.source)
            assert path.endswith("/trends") or "project" in query or "{{ 7 * 7 }}" in page.text, path


def test_a_period_is_cut_into_stretches() -> None:
    def ran(ago: int, **said: Any) -> Any:
        known = {"status": "passed", "passed": 1, "skipped": 1, "flaky": 0, "total": 2, "duration": 10.0}
        return SimpleNamespace(id=ids.first_id(NOW - ago), **(known | said))

    rows = [ran(0), ran(HOUR_MS, status="failed", passed=0, flaky=1), ran(5 * DAY_MS, total=1), ran(40 * DAY_MS)]
    stretches = cut(rows, 30, NOW)
    assert len(stretches) == 30
    assert stretches[0].begins == begins(30, NOW)
    newest = stretches[-1]
    assert (newest.runs, newest.failed, newest.pass_rate, newest.flaky, newest.tests) == (2, 1, 50.0, 0.5, 2)
    assert [each.pass_rate for each in stretches if each.runs] == [None, 50.0]
    assert stretches[-2].p50 is None
    assert len(cut(rows, 7, NOW)) == 28
    assert [percentile([1, 2, 3, 4], percent) for percent in (50, 90, 99)] == [2, 4, 4]
    assert percentile([], 50) is None


def test_a_line_has_gaps_where_values_are_missing() -> None:
    (line,) = draw("Rate", "", {"rate": [1, 3, None, 2]}, 1, 3).lines
    assert line.pieces == [[(6, 114.0), (202.0, 6.0)], [(594.0, 60.0)]]
    assert draw("Rate", "", {"rate": [5.0]}, 5, 5).lines[0].pieces == [[(6, 6.0)]]


def _project(api: Api) -> str:
    (link,) = [link for link in look(api.http, "/").links if link.partition("?")[0].endswith("/trends")]
    return link.partition("?")[0].removesuffix("/trends")


def look(http: httpx.Client, path: str, **query: str) -> Page:
    """Return a page that is shown."""
    response = http.get(path, params=query or None, headers={"Accept": "text/html"})
    assert response.status_code == 200, response.text
    page = Page(response.text)
    assert page.unlabelled == set()
    return page
