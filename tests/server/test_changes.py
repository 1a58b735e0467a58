"""What a run has changed against another, its slowest tests, and what is said of it as a whole."""

from __future__ import annotations

import re
from typing import Any

import pytest

from platform_report_server.db.queries.changes import MOST
from server.browsing import Page
from server.support import Api

pytestmark = pytest.mark.both_stores

HOSTILE = "<script>alert('x')</script>"


def test_a_run_is_compared_with_another(api: Api, other: Api) -> None:
    def commit(title: str) -> str:
        return title.encode().hex() * 4

    def ran(title: str, branch: str, *tests: tuple[str, str, float], ends: str = "failed") -> Any:
        build = "https://github.com/acme/shop/actions/runs/1"
        run = api.new_run(runTitle=title, branch=branch, commitSha=commit(title), ciBuildUrl=build)
        api.bulk([api.test_body(run, name, status=status, duration=took) for name, status, took in tests])
        return api.end_run(run, status=ends) if ends != "running" else run

    first = ran("First", "main", ("test_same", "failed", 1), ("test_broken", "passed", 1))
    side = ran("Side", "side", ("test_same", "passed", 1))
    before = ran(
        "Before",
        "main",
        *(("test_same", "failed", 1), ("test_broken", "passed", 1), ("test_mended", "failed", 1)),
        *(("test_slow", "passed", 500), ("test_twice", "passed", 300), ("test_by_little", "passed", 5000)),
        *(("test_skipped", "skipped", 0), ("test_again", "failed", 1), ("test_again", "passed", 1)),
        *((f"test_gone_{number:03}", "passed", 1) for number in range(MOST + 2)),
    )
    ran("Cut", "main", ("test_same", "passed", 1), ends="cancelled")
    now = (
        *(("test_same", "failed", 1), ("test_broken", "failed", 1), ("test_mended", "flaky", 1)),
        *(("test_slow", "passed", 1500), ("test_twice", "passed", 700), ("test_by_little", "passed", 9000)),
        *(("test_skipped", "passed", 9000), ("test_again", "passed", 1)),
        *((HOSTILE, "passed", 1), ("test_new_bad", "failed", 1)),
    )
    run = ran("Now", "main", *now)
    path = f"/runs/{run['id']}/changes"
    page = _read(api, path)
    assert _counts(page) == {"new failures": 2, "fixed": 1, "newly slow": 1, "added": 1, "gone": MOST + 2}
    assert f"/runs/{before['id']}" in page.links
    assert f"https://github.com/acme/shop/compare/{commit('Before')}...{commit('Now')}" in page.links
    found = {part: set(re.findall(r"test_\w+?(?= <|</a>)", rest)) for part, rest in _sections(page.source)}
    assert found.pop("gone") == {f"test_gone_{number:03}" for number in range(MOST)}
    assert found == {
        "failing": {"test_broken", "test_new_bad"},
        "fixed": {"test_mended"},
        "slower": {"test_slow"},
        "added": set(),
    }
    assert HOSTILE in page.text
    text = " ".join(page.text.split())
    assert "test_slowtests/test_mod.py 1.5 s 500 ms" in text
    assert "and 2 more" in text
    assert [form.action for form in page.forms] == ["/search", path]
    assert page.forms[1].values["against"].endswith("failed: Before")
    assert page.source.count("<option") == 4  # those before it, on this branch and on the others

    assert _counts(_read(api, path)) == _counts(page)
    api.new_test(run, "test_late", status="failed")
    assert _counts(_read(api, path))["new failures"] == 3

    assert _counts(_read(api, path, against=first["id"]))["fixed"] == 0
    assert _counts(_read(api, path, against=side["id"]))["new failures"] == 4
    assert "the same tests, with the same outcomes" in _read(api, path, against=run["id"]).text
    assert "No earlier run on main" in _read(api, f"/runs/{first['id']}/changes").text
    goes_on = _read(api, f"/runs/{ran('Open', 'main', now[0], ends='running')['id']}/changes")
    assert "This run goes on" in goes_on.text
    assert "gone" not in _counts(goes_on)
    theirs = other.new_run(runTitle="Theirs")
    for nonsense in (theirs["id"], "run_nope", "<b>"):
        refused = api.http.get(path, params={"against": nonsense})
        assert refused.status_code == 404
        assert "Theirs" not in refused.text

    slowest = _read(api, f"/runs/{run['id']}/slowest")
    names = re.findall(r"(?<=> )test_\w+(?=</a>)", slowest.source.replace("&gt;", ">"))
    assert names[:3] == ["test_by_little", "test_skipped", "test_slow"]
    assert "20.2 s of the 20.2 s that all tests took together: 100 %" in " ".join(slowest.text.split())
    links = _read(api, f"/runs/{run['id']}").links
    assert {path, f"/runs/{run['id']}/slowest"} <= links


def test_what_went_wrong_with_a_run_stands_above_its_failures(api: Api) -> None:
    def tell(run: Any, *words: str) -> None:
        parent = api.new_suite(run, "shards")["id"]
        for word in words:
            api.new_suite(run, word, parentSuiteId=parent)

    def remarks(run: Any) -> str:
        source = _read(api, f"/runs/{run['id']}").source
        found = re.search(r'<ul class="remarks".*?</ul>', source, re.DOTALL)
        return " ".join(Page(found[0]).text.split()) if found else ""

    run = api.new_run(shardTotal=4)
    assert remarks(run) == ""
    tell(run, "2/4 found 1 passed, 0 failed, 0 skipped, 0 flaky", "2/4 passed", "1/4 cancelled", HOSTILE, "9/3 passed")
    assert remarks(run) == "1 shard of 4 cut short: 1 2 shards of 4 awaited: 3, 4"
    for name, words in (
        ("test_a", "process ended (signal 9) while running this test"),
        ("test_b", "process ended (signal 11) while running this test, in its setup"),
        ("test_c", "worker 'gw1' crashed while running 'tests/test_mod.py::test_c'"),
        ("test_d", "assert 'process ended' == 'process ended while running this test'"),
    ):
        api.new_test(run, name, status="failed", error={"message": words})
    api.end_run(run, status="failed", totalTests=5)
    assert remarks(run) == (
        "1 shard of 4 cut short: 1 2 shards of 4 told no end: 3, 4 "
        "3 tests crashed: the process that ran them ended 1 of 5 tests that were run have not arrived"
    )
    api.new_test(run, "test_e")
    assert "5 tests run, 5 arrived" in _read(api, f"/runs/{run['id']}").text

    cut = api.new_run()
    tell(cut, "1/999999999 passed")
    api.end_run(cut, status="cancelled")
    assert remarks(cut).startswith("This run was cut short: its session was interrupted or killed")
    assert "999999998 shards of 999999999 told no end: 2, 3," in remarks(cut)


def _read(api: Api, path: str, **query: str) -> Page:
    answer = api.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert page.unlabelled == set()
    assert page.handlers == set()
    assert HOSTILE not in page.source
    return page


def _counts(page: Page) -> dict[str, int]:
    shown = re.findall(r"<dt>([^<]+)</dt><dd>(?:<a [^>]*>)?(\d+)", page.source)
    return {word: int(count) for word, count in shown}


def _sections(source: str) -> list[tuple[str, str]]:
    return re.findall(r'<section id="changed-(\w+)">(.*?)</section>', source, re.DOTALL)
