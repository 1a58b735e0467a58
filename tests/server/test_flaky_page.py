"""The page of flaky tests, and quarantine by its form and by that on a test's page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from platform_report_server.settings import Settings
from server.browsing import Browser, Page, browsers
from server.support import KEY, OTHER_KEY, OTHER_PROJECT, PROJECT, Api, checked, serving

REASON = '<b>waits</b> for "the queue"'


@pytest.mark.both_stores
def test_flaky_tests_are_found_and_put_into_quarantine(settings: Settings) -> None:
    with serving(replace(settings, link_token="the-token")) as url, browsers(url) as new:
        with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=60) as http:
            tests = _execute(Api(http))
            reader = checked(
                http.post("/api/api-keys", json={"projectId": PROJECT, "name": "R", "role": "viewer"}), 201
            )
        with httpx.Client(base_url=url, headers={"X-API-Key": OTHER_KEY}, timeout=60) as http:
            other = Api(http, OTHER_PROJECT)
            foreign = other.new_test(other.new_run())["id"]
        browser = new()
        browser.go("/?token=the-token")
        (path,) = [link for link in browser.go(f"/tests/{tests['never']}").links if link.endswith("/flaky")]
        _look(browser, path)
        _choose(browser, path, foreign)
        _decide_on_its_page(browser, tests["never"])
        seen = httpx.get(url + path, headers={"X-API-Key": reader["key"], "Accept": "text/html"})
        assert "worst" in seen.text
        assert "checkbox" not in seen.text


def _execute(api: Api) -> dict[str, str]:
    for number in range(6):
        run = api.new_run()
        sometimes = {1: "flaky", 3: "failed"}.get(number, "passed")
        said = {"worst": "flaky", "sometimes": sometimes, "never": "passed"}
        bodies = [api.test_body(run, title, status=status) for title, status in said.items()]
        often = "flaky" if number else "passed"
        bodies.append(api.test_body(run, "elsewhere[<i>]", status=often, filePath="tests/Sub/test_b.py"))
        results = api.bulk(bodies)
        api.end_run(run)
    return {each["title"]: each["id"] for each in results}


def _look(browser: Browser, path: str) -> None:
    page = browser.go(path)
    assert _titles(page) == ["worst", "elsewhere[&lt;i&gt;]", "sometimes"]
    text = " ".join(page.text.split())
    assert "3 with a flaky execution among the last 50" in text
    assert re.search(
        r"first flaky 5 executions back, last on \S+ \S+ UTC 2 of 6 flaky or failed of all 6: 1 flaky", text
    )
    assert 'aria-label="the last 6 executions: 1 flaky, 1 failed"' in page.source
    for query, titles in (
        ("band=high", ["worst", "elsewhere[&lt;i&gt;]"]),
        ("band=low", ["sometimes"]),
        ("band=nonsense&offset=x", ["worst", "elsewhere[&lt;i&gt;]", "sometimes"]),
        ("search=SOME", ["sometimes"]),
        ("search=never", []),
        ("file=sub/", ["elsewhere[&lt;i&gt;]"]),
        ("quarantined=yes", []),
        ("quarantined=no&search=wor&band=high", ["worst"]),
        ("offset=2", ["sometimes"]),
    ):
        assert _titles(browser.go(f"{path}?{query}")) == titles, query


def _choose(browser: Browser, path: str, foreign: str) -> None:
    page = browser.go(f"{path}?band=high")
    both = re.findall(r'name="test" value="(\w+)"', page.source)
    said = {"reason": REASON, "owner": "ada@example.com", "until": "2090-12-31"}
    for wrong, status, told in (
        ({"test": []}, 400, "Choose from 1 to 200 tests: 0 are chosen"),
        ({"test": [f"{both[0]}{'0' * number}" for number in range(201)]}, 400, ": 201 are chosen"),
        ({"test": ["test_none"]}, 404, "There is no test"),
        ({"test": both, "until": "2001-01-01"}, 400, "expected a day from today"),
        ({"test": both, "owner": "x" * 201}, 400, "expected at most 200 characters"),
        ({"test": [*both, foreign]}, 404, ""),
    ):
        answer = _send(browser, page, "/quarantine", said | wrong)
        assert answer.status_code == status, wrong
        assert told in answer.text
    refused = Page(_send(browser, page, "/quarantine", said | {"test": both[:1], "until": "x"}).text)
    assert refused.wrong == {"until"}
    assert refused.source.count(" checked") == 1
    assert _titles(refused) == _titles(page)
    assert refused.form("/quarantine?band=high").values["reason"] == REASON
    assert _titles(browser.go(f"{path}?quarantined=yes")) == []

    answer = _send(browser, page, "/quarantine", said | {"test": both})
    assert answer.headers["location"] == f"{path}?band=high"
    page = browser.go(answer.headers["location"])
    assert "2 tests are in quarantine now." in page.text
    assert f"ada@example.com, until 2090-12-31: {REASON}" in page.text
    page = browser.go(f"{path}?quarantined=yes")
    assert _titles(page) == ["worst", "elsewhere[&lt;i&gt;]"]
    assert _send(browser, page, "/release", {"test": both[:1]}).status_code == 303
    assert _titles(browser.go(f"{path}?quarantined=yes")) == ["elsewhere[&lt;i&gt;]"]


def _decide_on_its_page(browser: Browser, test_id: str) -> None:
    place = f"/tests/{test_id}"
    page = browser.go(place)
    assert browser.send(page, f"{place}/quarantine", 400, until="2001-01-01").wrong == {"until"}
    page = browser.send(page, f"{place}/quarantine", reason=REASON, owner="Ada", until="2090-12-31")
    text = " ".join(page.text.split())
    assert "The test is in quarantine now." in text
    assert f"until 2090-12-31 23:59 UTC: {REASON} looked after by Ada" in text
    form = page.form(f"{place}/quarantine")
    assert form.values.items() >= {"reason": REASON, "owner": "Ada", "until": "2090-12-31"}.items()
    assert _send(browser, page, f"{place}/quarantine", {}, f"{place}/release").status_code == 303
    assert "The test is released." in browser.go(place).text


def _send(browser: Browser, page: Page, end: str, said: dict[str, Any], to: str | None = None) -> httpx.Response:
    (form,) = [each for each in page.forms if "/quarantine" in each.action]
    action = to or form.action.replace("/quarantine", end)
    return browser.http.post(action, data={**form.values, **said}, headers={"Origin": browser.url})


def _titles(page: Page) -> list[str]:
    return re.findall(r'aria-label="Choose test_mod &gt; ([^"]*)"', page.source)
