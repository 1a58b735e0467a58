"""Pages that are open while a session in another process runs: they move by themselves, and let their reader be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from browser.chromium import find_chromium
from browser.people import People
from end_to_end.sessions import Project, finish
from server.pictures import small_picture
from server.support import KEY, Api, served_settings, serving

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="there is no Chromium: 'apt-get install chromium' installs one"
)

SUITE = """
import pathlib
import time

def wait_for(name):
    deadline = time.monotonic() + 60
    while not pathlib.Path(name).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)

def test_first():
    pass

def test_second():
    wait_for("second")
    assert False, "was refused"

def test_third():
    wait_for("third")
"""


def test_pages_move_while_a_session_runs(people: People, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", {})
    project.write("test_shop.py", SUITE)
    settings = replace(served_settings(project.spool / "platform"), link_token="the-link")
    asked: set[str] = set()
    with serving(settings) as url:
        jane = people()
        jane.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        jane.goto(f"{url}/?token=the-link")
        jane.get_by_text("No runs here").wait_for()
        mark(jane)
        session = project.start()
        try:
            row = jane.locator("tbody tr", has_text="1 test")
            row.get_by_text("running", exact=True).wait_for()
            link = row.get_by_role("link")
            link.focus()
            with httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
                another = Api(http).new_run(runTitle="Another")
            jane.get_by_role("link", name="Another").wait_for()
            assert jane.evaluate("document.activeElement.pathname") == link.get_attribute("href")
            assert is_marked(jane)

            jane.keyboard.press("Enter")
            jane.get_by_role("link", name="test_first").wait_for()
            mark(jane)
            jane.get_by_text("Metadata").click()
            search = jane.get_by_role("main").get_by_role("searchbox")
            search.press_sequentially("thi")
            project.write("second", "")
            jane.get_by_role("heading", name="Failures").wait_for()
            jane.get_by_text("was refused").first.wait_for()
            assert jane.locator(".totals .failed dd").inner_text() == "1"
            assert jane.locator("#metadata dt").first.is_visible()
            search.press_sequentially("rd")
            assert search.input_value() == "third"
            project.write("third", "")
            jane.get_by_role("heading", name="failed").wait_for()
            jane.get_by_role("status").get_by_text("failed: 3 tests, 1 failed").wait_for(state="attached")
            jane.get_by_text("Slowest tests", exact=True).click()
            jane.get_by_text("that all tests took together").wait_for()
            assert is_marked(jane)
            reader = people(java_script_enabled=False, storage_state=jane.context.storage_state())
            reader.goto(jane.url)
            reader.get_by_text("was refused").first.wait_for()
            with httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
                jane.goto(f"{url}/runs/{another['id']}")
                mark(jane)
                for name in ("page-expected.png", "page-actual.png"):
                    Api(http).upload(another, name=name, content=small_picture())
                    Api(http).new_test(another)
                    jane.get_by_role("link", name=name, exact=True).last.wait_for()
            jane.get_by_role("link", name="Compare page-expected.png").wait_for()
            assert is_marked(jane)
        finally:
            ended = finish(session)
            project.close()
        assert ended.exit == 1, ended.out
    assert asked == {urlsplit(url).netloc}
    assert people.complaints == []


def mark(page: Any) -> None:
    """Leave a mark that a reload would take away."""
    page.evaluate("window.isMarked = true")


def is_marked(page: Any) -> bool:
    return bool(page.evaluate("window.isMarked === true"))
