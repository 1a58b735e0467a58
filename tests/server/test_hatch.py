"""Results that are sent one by one: past the application they are answered as by it, and stored as by the writer."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import pytest

from end_to_end.waiting import wait_for
from platform_report_server.auth import keys, limits
from platform_report_server.connection import Connection
from platform_report_server.db import _sqlite
from platform_report_server.ingest import singles
from platform_report_server.quick import QuickCycle
from platform_report_server.settings import Settings
from platform_report_server.viewer.place import LOCAL_NAME
from server.support import KEY, OTHER_KEY, PROJECT, Api, opened, serving
from server.test_hostile import connected
from server.viewers import make_viewer

USUAL = {"Host": "us", "X-API-Key": KEY}
CHANGING = re.compile(
    rb"(?<=date: )[^\r]+|(?<=content-length: )\d+|(?<=remaining: )\d+|(?<=reset: )\d+|(?<=request-id: )[0-9a-f]{16}"
    rb'|(?<="id":")\w+|(?<="createdAt":")[^"]+'
)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return where connections note of each answer whether it went past the application."""
    monkeypatch.setattr(keys, "_KEPT_SECONDS", 300)
    monkeypatch.setattr(limits, "_LEASE_SECONDS", 300)
    return []


def noting(ways: list[bool]) -> type[Connection]:
    class Noting(Connection):
        def on_response_complete(self) -> None:
            ways.append(isinstance(self.cycle, QuickCycle))
            super().on_response_complete()

    return Noting


def request(head: Mapping[str, str], body: bytes, *, is_chunked: bool = False) -> bytes:
    if is_chunked:
        head = {**head, "Transfer-Encoding": "chunked"}
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    else:
        head = {**head, "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST /api/tests HTTP/1.1\r\n{lines}\r\n".encode() + body


def received(came: BinaryIO) -> bytes:
    """Return one answer."""
    lines = list(iter(came.readline, b"\r\n"))
    (length,) = (int(line[16:]) for line in lines if line.startswith(b"content-length: "))
    return b"".join((*lines, b"\r\n", came.read(length)))


def test_both_ways_answer_alike(settings: Settings, tmp_path: Path, ways: list[bool]) -> None:
    log = tmp_path / "access.log"
    settings = replace(settings, host_names=frozenset({"us"}), access_log=log)
    with serving(settings, noting(ways)) as url, httpx.Client(base_url=url, headers=USUAL) as http:
        api = Api(http)
        run, ended = api.new_run(), api.new_run()
        api.end_run(ended)
        valid = api.test_body(run)
        full = valid | {
            "status": "flaky",
            "error": {"message": "<b>no\0</b>", "stack": "s"},
            "steps": [{"title": "t", "category": "hook", "duration": 1.5}],
            "tags": ["@a"],
            "startedAt": "2026-01-01T10:00:00Z",
            "worker": "gw0",  # the writer is the first to hear of it
        }
        cases: list[tuple[Mapping[str, str], Any, bool]] = [
            ({}, valid, True),
            ({}, full, True),
            ({"x-request-id": "abc.1"}, valid, True),
            ({"X-Request-Id": "<b>"}, valid, True),
            ({"Origin": "http://elsewhere", "Cookie": "a=b", "Connection": "keep-alive"}, valid, True),
            ({}, valid | {"title": "another", "fullTitle": "another"}, True),
            ({}, valid | {"runId": ended["id"]}, True),
            ({}, valid | {"runId": "run_0000000000000"}, True),
            ({"Idempotency-Key": "once"}, valid, False),
            ({"Content-Encoding": "gzip"}, valid, False),
            ({"X-API-Key": OTHER_KEY}, valid, False),
            ({"X-API-Key": "a key that nobody has"}, valid, False),
            ({"Host": "others"}, valid, False),
            ({}, valid | {"projectId": "proj_other"}, False),
            ({}, valid | {"duration": "1"}, False),
            ({}, valid | {"stdout": "x" * 20_000}, False),
            ({}, b'{"runId": "\xff"}', False),
            ({}, b"[" * 10_000, False),
            ({}, b"", False),
        ]
        made = 64
        logged = made + 3
        for _ in range(made):  # whoever sends many has some requests at hand
            api.new_test(run)
        with connected(url) as client, client.makefile("rb") as came:
            for head, body, is_quick in cases:
                said = body if isinstance(body, bytes) else json.dumps(body).encode()
                ways.clear()
                logged += 2
                told = []
                for is_chunked in (False, True):
                    client.sendall(request({**USUAL, **head}, said, is_chunked=is_chunked))
                    told.append(received(came))
                assert CHANGING.sub(b"*", told[0]) == CHANGING.sub(b"*", told[1])
                if told[0].startswith(b"HTTP/1.1 201 "):
                    made += 2
                    assert stored(api, told[0]) == stored(api, told[1])
                    logged += 4
                entries = wait_for(partial(noted, log, logged), "both are logged")
                first, second = [entry for entry in entries if entry["method"] == "POST"][-2:]
                assert first == second
                assert ways[:2] == [is_quick, False], (head, said)
        counted = httpx.get(f"{url}/metrics", headers={"X-API-Key": KEY, "Host": "us"}).text
        assert f'requests_total{{route="/api/tests",method="POST",status="2xx"}} {made}\n' in counted


def stored(api: Api, answer: bytes) -> Any:
    """Return what is stored of the result that an answer names, but for what differs each time."""
    made = json.loads(answer.partition(b"\r\n\r\n")[2])
    found, steps = api.get(f"/api/tests/{made['id']}"), api.get(f"/api/tests/{made['id']}/steps")
    return {name: found[name] for name in found if name not in ("id", "createdAt")}, steps


def noted(log: Path, count: int) -> list[dict[str, Any]]:
    """Return what the access log tells of requests, but for what differs each time, once it tells of so many."""
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    told = ("method", "route", "status", "project", "key", "user")
    return [{name: entry[name] for name in told} for entry in entries] if len(entries) == count else []


def test_parts_and_rows_of_requests_are_answered_each(settings: Settings, tmp_path: Path, ways: list[bool]) -> None:
    log = tmp_path / "access.log"
    settings = replace(settings, access_log=log, viewer_files=make_viewer(tmp_path / "viewer"))
    with serving(settings, noting(ways)) as url:
        with httpx.Client(base_url=url, headers=USUAL) as http:
            api = Api(http)
            run = api.new_run()
            for _ in range(64):
                api.new_test(run)
        body = json.dumps(api.test_body(run)).encode()
        sent = request(USUAL, body)
        with connected(url) as client, client.makefile("rb") as came:
            ways.clear()
            for start in range(0, len(sent), 40):
                client.sendall(sent[start : start + 40])
            assert received(came).startswith(b"HTTP/1.1 201 ")
            assert wait_for(lambda: ways, "its way is noted") == [True]
            client.sendall(sent + sent + b"GET /api/none HTTP/1.1\r\nHost: us\r\n\r\n" + sent)
            assert [received(came)[9:12] for _ in range(4)] == [b"201", b"201", b"404", b"201"]
            client.sendall(request({**USUAL, "Host": LOCAL_NAME}, body))  # where the application is not
            assert received(came).startswith(b"HTTP/1.1 405 ")
            client.sendall(sent[:-1])
        (*_, last) = wait_for(partial(noted, log, 72), "it is logged that the last one broke off")
        assert (last["route"], last["status"]) == ("/api/tests", 400)


def test_a_server_that_leaves_answers_what_has_begun(settings: Settings, ways: list[bool]) -> None:
    moments: list[str] = []

    class Leaving(noting(ways)):  # type: ignore[misc]
        def on_body(self, body: bytes) -> None:
            super().on_body(body)
            self.leave("on_body")

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self.leave("on_message_complete")

        def leave(self, now: str) -> None:
            if moments == [now]:
                self.shutdown()

    with serving(settings, Leaving) as url, httpx.Client(base_url=url, headers=USUAL) as http:
        api = Api(http)
        run = api.new_run()
        for _ in range(64):
            api.new_test(run)
        for moment, is_quick in (("on_body", False), ("on_message_complete", True)):
            moments[:] = [moment]
            ways.clear()
            answer = httpx.post(f"{url}/api/tests", headers=USUAL, json=api.test_body(run))
            assert answer.status_code == 201
            assert wait_for(lambda: ways, "its way is noted") == [is_quick]
            if is_quick:  # uvicorn 0.30 says it of no other
                assert answer.headers["connection"] == "close"


def test_what_the_event_loop_cannot_store_the_writer_does(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(singles, "_LONG", -1)  # every group is said to be slow
    with opened(settings) as api, closing(sqlite3.connect(folder / "platform.db", isolation_level=None)) as other:
        run = api.new_run()
        first = api.new_test(run)
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor() as pool:
            waiting = [pool.submit(api.new_test, run, f"test_{number % 2}") for number in range(4)]
            assert not wait(waiting, 0.1).done  # longer than the event loop tries
            other.execute("ROLLBACK")
        ids = {first["id"], *(each.result()["id"] for each in waiting), *(api.new_test(run)["id"] for _ in range(5))}
        listed = api.get("/api/tests", projectId=PROJECT, runId=run["id"])["data"]
        assert {each["id"] for each in listed} == ids
        assert len(ids) == 10


def test_the_log_of_a_file_does_not_grow(folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(singles, "_GROUPS", 5)
    monkeypatch.setattr(_sqlite, "_SETTINGS", (*_sqlite._SETTINGS, "PRAGMA wal_autocheckpoint=10"))
    with opened(settings) as api:
        run = api.new_run()
        for _ in range(70):
            api.new_test(run)
        assert (folder / "platform.db-wal").stat().st_size < 100 * 4096
