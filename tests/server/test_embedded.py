"""The application inside one process, without a socket."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from platform_report_server.app import create_app
from platform_report_server.errors import StoreTooNew
from platform_report_server.settings import Settings
from server.support import with_store


def test_everything_is_open_and_projects_are_made_on_first_use(folder: Path) -> None:
    async def use(http: httpx.AsyncClient) -> None:
        assert (await http.get("/api/runs", params={"projectId": "default"})).json()["total"] == 0
        for project in ("default", "proj_abc123", "any id ünïcode"):
            response = await http.post("/api/runs", json={"projectId": project, "status": "running"})
            assert response.status_code == 201
            assert response.json()["projectId"] == project
            listed = (await http.get("/api/runs", params={"projectId": project})).json()
            assert [run["id"] for run in listed["data"]] == [response.json()["id"]]
        assert (await http.get("/")).status_code == 404  # pages are for those who are served

    _drive(folder, use)
    assert {path.name for path in folder.iterdir()} >= {"platform.db", "signing.key"}


def test_results_of_one_process_are_there_in_the_next(folder: Path) -> None:
    async def write(http: httpx.AsyncClient) -> Any:
        run = (await http.post("/api/runs", json={"projectId": "default", "status": "running"})).json()
        data = {"type": "attachment", "runId": run["id"], "projectId": "default"}
        return (await http.post("/api/upload", data=data, files={"file": ("log.txt", b"hello")})).json()

    async def read(http: httpx.AsyncClient) -> bytes:
        return (await http.get(made["url"])).content

    made = _drive(folder, write)
    assert _drive(folder, read) == b"hello"


def test_requests_at_once_are_committed_together_and_told_apart(folder: Path) -> None:
    async def use(http: httpx.AsyncClient) -> None:
        run = (await http.post("/api/runs", json={"projectId": "p", "status": "running"})).json()
        tests = [
            {
                "runId": run["id"] if number % 3 else "run_0000000000000",
                "projectId": "p",
                "title": f"t{number}",
                "fullTitle": f"t{number}",
                "status": "passed",
                "duration": number,
            }
            for number in range(90)
        ]
        answers = await asyncio.gather(*(http.post("/api/tests", json=test) for test in tests))
        assert [answer.status_code for answer in answers] == [201 if number % 3 else 404 for number in range(90)]
        assert [answer.json()["title"] for answer in answers if answer.is_success] == [
            f"t{number}" for number in range(90) if number % 3
        ]
        assert (await http.get(f"/api/runs/{run['id']}")).json()["totalTests"] == 60

    _drive(folder, use)


def test_a_store_that_cannot_be_opened_fails_the_start_in_words(folder: Path) -> None:
    async def nothing(http: httpx.AsyncClient) -> None:
        pass

    _drive(folder, nothing)
    with_store(Settings.embedded(folder), "UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(StoreTooNew, match="Install the newer version"):
        _drive(folder, nothing)


def test_it_opens_without_what_it_does_not_need(folder: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from platform_report_server.app import create_app;"
        "from platform_report_server.settings import Settings;"
        f"app = create_app(Settings.embedded(Path({str(folder)!r})));"
        "exec('async def live():\\n async with app.router.lifespan_context(app): pass'); asyncio.run(live());"
        "heavy = {'alembic', 'jinja2', 'PIL', 'uvicorn', 'psycopg', 'smtplib', 'sqlalchemy.orm', 'httpx'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    for _ in ("a new store", "a known one"):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
    assert (folder / "platform.db").exists()


def _drive(folder: Path, use: Any) -> Any:
    async def run() -> Any:
        app = create_app(Settings.embedded(folder))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://in") as http,
        ):
            return await use(http)

    return asyncio.run(run())
