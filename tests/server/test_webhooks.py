"""Webhooks: who is told what, how often, and what the log says of it."""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, update

from platform_report_server import ids
from platform_report_server.db.schema import delivery, run
from platform_report_server.ingest.deliveries import KEPT, forget_old
from platform_report_server.ingest.writer import Write
from platform_report_server.settings import Settings
from server.process import process
from server.receiver import Received, Receiver, receiving
from server.support import DEADLINE, KEY, PROJECT, Api, checked, in_store, in_threads, opened, refused, serving

SECRET = "whsec_your-webhook-secret"
BOTH = ["run.completed", "run.failed"]
_DAY = 24 * 3_600_000


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_an_end_is_told_once(settings: Settings, receiver: Receiver) -> None:
    with opened(replace(settings, public_url="https://reports.example")) as api:
        new_hook(api, receiver, "/both", headers={"X-Team": "web"}, secret=SECRET)
        new_hook(api, receiver, "/failed", ["run.failed"])
        new_hook(api, receiver, "/slack", ["run.completed"], format="slack")
        new_hook(api, receiver, "/off", isActive=False)

        good = api.new_run(branch="main")
        api.new_test(good)
        api.end_run(good)
        api.end_run(good, totalTests=7)
        api.end_run(good, status="failed")
        bad = api.new_run(runTitle="Nightly <!channel>", ciBuildUrl="https://ci.example/1|x", commitSha="a1b2c3")
        api.bulk([api.test_body(bad, f"t{n}", status="failed", error={"message": f"no {n}"}) for n in range(21)])
        api.end_run(bad)
        at_once = api.new_run(status="failed")
        again = api.new_run()
        in_threads(4, lambda _: api.end_run(again))
        api.end_run(again, status="running")
        api.end_run(again)

        told = [each.told for each in receiver.came("/both", 7)]
        assert sorted((each["run"]["id"], each["event"]) for each in told) == sorted(
            [
                (good["id"], "run.completed"),
                *((each["id"], event) for each in (bad, at_once) for event in BOTH),
                *[(again["id"], "run.completed")] * 2,
            ]
        )
        assert [each.told["run"]["id"] for each in receiver.came("/failed", 2)] == [bad["id"], at_once["id"]]
        for request in receiver.came("/both", 7):
            check_headers(request)
        (passed,) = [each for each in told if each["run"]["id"] == good["id"]]
        assert passed["project"] == {"id": PROJECT, "name": PROJECT}
        assert passed["url"] == f"https://reports.example/runs/{good['id']}"
        assert (passed["run"]["status"], passed["run"]["branch"], passed["run"]["totalTests"]) == ("passed", "main", 1)
        failed = next(each for each in told if each["run"]["id"] == bad["id"])
        assert (failed["run"]["failedTests"], failed["run"]["commitSha"]) == (21, "a1b2c3")
        assert len(failed["failedTests"]) == 20
        assert failed["failedTests"][0]["fullTitle"] == "test_mod > t0"
        assert failed["failedTests"][0]["message"] == "no 0"
        slack = receiver.came("/slack", 5)
        (text,) = [block["text"]["text"] for block in slack[1].told["blocks"]]
        assert f"<https://reports.example/runs/{bad['id']}|Nightly &lt;!channel&gt;> passed (21 failed)" in text
        assert "`test_mod &gt; t4`\n… 21 tests failed in all" in text
        assert "ci.example" not in text
        assert (receiver.count("/both"), receiver.count("/failed"), receiver.count("/off")) == (7, 2, 0)


def check_headers(request: Received) -> None:
    signature = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-webhook-signature"] == f"sha256={signature}"
    assert request.headers["x-webhook-event"] == request.told["event"]
    assert request.headers["x-webhook-id"] == request.told["id"]
    assert abs(int(request.headers["x-webhook-timestamp"]) - time.time()) < 600
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-team"] == "web"


@pytest.mark.both_stores
def test_what_fails_is_sent_again_for_a_day(settings: Settings, receiver: Receiver) -> None:
    receiver.statuses = {"/fails": 500, "/moved": 302, "/off": 503}
    receiver.answers = {"/fails": b"no\x00 room" * 1000}
    receiver.held = {"/hangs"}
    with opened(settings) as api:
        fails, moved, off = (new_hook(api, receiver, path) for path in ("/fails", "/moved", "/off"))
        hangs = new_hook(api, receiver, "/hangs")
        new_hook(api, receiver, "/good")
        begun = api.new_run()
        api.end_run(begun)
        receiver.came("/hangs")
        receiver.came("/good")  # who hangs holds up nobody else

        first = concluded(api, fails)
        assert (first["status"], first["attempts"], first["responseStatus"]) == ("pending", 1, 500)
        assert first["error"] == "answered 500, expected 200 to 299"
        assert first["responseBody"].startswith("no  room")
        assert len(first["responseBody"]) < 500
        assert first["nextAttemptAt"] > first["lastAttemptAt"]
        assert (first["runId"], first["event"]) == (begun["id"], "run.completed")
        assert concluded(api, moved)["error"] == "answered 302, expected 200 to 299: redirects are not followed"
        assert concluded(api, off)["status"] == "pending"
        checked(api.http.patch(f"/api/webhooks/{off}", json={"isActive": False}), 200)
        assert concluded(api, off)["status"] == "cancelled"

        make_due(settings)
        again = receiver.came("/fails", 2)
        assert again[0].headers["x-webhook-id"] == again[1].headers["x-webhook-id"]
        assert again[0].body == again[1].body
        assert concluded(api, fails, 2)["status"] == "pending"
        receiver.statuses["/moved"] = 200
        make_due(settings, first_at=delivery.c.first_at - _DAY)
        assert concluded(api, fails, 3)["status"] == "failed"
        assert concluded(api, moved, 3)["status"] == "delivered"

        receiver.statuses.clear()
        place = f"/api/webhooks/{fails}/deliveries/{first['id']}/replay"
        replayed = [checked(api.http.post(place, headers={"Idempotency-Key": "once"}), 201) for _ in range(2)]
        assert replayed[0] == replayed[1]
        assert receiver.came("/fails", 4)[3].told["run"]["id"] == begun["id"]
        assert concluded(api, fails)["status"] == "delivered"
        assert [each["status"] for each in log_of(api, fails)] == ["delivered", "failed"]
        off_place = f"/api/webhooks/{off}/deliveries/{log_of(api, off)[0]['id']}/replay"
        refused(api.http.post(off_place), 400, "VALIDATION_ERROR", "webhook")
        refused(api.http.post(place.replace(fails, off)), 404, "NOT_FOUND")

        ping = checked(api.http.post(f"/api/webhooks/{off}/test"), 200)
        assert (ping["event"], ping["status"], ping["responseStatus"]) == ("ping", "delivered", 204)
        assert receiver.came("/off", 2)[1].told["run"] is None
        receiver.statuses["/off"] = 410
        ping = checked(api.http.post(f"/api/webhooks/{off}/test"), 200)
        assert (ping["status"], ping["attempts"], ping["responseStatus"]) == ("failed", 1, 410)
        api.http.delete(f"/api/webhooks/{hangs}")
        assert in_store(settings, lambda write: statuses(write, hangs)) == []
        receiver.let_go()
    assert (receiver.count("/off"), receiver.count("/elsewhere"), receiver.count("/hangs")) == (3, 0, 1)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_what_a_killed_server_had_in_hand_is_sent_by_another(settings: Settings, receiver: Receiver) -> None:
    receiver.held = {"/hook"}
    with process(settings) as (server, link):
        with httpx.Client(base_url=link.partition("/?")[0], headers={"X-API-Key": KEY}, timeout=60) as http:
            api = Api(http)
            new_hook(api, receiver, "/hook", BOTH)
            run_of = {api.new_run(status="failed")["id"] for _ in range(3)}
        receiver.came("/hook")
        server.kill()
    receiver.let_go()
    make_due(settings)
    with serving(settings), serving(settings):  # two share what is left, each is sent once
        told = [(each.told["run"]["id"], each.told["event"]) for each in receiver.came("/hook", 7)]
    assert set(told) == {(run_id, event) for run_id in run_of for event in BOTH}
    assert len(told) == receiver.count("/hook") == 7
    assert in_store(settings, statuses) == ["delivered"] * 6


def test_a_silent_run_is_told_of_and_its_late_end_too(settings: Settings, receiver: Receiver) -> None:
    with opened(settings) as api:
        new_hook(api, receiver, "/hook", BOTH)
        silent = api.new_run()
    earlier = {"created_at": run.c.created_at - _DAY, "updated_at": run.c.updated_at - _DAY}
    in_store(settings, lambda write: write.connection.execute(update(run).values(earlier)))
    with opened(settings) as api:
        (told,) = receiver.came("/hook")
        assert (told.told["event"], told.told["run"]["status"]) == ("run.completed", "cancelled")
        api.end_run(silent, status="failed")
        assert {each.told["event"] for each in receiver.came("/hook", 3)[1:]} == set(BOTH)


@pytest.mark.both_stores
def test_the_log_is_bounded(settings: Settings) -> None:
    def fill(write: Write) -> None:
        row = {"project_id": 1, "event": "ping", "message": b"{}", "next_at": 0, "created_at": write.now}
        rows = [row | {"id": n, "webhook_id": 7, "status": "delivered"} for n in range(KEPT + 5)]
        rows += [row | {"id": KEPT + 5 + n, "webhook_id": 7, "status": "pending"} for n in range(3)]
        old = {"webhook_id": 8, "status": "failed", "created_at": write.now - 31 * _DAY}
        write.connection.execute(insert(delivery), [*rows, row | old | {"id": 10**6}])
        forget_old(write)

    with serving(settings):
        pass
    in_store(settings, fill)
    kept = in_store(settings, lambda write: write.connection.execute(select(delivery.c.id)).scalars().all())
    assert sorted(kept) == list(range(5, KEPT + 8))


def new_hook(api: Api, receiver: Receiver, path: str, events: list[str] | None = None, **fields: Any) -> str:
    body = {"projectId": PROJECT, "url": receiver.url + path, "events": events or BOTH}
    return str(checked(api.http.post("/api/webhooks", json=body | fields), 201)["id"])


def log_of(api: Api, hook: str) -> list[Any]:
    entries: list[Any] = api.get(f"/api/webhooks/{hook}/deliveries")["data"]
    return entries


def concluded(api: Api, hook: str, attempts: int = 1) -> Any:
    """Wait until the newest delivery has had so many attempts, and what came of them is in the log."""
    deadline = time.monotonic() + DEADLINE
    while (newest := log_of(api, hook)[0])["attempts"] < attempts:
        assert time.monotonic() < deadline, newest
    return newest


def make_due(settings: Settings, **values: Any) -> None:
    waiting = update(delivery).where(delivery.c.status == "pending")
    in_store(settings, lambda write: write.connection.execute(waiting.values(next_at=0, **values)))


def statuses(write: Write, hook: str | None = None) -> list[str]:
    query = select(delivery.c.status)
    if hook is not None:
        query = query.where(delivery.c.webhook_id == ids.decode("wh", hook))
    return list(write.connection.execute(query).scalars())


def test_the_receiver_of_the_documentation_takes_what_is_signed(settings: Settings, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    script = tmp_path / "receiver.py"
    script.write_text(page.partition("<!-- file: receiver.py -->\n```python\n")[2].partition("```\n")[0])
    receiver = subprocess.Popen(
        [sys.executable, str(script), "0"],
        env={**os.environ, "WEBHOOK_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with opened(settings) as api, receiver as there:
        try:
            assert there.stdout is not None
            url = f"http://127.0.0.1:{there.stdout.readline().split()[1]}/"
            body = {"url": url, "projectId": PROJECT, "events": BOTH}
            good, bad = (
                checked(api.http.post("/api/webhooks", json=body | {"secret": secret}), 201)["id"]
                for secret in (SECRET, "another")
            )
            assert checked(api.http.post(f"/api/webhooks/{good}/test"), 200)["responseStatus"] == 204
            assert checked(api.http.post(f"/api/webhooks/{bad}/test"), 200)["responseStatus"] == 401
            assert there.stdout.readline() == f"ping {PROJECT} None\n"
        finally:
            there.kill()
