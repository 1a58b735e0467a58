"""Somebody who looks at the files of a session: pictures, videos, and traces, of which one means ill."""

from __future__ import annotations

import base64
import json
import re
import zipfile
from dataclasses import replace
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import httpx

from browser.axe import check_page
from browser.people import People
from end_to_end.platforms import Target
from end_to_end.readback import Run
from platform_report_server.settings import LOOPBACK_NAMES, Settings
from platform_report_server.viewer.files import find_viewer
from platform_report_server.viewer.place import LOCAL_NAME
from server.support import Api, serving

# what the viewer itself brings about
_USUAL = "An iframe which has both allow-scripts and allow-same-origin"
# what a script in a snapshot would do, if the viewer let one through
_ILL = """async (url) => {
    const told = {}, skip = { headers: { "x-pw-serviceworker": "skip" } };
    const attempt = async (name, deed) => {
        try { told[name] = await deed(); } catch (error) { told[name] = "refused"; }
    };
    const framed = (document) => new Promise((resolve, reject) => {
        const frame = document.createElement("iframe");
        frame.onload = () => (frame.contentDocument ? resolve("read") : reject(new Error()));
        frame.src = url;
        document.body.append(frame);
    });
    document.cookie = "tossed=1; domain=localhost; path=/";
    await attempt("cookie", () => document.cookie);
    await attempt("opener", () => top.opener);
    await attempt("page", async () => (await fetch(url, { credentials: "include" })).text());
    await attempt("page past the worker", async () => (await fetch(url, { credentials: "include", ...skip })).text());
    await attempt("page from above", async () => (await top.fetch(url, { mode: "no-cors", ...skip })).type);
    await attempt("own origin", async () => (await fetch("/traces/x", skip)).text());
    await attempt("frame", () => framed(document));
    await attempt("frame above", () => framed(top.document));
    await attempt("script above", () => top.eval("1"));
    await attempt("socket", () => new Promise((resolve, reject) => {
        const socket = new WebSocket(url.replace("http", "ws"));
        socket.onopen = () => resolve("open");
        socket.onerror = reject;
    }));
    await attempt("worker", () => navigator.serviceWorker.register("/evil.js"));
    return told;
}"""


def look(people: People, target: Target, run: Run) -> None:
    """Look at all of it."""
    settings = Settings.served(target.folder, {target.project: target.key})
    settings = replace(settings, link_token="the-link", host_names=LOOPBACK_NAMES, viewer_files=find_viewer())
    tests = {test["title"].partition("[")[0]: test["id"] for test in run.tests}
    with serving(settings) as address:
        url = address.replace("127.0.0.1", "localhost")
        jane = people()
        asked: list[str] = []
        jane.context.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
        jane.goto(f"{url}/?token=the-link")
        jane.goto(f"{url}/tests/{tests['test_again']}")
        _enlarge(jane)
        _play(jane)
        _compare(jane)
        reader = people(java_script_enabled=False, storage_state=jane.context.storage_state())
        reader.goto(jane.url)
        assert reader.locator(".pictures img").evaluate_all("all => all.every((each) => each.naturalWidth > 0)")

        passes = f"{url}/tests/{tests['test_passes']}"
        jane.goto(passes)
        _open_trace(jane, "trace.zip", "welcome")
        assert set(asked) - {""} == {urlsplit(url).netloc, f"{LOCAL_NAME}:{urlsplit(url).port}"}
        assert [told for told in people.complaints if _USUAL not in told] == []

        trace = next(each for each in run.artifacts if each["fileName"] == "trace.zip")
        with httpx.Client(base_url=address, headers={"X-API-Key": target.key}) as http:
            content = _ill(base64.b64decode(trace["content"]))
            Api(http, target.project).upload(run.fields, "ill.zip", content, "trace", testId=tests["test_passes"])
        cookies = jane.context.cookies()
        jane.goto(passes)
        _open_trace(jane, "ill.zip", "means ill")
        asked.clear()
        snapshot = next(each for each in jane.frames if "/snapshot/" in each.url)
        told = snapshot.evaluate(_ILL, f"{url}/")
        assert (told.pop("cookie"), told.pop("opener")) == ("", None)
        assert told == dict.fromkeys(told, "refused")
        assert len(told) == 9
        assert urlsplit(url).netloc not in asked
        assert jane.context.cookies() == cookies
        assert not jane.evaluate("'isRun' in window")
        jane.goto("about:blank")


def _enlarge(page: Any) -> None:
    link = page.locator("a[data-picture]").first
    link.focus()
    page.keyboard.press("Enter")
    told = page.get_by_role("dialog").get_by_role("status")
    told.get_by_text("attempt-1-test-failed-1.png, 1 of 2").wait_for()
    page.keyboard.press("ArrowRight")
    told.get_by_text("attempt-2-test-finished-1.png, 2 of 2").wait_for()
    page.locator("#zoom img").evaluate("image => image.decode()")
    width = page.locator("#zoom img").evaluate("image => image.width")
    page.keyboard.press("+")
    told.get_by_text(re.compile(r"2 of 2, \d+ %")).wait_for()
    assert page.locator("#zoom img").evaluate("image => image.width") > width
    check_page(page)
    page.keyboard.press("Escape")
    assert not page.locator("#zoom").is_visible()
    assert link.evaluate("link => link === document.activeElement")


def _play(page: Any) -> None:
    video = page.locator("video").first
    if video.count():
        with page.expect_response(lambda response: "/content?" in response.url) as found:
            video.evaluate("async (video) => { video.muted = true; await video.play(); video.pause(); }")
        assert found.value.status == 206


def _compare(page: Any) -> None:
    page.get_by_role("link", name="Compare attempt-1-test-failed-1.png").click()
    page.get_by_role("heading", name="attempt 1 and attempt 2").wait_for()
    for view in ("blink", "difference", "onion skin", "swipe"):
        page.get_by_role("navigation", name="View").get_by_role("link", name=view, exact=True).press("Enter")
        page.locator(f".{view.replace(' ', '-')}").wait_for()
    check_page(page)
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".pictures").evaluate("all => all.style.getPropertyValue('--at')") == "0.51"


def _open_trace(page: Any, name: str, shown: str) -> None:
    """Open a trace in the viewer, and wait until what is drawn of an action shows a text."""
    page.get_by_role("link", name=f"Open in the viewer: {name}").click()
    page.get_by_text("Set content").first.click()
    assert urlsplit(page.url).hostname == LOCAL_NAME
    page.frame_locator("iframe.snapshot-visible").get_by_text(shown).wait_for()


def _ill(content: bytes) -> bytes:
    """Return a trace with a script in all that is drawn of it."""
    script = ["SCRIPT", {}, "top.isRun = 1"]
    drawn = [
        "HTML",
        {},
        ["BODY", {}, ["H1", {}, "means ill"], script, ["IMG", {"src": "x", "onerror": "top.isRun = 1"}]],
    ]
    changed = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as given, zipfile.ZipFile(changed, "w") as made:
        for name in given.namelist():
            lines = given.read(name)
            if name.endswith(".trace"):
                events = [json.loads(line) for line in lines.splitlines()]
                for event in events:
                    if event["type"] == "frame-snapshot":
                        event["snapshot"]["html"] = drawn
                lines = "\n".join(map(json.dumps, events)).encode()
            made.writestr(name, lines)
    return changed.getvalue()
