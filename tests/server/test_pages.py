"""The dashboard: what the pages show, and what hostile text cannot do to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from platform_report_server.clock import iso, now_ms
from platform_report_server.db.queries import run_filters
from platform_report_server.model import NewRun, NewTest
from platform_report_server.settings import Settings
from platform_report_server.web._since import compare_link
from server.browsing import OUR_SCRIPTS, Page
from server.filled import texts_of
from server.pictures import photo
from server.support import HOSTILE, OTHER_PROJECT, PROJECT, Api, checked, serving, with_store

STEPS = [
    {"title": "outer", "category": "hook", "status": "passed", "duration": 1500, "error": None},
    {"title": "inner", "category": "assertion", "duration": 5, "depth": 1, "error": {"message": "not this"}},
]


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    with serving(replace(settings, link_token="the-token")) as address:
        yield address


@pytest.fixture
def browser(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}) as client:
        client.get("/?token=the-token")
        yield client


def test_an_empty_store_says_so(browser: httpx.Client) -> None:
    assert "No runs here" in read(browser, "/").text


@pytest.mark.both_stores
def test_the_run_list_leads_to_runs(api: Api, other: Api, browser: httpx.Client) -> None:
    today = iso(now_ms())[:10]
    run = api.new_run(runTitle="Nightly", branch="main", commitSha="a1b2c3d4e5f6a7b8", tags=["smoke", "slow"])
    api.end_run(run, status="failed", totalTests=142, passedTests=138, failedTests=3, flakyTests=1, duration=245000)
    other.new_run(commitMessage="Theirs", branch="side", commitAuthor="\u00e9mile")
    page = read(browser, "/")
    for shown in ("Nightly", "a1b2c3d4e5", "142 tests", "3 failed", "1 flaky", "97.18 %", "4 min 05 s", "Theirs"):
        assert shown in page.text
    assert f"/runs/{run['id']}" in page.links
    for query, titles in (
        ({"branch": "main"}, ["Nightly"]),
        ({"project": OTHER_PROJECT}, ["Theirs"]),
        ({"status": "running"}, ["Theirs"]),
        ({"search": "nightl"}, ["Nightly"]),
        ({"search": "A1B2C3D4"}, ["Nightly"]),
        ({"search": "heirs"}, ["Theirs"]),
        ({"search": "%"}, []),
        ({"author": "\u00c9mile", "branch": "side"}, ["Theirs"]),
        ({"tag": "smoke"}, ["Nightly"]),
        ({"tag": "smo"}, []),
        ({"from": today, "to": today}, ["Nightly", "Theirs"]),
        ({"to": "2021-01-01"}, []),
        ({"from": "9999-12-31"}, []),
        ({"from": "2021-02-30"}, ["Nightly", "Theirs"]),
    ):
        found = read(browser, "/", **query)
        assert [name for name in ("Nightly", "Theirs") if name in found.text] == titles, query
        assert query.items() <= found.forms[-1].values.items() or "2021-02-30" in query.values()


@pytest.mark.both_stores
def test_the_run_list_shows_how_runs_go(api: Api, browser: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(title: str, failed: int, build: str) -> None:
        run = api.new_run(runTitle=title, ciProvider="github", ciBuildUrl=build, shardTotal=3, workers=8)
        api.end_run(run, status="failed", totalTests=4, passedTests=4 - failed, failedTests=failed, duration=2000)

    ended("First", 1, "https://ci.example/1")
    assert "Pass rate" not in read(browser, "/").text
    ended("Second", 3, "javascript:alert(1)")
    page = read(browser, "/")
    assert "2 runs, from 25.0 % to 75.0 %, 25.0 % in the newest" in page.text
    assert "from 2.0 s to 2.0 s, half of them within 2.0 s" in page.text
    assert {"3 shards", "8 workers"} <= set(re.findall(r"\d (?:shards|workers)", page.text))
    assert {link for link in page.links if ":" in link} == {"https://ci.example/1"}
    monkeypatch.setattr(run_filters, "LOOKED_THROUGH", 1)
    shown = read(browser, "/", search="s").text
    assert "Second" in shown
    assert "First" not in shown
    assert "Looked at the newest" in shown


def test_a_key_shows_its_own_project_only(api: Api, other: Api) -> None:
    ours = api.new_run(runTitle="Ours")
    theirs = other.new_run(runTitle="Theirs")
    page = api.http.get("/").text
    assert "Ours" in page
    assert "Theirs" not in page
    assert "Theirs" not in api.http.get("/", params={"project": OTHER_PROJECT}).text
    assert api.http.get(f"/runs/{ours['id']}").status_code == 200
    assert api.http.get(f"/runs/{theirs['id']}").status_code == 404
    assert api.http.get(f"/tests/{other.new_test(theirs)['id']}").status_code == 404


@pytest.mark.both_stores
def test_suites_tell_how_their_tests_ended(api: Api, browser: httpx.Client) -> None:
    run, file = api.new_run(), "tests/test_shop.py"

    def test(full: str, status: str, title: str = "", place: str | None = file) -> None:
        api.new_test(run, title or full.rpartition(" > ")[2], status=status, fullTitle=full, filePath=place)

    top = api.new_suite(run, "test_shop", filePath=file)["id"]
    cart = api.new_suite(run, "TestCart", filePath=file, parentSuiteId=top)["id"]
    api.new_suite(run, "TestCart > inside", filePath=file, parentSuiteId=cart)
    api.new_suite(run, "elsewhere")
    test("test_shop > test_alone", "passed")
    test("test_shop > TestCart > test_sum[a > b]", "failed")
    test("test_shop > TestCart > test_empty", "skipped", "An empty cart")
    test("test_shop > TestCart > TestCart > inside > test_deep", "flaky")
    test("test_shop > TestCartoon > test_drawn", "passed")
    test("test_shop > TestCart > test_sum", "passed", place="tests/other/test_shop.py")
    test("elsewhere > test_far", "passed", place=None)
    test("elsewhere > test_near", "passed")

    def shown(**under: str) -> list[str]:
        items = re.findall("<li>.*?</li>", browser.get(f"/runs/{run['id']}/suites", params=under).text, re.S)
        return [" ".join(re.sub("<[^>]*>", " ", each).split()).replace(" ,", ",") for each in items]

    whole = "5 tests, 1 failed, 1 flaky, 1 skipped"
    assert shown() == ["elsewhere 2 tests", f"test_shop {file} 1 suite in test_shop {whole}"]
    assert shown(under=top) == [f"TestCart {file} 1 suite in TestCart 3 tests, 1 failed, 1 flaky, 1 skipped"]
    assert shown(under=cart) == [f"TestCart &gt; inside {file} 1 test, 1 flaky"]


@pytest.mark.both_stores
def test_a_run_shows_its_failures_first(api: Api, browser: httpx.Client) -> None:
    run = api.new_run(runTitle="Nightly", hostname="ci-runner-01", metadata={"command": "pytest -k 'a < b'"})
    api.new_test(run, "test_good")
    bad = api.new_test(run, "test_bad", status="failed", error={"message": "assert 1 == 2"})
    api.new_test(run, "test_left_out", status="skipped")
    api.new_suite(run, "TestLogin")
    api.upload(run, "report.html", b"<p>hello", "attachment")
    path = f"/runs/{run['id']}"
    page = read(browser, path)
    assert page.text.index("assert 1 == 2") < page.text.index("test_bad") < page.text.index("test_good")
    for shown in ("ci-runner-01", "Suites", "report.html", "50.0 %", "pytest -k 'a < b'"):
        assert shown in page.text
    assert f"/tests/{bad['id']}" in page.links
    assert "?search=TestLogin" in str(read(browser, f"{path}/suites").links)
    skipped = read(browser, path, status="skipped").text
    assert "test_left_out" in skipped
    assert "test_good" not in skipped
    found = read(browser, path, search="GOOD").text
    assert "test_good" in found
    assert "test_bad" not in found
    assert "No tests here with these filters" in read(browser, path, search="none such").text


@pytest.mark.both_stores
def test_failures_that_say_the_same_are_one_group(api: Api, browser: httpx.Client) -> None:
    def ended(title: str, **said: str) -> Any:
        run = api.new_run(runTitle=title, branch="main")
        api.bulk([api.test_body(run, name, status="failed", error={"message": words}) for name, words in said.items()])
        return api.end_run(run, status="failed")

    first = ended("First", test_a="took 3 s", test_z="<b>boom</b>")
    second = ended("Second", test_a="took 4 s", test_b="took 5 s", test_c="took 6 s", test_z="<b>boom</b>")
    page = read(browser, f"/runs/{second['id']}")
    text = " ".join(page.text.split())
    assert "4 tests in 2 groups of one message each, 2 new" in text
    assert re.search(r"2 new the others failing since First, .* took 4 s .*test_a .*3 tests .*boom", text)
    assert "still failing since First" in text
    assert f"/runs/{first['id']}" in page.links
    assert "2 groups" not in read(browser, f"/runs/{second['id']}?status=failed").text
    (group,) = [link for link in page.links if "group=" in link]
    members = read(browser, f"/runs/{second['id']}{group}").text
    assert all(name in members for name in ("test_a", "test_b", "test_c"))
    assert "test_z" not in members
    assert "test_z" in read(browser, f"/runs/{second['id']}?group=nonsense").text
    boom = read(browser, f"/runs/{first['id']}").text
    assert "<b>boom</b>" in boom
    assert "1 new" not in boom


@pytest.mark.both_stores
def test_a_failing_test_tells_since_when(api: Api, browser: httpx.Client) -> None:
    build = "https://github.com/shop/web/actions/runs/17"

    def ended(commit: str, status: str) -> Any:
        run = api.new_run(branch="main", commitSha=commit, commitAuthor="ada", commitMessage=commit, ciBuildUrl=build)
        test = api.new_test(run, "test_pay", status=status)
        api.end_run(run, status=status)
        return test

    ended("a" * 40, "passed")
    first = ended("b" * 40, "failed")
    later = ended("c" * 40, "failed")
    page = read(browser, f"/tests/{later['id']}")
    text = " ".join(page.text.split())
    assert f"failing on main since {'b' * 40}" in text
    assert f"first failing commit {'b' * 12} by ada" in text
    assert f"it passed in {'a' * 40}" in text
    assert f"https://github.com/shop/web/compare/{'a' * 40}...{'b' * 40}" in page.links
    assert "it did not fail on main before" in read(browser, f"/tests/{first['id']}").text
    assert "first failing" not in read(browser, f"/tests/{ended('d' * 40, 'passed')['id']}").text


@pytest.mark.parametrize(
    ("build", "link"),
    [
        ("https://gitlab.example/a/b/c/-/jobs/9", "https://gitlab.example/a/b/c/-/compare/aaaaaaa...bbbbbbb"),
        ("https://github.com/a/b/actions/runs/1/attempts/2", "https://github.com/a/b/compare/aaaaaaa...bbbbbbb"),
        ("javascript:alert(1)//x/y/actions/runs/1", None),
        ("https://ci.example/job/3", None),
        (None, None),
    ],
)
def test_changes_are_compared_where_the_repository_is_known(build: str | None, link: str | None) -> None:
    assert compare_link(build, "a" * 7, "b" * 7) == link
    assert compare_link(build, "a" * 7, "../../evil") is None


def test_long_lists_come_in_pages(api: Api, browser: httpx.Client) -> None:
    run = api.new_run()
    api.bulk([api.test_body(run, f"test_{number:03}") for number in range(250)])
    seen: list[str] = []
    path: str | None = f"/runs/{run['id']}?search=test_"
    while path is not None:
        page = read(browser, path)
        seen += re.findall(r"test_\d{3}", page.text)
        path = page.next and f"/runs/{run['id']}{page.next}"
    assert seen == [f"test_{number:03}" for number in range(250)]
    assert "251 to 250" not in read(browser, f"/runs/{run['id']}?offset=300").text
    for nonsense in ("-1", "x", "9" * 40, "٣"):
        assert "test_000" in read(browser, f"/runs/{run['id']}", offset=nonsense).text


def test_a_test_with_a_title_of_its_own_is_shown_with_both_names(api: Api, browser: httpx.Client) -> None:
    run = api.new_run()
    plain = api.new_test(run, "test_pay")
    titled = api.new_test(run, "Pay by card", fullTitle="test_mod > test_pay", status="failed")
    for path in (f"/runs/{run['id']}", f"/tests/{titled['id']}"):
        assert "Pay by card test_mod > test_pay" in " ".join(read(browser, path).text.split())
    page = read(browser, f"/tests/{plain['id']}")
    assert page.text.count("test_pay") == 2  # and in the window's title


def test_a_test_shows_all_of_it(api: Api, browser: httpx.Client) -> None:
    run = api.new_run(branch="main")
    error = {"message": "assert a == b", "stack": "E   at line 7", "expected": "visible", "actual": "hidden"}
    test = api.new_test(
        run,
        status="failed",
        lineNumber=35,
        error=error,
        tags=["@smoke"],
        annotations=[{"type": "slow", "description": "waits for the network"}],
        attempts=[
            {
                "attempt": 1,
                "status": "failed",
                "error": {"message": "first try"},
                "steps": STEPS,
                "stdout": "said once",
            },
            {
                "attempt": 2,
                "status": "failed",
                "error": error,
                "steps": STEPS,
                "stderr": "said twice",
                "duration": 61000,
            },
        ],
    )
    shot = api.upload(run, "shot.jpg", photo(), testId=test["id"])
    api.upload(run, "trace.zip", b"PK\x03\x04", "trace", testId=test["id"])
    api.new_test(api.new_run())
    page = read(browser, f"/tests/{test['id']}")
    for shown in (
        "assert a == b", "E   at line 7", "visible", "hidden", "tests/test_mod.py:35", "@smoke",
        "waits for the network", "Attempt 1", "first try", "said once", "Attempt 2", "said twice",
        "1 min 01 s", "outer", "1.5 s", "not this", "trace.zip", "2 executions",
    ):  # fmt: skip
        assert shown in page.text, shown
    (image,) = page.images
    assert shot["id"] in image
    assert browser.get(image).headers["content-type"] == "image/webp"
    unreadable = api.upload(run, testId=test["id"])
    assert len(read(browser, f"/tests/{test['id']}").images) == 2
    assert browser.get(unreadable["thumbnailUrl"]).status_code == 404
    (image,) = read(browser, f"/tests/{test['id']}").images
    assert shot["id"] in image
    assert 'class="depth-1 assertion failed"' in page.source


def test_a_test_tells_how_flaky_it_is(api: Api, browser: httpx.Client) -> None:
    for number, status in enumerate(("flaky", "flaky", "passed", "failed", "passed")):
        run = api.new_run(branch=("main", "side/2")[number % 2])
        test = api.new_test(run, status=status, duration=5000 if status == "failed" else 100 + number)
        api.end_run(run)
    path = f"/tests/{test['id']}"
    page = read(browser, path)
    assert page.source.count('<li><a href="/tests/') == page.source.count("<rect") == 5
    assert (
        "5 executions, the newest on the right: median 102 ms, from 100 ms to 5.0 s 1 far slower: 5.0 s on"
        in _words(page.text)
    )
    assert page.source.count("outlier") == 1
    page = read(browser, path, branch="side/2")
    assert page.source.count('<li><a href="/tests/') == 2
    assert "2 executions, the newest on the right: median 2.6 s" in _words(page.text)
    assert "None of the newest 5 executions was on <b>" in read(browser, path, branch="<b>").text
    page = read(browser, path)
    assert "flaky in 2 of 5 executions flakiness 0.40 (moderate)" in _words(page.text)
    assert "quarantined" not in page.text
    body = {"testId": test["id"], "projectId": PROJECT, "isQuarantined": True, "reason": HOSTILE}
    assert api.http.post("/api/flakiness", json=body).is_success
    page = read(browser, path)
    assert "quarantined by hand since" in _words(page.text)
    assert "<script>alert('x')</script>" in page.text
    assert "quarantined" in read(browser, f"/runs/{run['id']}").text


def _words(text: str) -> str:
    return " ".join(text.split())


def test_a_test_without_attempts_shows_its_steps(api: Api, browser: httpx.Client) -> None:
    test = api.new_test(api.new_run(), steps=STEPS, stdout="said")
    page = read(browser, f"/tests/{test['id']}")
    assert "outer" in page.text
    assert "said" in page.text
    assert "Attempt" not in page.text


def test_hostile_text_is_only_text(api: Api, browser: httpx.Client) -> None:
    for status in ("passed", "failed", "failed"):
        run = api.new_run(**texts_of(NewRun, HOSTILE, projectId=PROJECT, status="running"))
        body = texts_of(NewTest, HOSTILE, runId=run["id"], projectId=PROJECT, status=status)
        body["attempts"] += [body["attempts"][0] | {"attempt": 2}]
        test = checked(api.http.post("/api/tests", json=body), 201)
        api.new_suite(run, HOSTILE)
        file = api.upload(run, "<img onerror=alert(1)>.png", testId=test["id"])
        api.upload(run, "<img onerror=alert(1)>.png", testId=test["id"])
        api.end_run(run, status=status)
    assert "still failing since" in read(browser, f"/runs/{run['id']}").text
    assert "it passed in" in read(browser, f"/tests/{test['id']}").text
    assert api.get(f"/api/tests/{test['id']}")["stdout"] == HOSTILE
    why = {"testId": test["id"], "projectId": PROJECT, "isQuarantined": True, "reason": HOSTILE, "owner": HOSTILE}
    assert api.http.post("/api/flakiness", json=why).is_success
    (flaky,) = [link for link in read(browser, f"/tests/{test['id']}").links if link.endswith("/flaky")]
    names = (
        "search",
        "status",
        "group",
        "branch",
        "project",
        "author",
        "tag",
        "from",
        "to",
        "file",
        "band",
        "quarantined",
    )
    queries = dict.fromkeys(names, HOSTILE)
    (compared, *_) = [link for link in read(browser, f"/tests/{test['id']}").links if "/compare/" in link]
    of_files = (f"/artifacts/{file['id']}", compared)
    of_run = (f"/runs/{run['id']}", f"/runs/{run['id']}/suites", f"/runs/{run['id']}/timeline")
    for path in ("/", *of_run, f"/tests/{test['id']}", f"{flaky}?quarantined=yes", *of_files):
        for query in ({}, queries, *({name: value} for name, value in queries.items())):
            page = read(browser, path, **query)
            assert page.scripts <= OUR_SCRIPTS
            assert page.handlers == set()
            assert "alert(1)" not in page.images
            assert not {"\x1b", "\0", "\u202e"} & set(page.source)
            assert query or "{{ 7 * 7 }}" in page.text


def test_pages_ask_nobody_else(api: Api, browser: httpx.Client) -> None:
    run = api.new_run(ciBuildUrl="javascript:alert(1)")
    test = api.new_test(run)
    for path in ("/", f"/runs/{run['id']}", f"/tests/{test['id']}"):
        response = browser.get(path)
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'")
        assert "unsafe" not in policy
        assert "script-src 'nonce-" in policy
        page = read(browser, path)
        assert all(link.startswith(("/", "?", "#")) and not link.startswith("//") for link in page.links | page.images)
        assert not re.search(r'\sstyle="|https?://|javascript:', page.source)
    assert browser.get("/static/style.css").headers["content-type"].startswith("text/css")


def test_what_is_not_there_is_a_page_too(browser: httpx.Client) -> None:
    for path in ("/runs/run_0000000000000", "/tests/test_nope", "/tests/test_00000000000000", "/nothing", "/runs/%00"):
        response = browser.get(path)
        assert response.status_code == 404
        assert response.headers["content-type"].startswith("text/html")
    assert browser.get("/api/nothing").headers["content-type"] == "application/json"


def test_a_page_that_fails_shows_no_internals(
    api: Api, browser: httpx.Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    test = api.new_test(api.new_run())
    with_store(settings, "UPDATE detail SET codec = 9")
    response = browser.get(f"/tests/{test['id']}")
    assert response.status_code == 500
    assert "The server failed" in response.text
    assert "codec" not in response.text
    assert "a detail chunk has codec 9" in caplog.text


def read(browser: httpx.Client, path: str, **query: Any) -> Page:
    response = browser.get(path, params=query) if query else browser.get(path)
    assert response.status_code == 200, response.text
    return Page(response.text)
