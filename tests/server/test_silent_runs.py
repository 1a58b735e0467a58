"""Runs that nobody ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from platform_report_server import ids
from platform_report_server.app import create_app
from platform_report_server.db.engine import open_database
from platform_report_server.db.schema import run
from platform_report_server.settings import Settings
from server.support import PROJECT, Api, checked, opened

_TWO_HOURS = 2 * 3_600_000


@pytest.mark.both_stores
def test_a_run_is_closed_when_it_was_silent_for_too_long(settings: Settings) -> None:
    with opened(settings) as api:
        silent, awaited = api.new_run(), api.new_run(tags=["report-awaits:finish"], shardTotal=3)
        young, uploading, suites = (api.new_run() for _ in range(3))
        test = api.new_test(silent, status="flaky")
        checked(api.http.patch(f"/api/runs/{silent['id']}", json={"totalTests": 7}), 200)
        _make_silent(settings, silent, awaited, uploading, suites)
        api.upload(uploading)
        body = {"runId": suites["id"], "projectId": PROJECT, "title": "suite"}
        checked(api.http.post("/api/test-suites", json=body), 201)
    with opened(replace(settings, abandon_after=0)) as api:
        assert _statuses(api) == {"running"}
    with opened(settings) as api:
        assert _statuses(api, silent, awaited) == {"cancelled"}
        assert _statuses(api, young, uploading, suites) == {"running"}
        closed = api.get(f"/api/runs/{silent['id']}")
        assert (closed["totalTests"], closed["flakyTests"]) == (7, 1)
        assert closed["duration"] < 60_000  # up to its last word, not to its end
        assert closed["updatedAt"] >= young["createdAt"]
        (stat,) = api.get("/api/flakiness", projectId=PROJECT)["data"]
        assert (stat["totalRuns"], stat["flakyRuns"]) == (1, 1)
        assert api.get(f"/api/tests/{test['id']}/history")["total"] == 1

        api.new_test(silent, "late")  # who comes after all is heard, and begins nothing again
        changed = api.end_run(silent, status="running", passedTests=1)
        assert (changed["status"], changed["passedTests"]) == ("cancelled", 1)
        assert _statuses(api, silent) == {"cancelled"}
        assert api.get("/api/flakiness", projectId=PROJECT)["total"] == 2
        api.end_run(silent, status="passed")
        assert _statuses(api, silent) == {"passed"}
        api.end_run(silent, status="running")
        assert _statuses(api, silent) == {"running"}


def test_an_embedded_platform_closes_it_when_it_opens(folder: Path) -> None:
    async def use(settings: Settings) -> Any:
        app = create_app(settings)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://in") as http,
        ):
            body = {"projectId": PROJECT, "status": "running"}
            listed = (await http.get("/api/runs", params={"projectId": PROJECT})).json()["data"]
            return listed or [(await http.post("/api/runs", json=body)).json()]

    settings = Settings.embedded(folder)
    (begun,) = asyncio.run(use(settings))
    _make_silent(settings, begun)
    (found,) = asyncio.run(use(settings))
    assert (found["id"], found["status"]) == (begun["id"], "cancelled")


def _make_silent(settings: Settings, *runs: Any) -> None:
    numbers = [ids.decode("run", each["id"]) for each in runs]
    database = open_database(settings.database)
    earlier = {"created_at": run.c.created_at - _TWO_HOURS, "updated_at": run.c.updated_at - _TWO_HOURS}
    with database.writing() as connection:
        connection.execute(update(run).where(run.c.id.in_(numbers)).values(earlier))
    database.close()


def _statuses(api: Api, *runs: Any) -> set[str]:
    shown = [api.get(f"/api/runs/{each['id']}") for each in runs] or api.get("/api/runs", projectId=PROJECT)["data"]
    return {each["status"] for each in shown}
