"""The embedded platform: an app in this process, and the real one."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from pytest_platform_report.errors import Busy, NotSent, OutcomeUnknown, Refused
from pytest_platform_report.model import Attempt, Failure, Lane, Place, Result, Step
from pytest_platform_report.platforms import payload
from pytest_platform_report.platforms._embedded import AppTransport
from pytest_platform_report.platforms._http import Http, Timeouts, Upload
from pytest_platform_report.platforms.client import open_platform
from pytest_platform_report.settings import Settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class App:
    """A small ASGI app that tells how it was driven."""

    def __init__(self, *, fails: Exception | None = None) -> None:
        self.fails = fails
        self.told: list[str] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["path"] == "/api/broken":
            raise ZeroDivisionError
        elif scope["path"] == "/api/silent":
            await asyncio.Event().wait()
        else:
            body = b""
            more = True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            self.bodies.append(body)
            content = json.dumps({"id": f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}"})
            await send({"type": "http.response.start", "status": 201, "headers": [(b"x-app", b"yes")]})
            await send({"type": "http.response.body", "body": content.encode()})

    async def _live(self, receive: Receive, send: Send) -> None:
        self.told.append((await receive())["type"])
        if self.fails:
            raise self.fails
        await send({"type": "lifespan.startup.complete"})
        self.told.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})


class TestTransport:
    def test_requests_and_lifespan(self, tmp_path: Path) -> None:
        app = App()
        http = Http("http://embedded/api", "", transport=AppTransport(app))
        assert app.told == ["lifespan.startup"]
        answer = http.request("POST", "/runs", json={"a": 1})
        assert (answer.status, answer.body["id"]) == (201, "POST /api/runs?")
        assert answer.headers["x-app"] == "yes"
        path = tmp_path / "file"
        path.write_bytes(b"x" * 200_000)
        http.request("POST", "/upload", upload=Upload(path, "a.png", "image/png", {}))
        assert http.request("GET", "/tests", params={"a": "b/c"}).body["id"].startswith("GET /api/tests?a=b")
        assert app.bodies[0] == b'{"a":1}'
        assert path.read_bytes() in app.bodies[1]
        http.close()
        http.close()
        assert app.told == ["lifespan.startup", "lifespan.shutdown"]

    def test_app_that_raises_is_busy(self) -> None:
        http = Http("http://embedded/api", "", transport=AppTransport(App()))
        with pytest.raises(Busy, match="answered 500"):
            http.request("POST", "/broken", json={})
        http.close()

    def test_app_that_is_silent(self) -> None:
        http = Http("http://embedded/api", "", transport=AppTransport(App()), timeouts=Timeouts(read=0.1))
        with pytest.raises(OutcomeUnknown, match=r"no answer in 0\.1 s"):
            http.request("POST", "/silent", json={})
        assert http.request("GET", "/runs").status == 201
        http.close()

    def test_app_that_cannot_start(self) -> None:
        with pytest.raises(LookupError, match="no store"):
            AppTransport(App(fails=LookupError("no store")))

    def test_app_without_a_lifespan(self) -> None:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            return None

        with pytest.raises(RuntimeError, match=r"lifespan\.left"):
            AppTransport(app)


def test_missing_packages_are_named(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
sys.modules["platform_report_server"] = None
from pytest_platform_report.errors import ConfigurationError
from pytest_platform_report.platforms.client import open_platform
from pytest_platform_report.settings import Settings
try:
    open_platform(Settings(spool=Path({str(tmp_path)!r})))
except ConfigurationError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'pytest-platform-report[server]'" in done.stdout
    assert "'platform-report sync' then delivers" in done.stdout


class TestRealServer:
    def test_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "platform").write_text("in the way")
        with pytest.raises(NotSent, match="the embedded platform cannot start") as caught:
            open_platform(Settings(spool=tmp_path))
        assert caught.value.permanent
        assert str(tmp_path / "platform") in str(caught.value)

    def test_run_from_begin_to_end(self, tmp_path: Path) -> None:
        settings = Settings(spool=tmp_path, project="shop")
        with open_platform(settings) as platform:
            created = platform.create_run({"branch": "main", "tags": ["report-id:k1"], "ciBuildId": "7"}, "run")
            assert platform.create_run({"branch": "main", "tags": ["report-id:k1"], "ciBuildId": "7"}, "run") == created
            assert created.capabilities.bulk == 500
            assert created.capabilities.idempotency
            assert platform.find_run("report-id:k1", branch="main", ci_build_id="7") == created.id
            assert platform.find_run("report-id:k2", branch="main", ci_build_id="7") is None

            module = {"runId": created.id, "title": "test_a", "filePath": "test_a.py"}
            outer = platform.upsert_suite(module, "suite-1")
            assert platform.upsert_suite(module, "suite-2") == outer
            inner = {"runId": created.id, "title": "TestB", "filePath": "test_a.py", "parentSuiteId": outer}
            platform.upsert_suite(inner, "suite-3")
            (tree,) = platform.get_suites(created.id)
            assert (tree["title"], [child["title"] for child in tree["children"]]) == ("test_a", ["TestB"])

            bodies = [
                payload.test_fields(
                    result,
                    run_id=created.id,
                    project=settings.project,
                    capabilities=created.capabilities,
                    lane=Lane(),
                )
                for result in make_results(120)
            ]
            answers = platform.create_tests([*bodies, {**bodies[0], "status": "odd"}], "bulk-1")
            *ids, refused = answers
            assert all(isinstance(id_, str) for id_ in ids)
            assert isinstance(refused, Refused)
            assert refused.status == 400
            assert platform.create_tests([*bodies, {**bodies[0], "status": "odd"}], "bulk-1")[:-1] == ids

            assert platform.count_tests(created.id) == 120
            assert platform.count_tests(created.id, "flaky") == 40
            assert len(list(platform.iter_tests(created.id))) == 120
            assert platform.find_test(created.id, "test_a > TestB > test_c[7]", "r7") == ids[7]
            assert platform.find_test(created.id, "test_a > TestB > test_c[7]", "r8") is None

            test = platform.get_test(str(ids[1]))
            assert (test["status"], test["error"]["message"]) == ("failed", "assert 1 == 2")
            assert [step["title"] for step in platform.get_steps(str(ids[1]))] == ["outer", "inner"]
            assert len(platform.get_test(str(ids[2]))["attempts"]) == 2

            shot = tmp_path / "kept"
            shot.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 1000)
            uploaded = platform.upload(
                shot,
                file_name="shot.png",
                type="screenshot",
                run_id=created.id,
                test_id=str(ids[1]),
                idempotency_key="u",
            )
            assert uploaded

            platform.update_run(created.id, {"status": "failed", "totalTests": 120, "duration": 5}, "finish")
            assert platform.get_run(created.id)["status"] == "failed"
            platform.ping()
        with open_platform(settings) as platform:
            (run,) = platform.list_runs()
            assert run["id"] == created.id
            platform.delete_run(created.id, "delete")
            assert platform.list_runs() == []


def make_results(count: int) -> list[Result]:
    passed = Attempt("passed", 1.7e12, 1.0, stdout="out")
    steps = (Step("outer", "action", "failed", 0.0, 2.0, 0, "broke"), Step("inner", "assertion", "passed", 1.0, 0.5, 1))
    failed = Attempt("failed", 1.7e12, 2.0, steps, (Failure("call", "assert 1 == 2", "stack", "2", "1"),))
    attempts = [(passed,), (failed,), (failed, passed)]
    return [
        Result(
            f"r{number}",
            Place(f"test_a.py::TestB::test_c[{number}]", "test_a.py", 3, ("test_a", "TestB"), f"test_c[{number}]"),
            attempts[number % 3],
        )
        for number in range(count)
    ]
