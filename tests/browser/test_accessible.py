"""The pages over a store with a real session in it: for everybody, by keyboard alone, and whatever texts they show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from browser.axe import check_page
from browser.chromium import find_chromium
from browser.people import People
from end_to_end.sessions import Project
from platform_report_server.model import NewRun, NewTest
from server.filled import texts_of
from server.pictures import small_picture
from server.support import HOSTILE, KEY, PROJECT, Api, checked, served_settings, serving

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="there is no Chromium: 'apt-get install chromium' installs one"
)

SUITE = """
import pytest

from pytest_platform_report import annotate, attach, step

seen = []

def test_passes():
    pass

@pytest.mark.parametrize("count", range(3))
def test_fails(count):
    attach(b'{"tea": 1}', name="cart.json")
    with step("add it up"):
        with step("by hand"):
            print("\\x1b[31mred\\x1b[0m and \\x1b[1mbold\\x1b[0m")
        assert {"tea": 1, "milk": [1, 2, 3]} == {"tea": 2, "milk": [1, 2, 4]}

def test_says_much():
    attach(b"<script>alert(1)</script>", name="page.html")
    print("a line\\n" * 200)
    raise ValueError("first\\n" + "another line\\n" * 30)

@pytest.mark.flaky(reruns=1)
def test_again():
    seen.append(1)
    annotate("owner", "grace")
    attach(bytes.fromhex("PICTURE"), name="cart.png")
    assert len(seen) == 2, "not yet"

@pytest.mark.skip(reason="not before noon")
def test_skipped():
    pass
"""

FOCUSED = """() => {
    const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
    const isOutlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    const isThere = box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight;
    const part = at.closest("#failures, tbody, nav[aria-label=Status]");
    const name = (at.innerText || at.name || "").trim();
    return [at.tagName, name, part ? part.id || part.tagName : "", isOutlined && isThere];
}"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "project", {})
    project.write("test_shop.py", SUITE.replace("PICTURE", small_picture().hex()))
    yield project
    project.close()


def test_pages_are_for_everybody(people: People, project: Project) -> None:
    ended = project.run("-q")
    assert "7 tests run, 7 acknowledged" in ended.out, ended.out
    settings = replace(served_settings(project.spool / "platform"), link_token="the-link")
    asked: set[str] = set()
    dialogs: list[str] = []

    def dismiss(dialog: Any) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    with serving(settings) as url:
        jane = people()
        jane.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        jane.on("dialog", dismiss)
        jane.goto(f"{url}/?token=the-link")
        check_what_is_linked(jane)
        jane.goto(url)
        jane.locator("tbody a[href^='/runs/']").first.click()
        jane.get_by_role("heading", name="Failures").wait_for()
        walk(jane)
        jane.locator("#tests").get_by_role("link", name="test_again").click()
        jane.get_by_role("heading", name="History").wait_for()
        check_page(jane)

        with httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
            hostile = fill(Api(http))
        for path in hostile:
            jane.goto(url + path)
            check_page(jane)
        jane.goto("about:blank")
    assert asked == {urlsplit(url).netloc}
    assert dialogs == []
    assert people.complaints == []


def check_what_is_linked(page: Any) -> None:
    """Check a page of each kind that links lead to."""
    waiting: list[str] = [page.url]
    kinds: set[str] = set()
    for address in waiting:
        kind = re.sub(r"_\w+", "", urlsplit(address).path)
        if kind not in kinds and not kind.startswith("/api/"):
            kinds.add(kind)
            page.goto(address)
            check_page(page)
            # those of drawings have no text for an address
            waiting += page.locator("a[href^='/']:not(svg a)").evaluate_all("links => links.map((link) => link.href)")
    of_runs = {"/runs/run", "/runs/run/timeline", "/tests/test", "/artifacts/artifact"}
    assert {"/", "/projects/proj", "/teams/team", "/teams/new", *of_runs} <= kinds


def walk(page: Any) -> None:
    """Go through the page of a run by the keyboard."""
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == ["A", "Skip to the content", "", True]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached: list[Any] = []
    while not reached or reached[-1][0] != "BODY":
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
        assert len(reached) < 100
    reached.pop()
    assert [each for each in reached if not each[-1]] == [], "the focus is seen wherever it is"
    names = {place: [name for _, name, at, _ in reached if at == place] for place in ("failures", "NAV", "TBODY")}
    assert any("test_says_much" in name for name in names["failures"])
    assert "3 tests" in names["failures"]
    assert names["NAV"][:2] == ["all", "passed 1"]
    assert names["NAV"][-2:] == ["search", "Search"]
    assert len(names["TBODY"]) == 7


def fill(api: Api) -> list[str]:
    """Report twice what wants to be more than text; return the paths of its pages."""
    for _ in range(2):
        run = api.new_run(**texts_of(NewRun, HOSTILE, projectId=PROJECT, status="running"))
        body = texts_of(NewTest, HOSTILE, runId=run["id"], projectId=PROJECT, status="failed")
        body["attempts"] += [body["attempts"][0] | {"attempt": 2}]
        test = checked(api.http.post("/api/tests", json=body), 201)
        api.upload(run, "<img src=x onerror=alert(1)>.png", small_picture(), testId=test["id"])
        api.end_run(run, status="failed")
    return [f"/runs/{run['id']}", f"/tests/{test['id']}"]
