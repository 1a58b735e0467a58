"""How long each page of the dashboard takes in a real Chromium, and how many rows it puts into the document."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlencode

from benchmarks.server.hot import Server
from benchmarks.server.made_up import PROJECT
from benchmarks.server.served import KEY, Store, cpu, serving
from browser.chromium import find_chromium
from platform_report_server.db.engine import open_database
from platform_report_server.db.queries.projects import load_project
from platform_report_server.ids import encode

_TIMES = 15
_WARM = 2
_PATIENCE_MS = 120_000
_KINDS = ("html", "junit", "ctrf", "csv")

# from the moment at which the browser sets out: to the answer's first byte, to all of it in the document
_SEEN = """() => {
    const took = performance.getEntriesByType("navigation")[0];
    return [took.responseStart, took.domContentLoadedEventEnd, document.querySelectorAll("tr, li, dd").length];
}"""
_DOWNLOADED = """async (path) => {
    const began = performance.now(), stop = new AbortController();
    await fetch(path, {signal: stop.signal});
    const took = performance.now() - began;
    stop.abort();
    return [took, took, 0];
}"""


def measure_pages(store: Store) -> None:
    """Print a row for each page: milliseconds in the browser, rows, milliseconds of CPU."""
    number = _number_of_project(store)
    print("| store | page | first byte, ms | all of it | rows | CPU of the application, ms | of the database |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    with serving(store.settings) as (port, process), _browsing(port) as page:
        for name, *paths in _pages(Server(port), encode("proj", number)):
            asked = cycle(paths)
            script, look = (_DOWNLOADED, _download) if "/export?" in paths[0] else (_SEEN, _open)
            for path in islice(asked, _WARM):
                look(page, path, script)
            app, database = cpu(process), store.database_cpu()
            seen = [look(page, path, script) for path in islice(asked, _TIMES)]
            costs = [spent / _TIMES * 1000 for spent in (cpu(process) - app, store.database_cpu() - database)]
            first, whole, rows = (statistics.median(values) for values in zip(*seen, strict=True))
            figures = f"{first:.0f} | {whole:.0f} | {rows:.0f} | {costs[0]:.0f} | {costs[1]:.0f}"
            print(f"| {store.name} | {name} | {figures} |", flush=True)


def _open(page: Any, path: str, script: str) -> list[float]:
    answer = page.goto(path, wait_until="domcontentloaded")
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {answer.text()}")
    page.wait_for_function("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd > 0")
    seen: list[float] = page.evaluate(script)
    return seen


def _download(page: Any, path: str, script: str) -> list[float]:
    seen: list[float] = page.evaluate(script, path)
    return seen


@contextmanager
def _browsing(port: int) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page(base_url=f"http://127.0.0.1:{port}", extra_http_headers={"x-api-key": KEY})
        page.set_default_timeout(_PATIENCE_MS)
        yield page
        browser.close()


def _number_of_project(store: Store) -> int:
    database = open_database(store.settings.database)
    try:
        with database.reading() as connection:
            row = load_project(connection, PROJECT)
    finally:
        database.close()
    if row is None:
        raise SystemExit(f"{store.name}: there are no runs")
    return int(row.id)


def _pages(server: Server, project: str) -> Iterator[tuple[str, ...]]:
    """Give out what each page is called, and its address, or several that are opened in turn."""
    runs = server.get("runs", projectId=PROJECT, limit=50)["data"]
    run = max(runs, key=lambda each: each["totalTests"])
    size = run["totalTests"]
    others = [each["id"] for each in runs if each["id"] != run["id"]] or [run["id"]]
    of_run = {"projectId": PROJECT, "runId": run["id"]}
    test = server.get("tests", **of_run, limit=1, offset=size // 2)["data"][0]
    failed = server.get("tests", **of_run, status="failed", limit=1)["data"][0]
    at, name = f"/runs/{run['id']}", test["title"][5:18]

    def asked(path: str, **query: Any) -> str:
        return f"{path}?{urlencode(query)}"

    yield "runs", "/"
    yield "runs: failed, of a branch", asked("/", status="failed", branch="main")
    yield "runs: words that no run has", asked("/", search="no such run")
    yield "runs: a day, an author, a tag", asked("/", **{"from": run["createdAt"][:10]}, author="nobody", tag="none")
    yield f"run of {size:,} tests", at
    yield "run: its last tests", asked(at, offset=max(size - 100, 0))
    for status in ("passed", "failed", "skipped", "flaky"):
        yield f"run: {status}", asked(at, status=status)
    yield "run: words that one test has", asked(at, search=name)
    yield "run: words that a tenth has", asked(at, search="basket")
    yield "run: words that a tenth has, failed", asked(at, search="basket", status="failed")
    yield "run: words that one test has, failed", asked(at, search=failed["title"][5:18], status="failed")
    yield "run: words that no test has", asked(at, search="no such test")
    yield "run: all groups of failures", asked(at, group="all")
    yield "run: one group of failures", asked(at, group="0" * 32)
    yield "what changed in a run, first time", *(asked(f"{at}/changes", against=other) for other in others)
    yield "what changed in a run, again", f"{at}/changes"
    yield "slowest tests of a run", f"{at}/slowest"
    yield "test", f"/tests/{test['id']}"
    yield "test that failed", f"/tests/{failed['id']}"
    yield "project and its settings", f"/projects/{project}"
    yield "trends", f"/projects/{project}/trends"
    yield "trends of 90 days", asked(f"/projects/{project}/trends", days=90)
    yield "tests that became slower", f"/projects/{project}/movers"
    yield "flaky tests", f"/projects/{project}/flaky"
    yield "flaky tests: a band", asked(f"/projects/{project}/flaky", band="high")
    yield "flaky tests: in quarantine", asked(f"/projects/{project}/flaky", quarantined="yes")
    yield "flaky tests: not in quarantine", asked(f"/projects/{project}/flaky", quarantined="no")
    yield "flaky tests: words", asked(f"/projects/{project}/flaky", search="basket", file="tests")
    yield "search: one test", asked("/search", q=name)
    yield "search: a tenth of all tests", asked("/search", q="basket")
    yield "search: an error", asked("/search", q="AssertionError")
    yield "search: nothing", asked("/search", q="no such thing")
    for kind in _KINDS:
        yield f"export of a run as {kind}, its first byte", asked(f"/api{at}/export", format=kind)
