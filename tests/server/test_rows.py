"""However much there is, a page has at most 200 rows, and leads to the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from itertools import islice, product
from typing import Any

import pytest

from platform_report_server import ids
from platform_report_server.accounts.invitations import invite
from platform_report_server.accounts.keys import add_key
from platform_report_server.accounts.people import add_account
from platform_report_server.accounts.teams import add_member, add_team
from platform_report_server.ingest.artifacts import NewArtifact, add_artifact
from platform_report_server.ingest.deliveries import add_ping
from platform_report_server.ingest.projects import add_project
from platform_report_server.ingest.results import add_results
from platform_report_server.ingest.runs import add_run, change_run
from platform_report_server.ingest.suites import put_suite
from platform_report_server.ingest.webhooks import add_webhook
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Attempt, NewRun, NewSuite, NewTest, RunChange, Step, StepError, TestError
from platform_report_server.settings import Settings
from platform_report_server.web.routes import PageRoute, web_routes
from server.browsing import browsers
from server.cast import NO_PASSWORD
from server.support import in_store, serving, with_store

MOST = 200
MANY = 210
WORDS = ["".join(letters) for letters in islice(product("abcdef", repeat=4), MANY)]
"""Numbers would all be one group."""

# path -> what is asked of it; those without have no list, or at most twenty pictures of one name
PAGES = {
    "/": [""],
    "/search": ["", "q=test", "q=boom"],
    "/runs/{run_id}": ["", "status=failed", "search=test", "group=all", "group=all&offset=100", "offset=300&files=30"],
    "/runs/{run_id}/changes": [""],
    "/runs/{run_id}/slowest": [""],
    "/runs/{run_id}/timeline": ["", "offset=20"],
    "/runs/{run_id}/suites": ["", "offset=100", "under={suite_id}"],
    "/tests/{test_id}": ["", "branch=main", "files=180"],
    "/teams": ["", "offset=100"],
    "/teams/new": [""],
    "/teams/{team_id}": ["", "projects=40&members=100&invitations=40"],
    "/projects/{project_id}": ["", "keys=100"],
    "/projects/{project_id}/trends": ["", "days=90"],
    "/projects/{project_id}/movers": [""],
    "/projects/{project_id}/flaky": ["", "quarantined=yes&offset=50"],
    "/webhooks/{webhook_id}": [""],
    "/account": [""],
}
WITHOUT = {
    *("/live", "/runs/{run_id}/live", "/login", "/first-owner", "/invitations/{token}"),
    *("/artifacts/{artifact_id}", "/artifacts/{artifact_id}/compare/{other_id}", "/artifacts/{trace_id}/trace"),
}


@pytest.mark.newest
def test_no_page_has_more_rows(settings: Settings) -> None:
    paths = {route.path for route in web_routes() if isinstance(route, PageRoute) and "GET" in (route.methods or ())}
    assert paths == PAGES.keys() | WITHOUT
    with serving(replace(settings, link_token="the-token")) as url, browsers(url) as new:
        made = in_store(settings, _fill)
        with_store(
            settings,
            "UPDATE case_stat SET score = 0.5, flakes = 1, bits_flaky = 1, quarantined = 1, quarantined_at = 1",
        )
        browser = new()
        browser.go("/?token=the-token")
        most: dict[str, int] = {}
        for path, queries in PAGES.items():
            for query in queries:
                address = f"{path}?{query}".format(**made)
                page = browser.go(address)
                most[path] = max(most.get(path, 0), len(re.findall(r"<(?:tr|li)\b", page.source)))
                if "offset=300" in query:
                    assert page.next == "?offset=400"
                if "files=180" in query:
                    assert page.text.count("attachment, 1 Byte") == 30
        assert {path: rows for path, rows in most.items() if rows > MOST} == {}
        assert all(rows > 20 for path, rows in most.items() if path.startswith("/runs/")), most


def _fill(write: Write) -> dict[str, str]:
    team = add_team(write, "Many", None)
    project = add_project(write, "Much", team.id)
    for word in WORDS:
        add_project(write, word, team.id)
        add_team(write, word, None)
        add_key(write, project.id, word, "viewer")
        invite(write, team.id, f"{word}@example.org", "viewer")
        add_member(write, team.id, add_account(write, f"{word}@example.com", word, NO_PASSWORD), "member")
    values = {"url": "https://example.com/", "events": '["run.failed"]', "headers": b"", "is_active": 1}
    webhook = add_webhook(write, project.id, values)
    for _ in WORDS:
        add_ping(write, project.id, webhook.id)

    def ended(*tests: list[NewTest], status: Any = "passed", also: Callable[[int], None] = lambda _: None) -> int:
        run = add_run(write, project.id, NewRun(project.public_id, "running", branch="main"))
        add_results(write, project.id, run.id, [test for part in tests for test in part])
        also(run.id)
        change_run(write, run, RunChange(status))
        return int(run.id)

    def also(run: int) -> None:
        named["suite"] = put_suite(write, project.id, run, NewSuite("", "", "TestAll"))[0].id
        above = ids.encode("suite", named["suite"])
        for word in WORDS:
            for seq in (None, 0):
                add_artifact(write, project.id, run, seq, NewArtifact("attachment", word, "text/plain", 1, bytes(32)))
            put_suite(write, project.id, run, NewSuite("", "", word))
            put_suite(write, project.id, run, NewSuite("", "", word, parent_suite_id=above))

    named = {"team": team.id, "proj": project.id, "wh": webhook.id}
    for _ in range(MANY // 2):
        ended([_test("test_steps")])
    ended(_tests("slow", duration=1), _tests("gone"))
    many = [Step(f"step {number}", error=StepError("boom") if number > MANY else None) for number in range(MANY * 2)]
    steps = _test("test_steps", attempts=[Attempt(attempt=number, steps=many) for number in (1, 2)])
    began = datetime.now(timezone.utc)
    failing = [
        _test(f"test_{word}", status="failed", error=TestError(f"boom {word}"), started_at=began, worker=word)
        for word in WORDS
    ]
    named["run"] = ended([steps], _tests("slow", duration=9000), failing, status="failed", also=also)
    public = {kind: ids.encode(kind, number) for kind, number in named.items()}
    public |= {"project": public["proj"], "webhook": public["wh"], "test": ids.test_id(named["run"], 0)}
    return {f"{name}_id": made for name, made in public.items()}


def _tests(kind: str, **fields: Any) -> list[NewTest]:
    return [_test(f"test_{kind}_{word}", **fields) for word in WORDS]


def _test(title: str, status: Any = "passed", duration: float = 1, **fields: Any) -> NewTest:
    return NewTest("", "", title, f"test_mod > {title}", status, duration, **fields)
