"""The pages of the API's document, in a real browser: they show it, and ask nobody but the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from browser.chromium import find_chromium
from platform_report_server.api.routes import api_routes
from server.support import KEY, PROJECT, served_settings, serving

CHROMIUM = find_chromium()
PATIENCE_MS = 20_000

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium: 'apt-get install chromium' installs one"
)


@pytest.fixture
def page() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


def test_they_show_every_operation_and_ask_nobody_else(page: Any, tmp_path: Path) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    summaries = [operation.summary for each in api_routes() for operation in each.operations.values()]
    with serving(served_settings(tmp_path)) as url:
        for path in ("/api/docs", "/api/redoc"):
            page.goto(url + path)
            page.get_by_role("heading", name="Reporting API").first.wait_for()
            for summary in summaries:
                page.get_by_text(summary, exact=True).first.wait_for(state="attached")
        page.goto(f"{url}/api/docs")
        list_runs(page)
        page.get_by_text('"total": 0').wait_for()
        page.goto("about:blank")
    hosts = {urlsplit(address).netloc for address in asked if not address.startswith(("data:", "about:"))}
    assert hosts == {urlsplit(url).netloc}
    assert complaints == []


def list_runs(page: Any) -> None:
    """Try an operation out, with a key."""
    page.get_by_role("button", name="Authorize", exact=True).click()
    page.locator(".modal-ux input").first.fill(KEY)
    page.locator(".modal-ux").get_by_role("button", name="Apply credentials").first.click()
    page.locator(".modal-ux").get_by_role("button", name="Close").last.click()
    operation = page.locator("#operations-runs-runs_index")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("projectId").fill(PROJECT)
    operation.get_by_role("button", name="Execute").click()
