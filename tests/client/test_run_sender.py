"""A run that is shared, at a platform that fails every second request: all get through."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
from journals import Author, Reader

from platform_report_server.app import create_app
from platform_report_server.settings import Settings as ServerSettings
from pytest_platform_report.errors import DeliveryError
from pytest_platform_report.platforms._embedded import BASE_URL, AppTransport
from pytest_platform_report.platforms._http import Http
from pytest_platform_report.platforms.client import Platform
from pytest_platform_report.settings import Settings
from pytest_platform_report.uploader.pace import Pace
from pytest_platform_report.uploader.rows import Identity
from pytest_platform_report.uploader.sender import Sender
from pytest_platform_report.uploader.verdict import Verdict

_TRIES = 100


class Half(httpx.BaseTransport):
    """Carries every second request to an app, and answers 503 to the others."""

    def __init__(self, app: AppTransport) -> None:
        self._app = app
        self._count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._count += 1
        return httpx.Response(503, text="{}") if self._count % 2 else self._app.handle_request(request)

    def close(self) -> None:
        self._app.close()


@pytest.mark.parametrize("is_asked_for", [False, True], ids=["joined by its marker", "asked for"])
def test_shared_run(tmp_path: Path, is_asked_for: bool) -> None:
    app = AppTransport(create_app(ServerSettings.embedded(tmp_path / "platform")))
    with closing(app), Platform(Http(BASE_URL, "", transport=Half(app)), "default") as platform:
        whole = Platform(Http(BASE_URL, "", transport=app), "default")
        run_id = whole.create_run({"tags": ["report-awaits:finish"]}, "").id if is_asked_for else ""
        author = Author(tmp_path / "run")
        author.begin("test_it.py::test_it")
        author.end()
        author.close()
        reader = Reader(tmp_path / "run")
        reader.take_all()
        with closing(reader.record) as record:
            record.plan_run({"runTitle": "a run", "metadata": {"a": "b"}}, Identity("marker", "maker", not run_id))
            sender = Sender(platform, tmp_path / "run", Settings(run_id=run_id), record, reader.journals, Pace())
            verdict = Verdict("passed", 1.0, {"1/2": "passed", "2/2": "passed"})
            insist(sender.send_run)
            insist(lambda: not (sender.settle_tests() or sender.send_tests()))
            insist(lambda: sender.close_run(verdict))
        (run,) = whole.list_runs()
        run = whole.get_run(run["id"])
        assert (run["totalTests"], run["passedTests"]) == (1, 1)
        assert run["status"] == ("running" if is_asked_for else "passed")


def insist(send: object) -> None:
    assert callable(send)
    for _ in range(_TRIES):
        with suppress(DeliveryError):
            if send():
                return
    raise AssertionError("it gets no further")
