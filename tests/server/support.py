"""What the server's tests share."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx

from platform_report_server.app import create_app
from platform_report_server.auth.links import owner_token
from platform_report_server.auth.signing import load_signer
from platform_report_server.connection import Connection
from platform_report_server.db.engine import open_database
from platform_report_server.ingest.writer import Job, do_alone
from platform_report_server.reach import Reach
from platform_report_server.server import server_config
from platform_report_server.settings import PostgresUrl, Settings
from server.running import running

T = TypeVar("T")

PROJECT = "proj_abc123"
OTHER_PROJECT = "proj_other"
KEY = "the-key-of-project-abc123"
OTHER_KEY = "the-key-of-another-project"
DEADLINE = 30.0

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
HOSTILE = "<script>alert('x')</script>\"'&<img src=x onerror=alert(1)>\0\x1b[31mred\x1b[0m\u202e{{ 7 * 7 }}"
ZIP = b"PK\x03\x04" + bytes(60)


def served_settings(folder: Path, database: PostgresUrl | None = None) -> Settings:
    settings = Settings.served(folder, {PROJECT: KEY, OTHER_PROJECT: OTHER_KEY}, key_role="owner")
    settings = replace(settings, reach=Reach.read(["127.0.0.1"]))
    return settings if database is None else replace(settings, database=database)


@contextmanager
def serving(settings: Settings, connection: type[Connection] = Connection) -> Iterator[str]:
    """Serve on a free loopback port, from a thread; the address is given out."""
    with running(server_config(create_app(settings), connection)) as url:
        yield url


class Api:
    """The API as one project's client sees it."""

    def __init__(self, http: httpx.Client, project: str = PROJECT) -> None:
        self.http = http
        self.project = project

    def get(self, path: str, **query: Any) -> Any:
        return checked(self.http.get(path, params=query or None), 200)

    def new_run(self, **fields: Any) -> Any:
        body = {"projectId": self.project, "status": "running"} | fields
        return checked(self.http.post("/api/runs", json=body), 201)

    def end_run(self, run: Any, **fields: Any) -> Any:
        return checked(self.http.patch(f"/api/runs/{run['id']}", json={"status": "passed"} | fields), 200)

    def test_body(self, run: Any, title: str = "test_ok", **fields: Any) -> dict[str, Any]:
        return {
            "runId": run["id"],
            "projectId": self.project,
            "title": title,
            "fullTitle": f"test_mod > {title}",
            "filePath": "tests/test_mod.py",
            "status": "passed",
            "duration": 12,
        } | fields

    def new_test(self, run: Any, title: str = "test_ok", **fields: Any) -> Any:
        return checked(self.http.post("/api/tests", json=self.test_body(run, title, **fields)), 201)

    def new_suite(self, run: Any, title: str, **fields: Any) -> Any:
        body = {"runId": run["id"], "projectId": self.project, "title": title, **fields}
        return checked(self.http.post("/api/test-suites", json=body), 201)

    def bulk(self, tests: list[Any], **kwargs: Any) -> list[Any]:
        entries: list[Any] = checked(self.http.post("/api/tests/bulk", json={"tests": tests}, **kwargs), 200)["data"]
        return entries

    def post_file(
        self, run: Any, name: str = "shot.png", content: bytes = PNG, kind: str = "screenshot", **fields: str
    ) -> httpx.Response:
        data = {"type": kind, "runId": run["id"], "projectId": self.project} | fields
        return self.http.post("/api/upload", files={"file": (name, content)}, data=data)

    def refer(
        self, run: Any, content: bytes, name: str = "shot.png", kind: str = "screenshot", **fields: str
    ) -> httpx.Response:
        """Send an upload that has a content's digest in place of the content."""
        digest = hashlib.sha256(content).hexdigest()
        said = {"type": kind, "runId": run["id"], "projectId": self.project, "sha256": digest, "fileName": name}
        return self.http.post("/api/upload", files={field: (None, value) for field, value in (said | fields).items()})

    def upload(self, *args: Any, **fields: Any) -> Any:
        return checked(self.post_file(*args, **fields), 200)


@contextmanager
def opened(settings: Settings) -> Iterator[Api]:
    """Serve; the first project's client is given out."""
    with serving(settings) as url, httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=60) as http:
        yield Api(http)


def checked(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    return response.json()


def refused(response: httpx.Response, status: int, code: str, field: str | None = None) -> str:
    """Check that the answer is an error in the API's one shape; return its message."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    (error,) = response.json().values()
    assert list(error) == ["code", "message", "details"]
    assert error["code"] == code
    if field is not None:
        assert error["details"]["field"] == field
        assert error["details"]["reason"]
    message: str = error["message"]
    return message


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work` in threads that begin together; return what they returned."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> Any:
        barrier.wait(DEADLINE)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def cookie_of(settings: Settings, token: str) -> dict[str, str]:
    """Return the cookie of a session, over http."""
    signer = load_signer(settings.signing_key, nullcontext)
    return {f"platform_report_{signer.sign('cookie name')[:8]}": token}


def first_owner_token(settings: Settings) -> str:
    """Return what is in the link that makes the first owner."""
    return owner_token(load_signer(settings.signing_key, nullcontext))


def in_store(settings: Settings, job: Job[T]) -> T:
    """Do one write in the store, past the server."""
    with closing(open_database(settings.database)) as database:
        return do_alone(database, job)


def with_store(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement on the store, past the server; return the rows that it gives."""
    if isinstance(settings.database, PostgresUrl):
        import psycopg

        with psycopg.connect(settings.database.address) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []
    store = sqlite3.connect(settings.database)
    with store:
        rows = store.execute(statement).fetchall()
    store.close()
    return rows
