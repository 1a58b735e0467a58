"""Several requests are under way together, where that can do no harm, and no limit is met the harder for it."""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journals import Author, Reader
from servers import DEADLINE, Seen, Server, reply, serve

from pytest_platform_report.settings import Settings
from pytest_platform_report.uploader.courier import Courier
from pytest_platform_report.uploader.receipt import Receipt
from pytest_platform_report.uploader.verdict import Verdict

PNG = b"\x89PNG\r\n\x1a\n"
TOGETHER = 3


class Platform:
    """Answers requests; those to some paths only when three of them are there, or all but the first by two.

    :ivar asked: the requests to which it has given an answer, in order.
    :ivar most: how many writes of tests it takes before it turns one away; None for any number.
    """

    def __init__(self, capabilities: str, *together: str, most: int | None = None, in_pairs: bool = False) -> None:
        self.most = most
        self.refused = 0
        self.tests: list[Any] = []
        self.asked: list[str] = []
        self._capabilities = capabilities
        self._barriers = {path: threading.Barrier(TOGETHER) for path in together}
        self._pair = threading.Barrier(2) if in_pairs else None
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> bytes:
        if seen.path in self._barriers:
            self._barriers[seen.path].wait(DEADLINE)
        if self._pair is not None and seen.path != "/api/runs":
            self._pair.wait(DEADLINE)
        with self._lock:
            self.asked.append(f"{seen.method} {seen.path}")
            if seen.path.startswith("/api/test") and self.most is not None:
                self.most -= 1
                if self.most < 0:
                    self.refused += 1
                    return reply(429, headers={"Retry-After": "60"})
            if seen.path == "/api/tests/bulk":
                tests = json.loads(seen.body)["tests"]
                self.tests += tests
                return reply(200, {"data": [{"id": f"of {test['title']}"} for test in tests]})
            if seen.method == "GET":
                return reply(200, {"data": [], "total": len(self.tests)})
            announced = {"Platform-Capabilities": self._capabilities}
            return reply(201, {"id": seen.path.rpartition("/")[2]}, headers=announced)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with serve() as server:
        yield server


def deliver(folder: Path, server: Server, platform: Platform, tests: int, *, files: bool = True) -> int:
    """Deliver a run of tests that have a suite each, and a file, until there is nothing more to do for now."""
    author = Author(folder)
    for number in range(tests):
        author.begin(f"test_{number}.py::test_{number}")
        if files:
            content = PNG + bytes([number])
            (folder / "artifacts" / f"{number}.png").write_bytes(content)
            author.attach(f"{number}.png", sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        author.end()
    author.close()
    reader = Reader(folder)
    reader.take_all()
    reader.record.plan_run({"metadata": {"a": "b"}})
    server.answer = platform
    settings = Settings(url=server.url, api_key="prk_live_0123456789abcdef")
    courier = Courier(folder, settings, reader.record, reader.journals)
    while courier.send_some():
        pass
    acknowledged = reader.record.acknowledged()
    assert reader.record.has_open() == (acknowledged < tests)
    if acknowledged == tests:
        assert courier.close_run(Verdict("passed", 1.0))
        assert courier.take_receipt() == Receipt(tests)
    courier.close()
    reader.close()
    return acknowledged


def test_requests_overlap(tmp_path: Path, server: Server) -> None:
    """None of them is answered before all three are there."""
    platform = Platform("bulk-tests=2, idempotency-key", "/api/test-suites", "/api/tests/bulk", "/api/upload")
    assert deliver(tmp_path, server, platform, 2 * TOGETHER) == 2 * TOGETHER
    assert sorted(test["title"] for test in platform.tests) == [f"test_{number}" for number in range(6)]


def test_limit_turns_away_no_more_than_one_request(tmp_path: Path, server: Server) -> None:
    """The documentation allows 60 writes in a minute."""
    platform = Platform("bulk-tests=1, idempotency-key, suites", most=60)
    assert deliver(tmp_path, server, platform, 70) == 60
    assert platform.refused == 1


def test_where_repetitions_are_not_known_there_is_one_request(tmp_path: Path, server: Server) -> None:
    platform = Platform("bulk-tests=2, suites", most=0)
    assert deliver(tmp_path, server, platform, 6) == 0
    assert platform.refused == 1


def test_few_tests_take_three_round_trips(tmp_path: Path, server: Server) -> None:
    """The run; its tests, and what else there is to be told of it; its end, and what the platform has of it."""
    platform = Platform("bulk-tests=500, idempotency-key, metadata, suites", in_pairs=True)
    assert deliver(tmp_path, server, platform, 5, files=False) == 5
    first, *pairs = platform.asked
    assert first == "POST /api/runs"
    assert sorted(pairs[:2]) == ["PATCH /api/runs/runs", "POST /api/tests/bulk"]
    assert sorted(pairs[2:]) == ["GET /api/tests", "PATCH /api/runs/runs"]
