"""Servers as processes: started, stopped, killed, side by side on one store."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import socket
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from platform_report_server import ids
from platform_report_server.app import create_app
from platform_report_server.errors import SettingsError, StoreTooNew
from platform_report_server.serve import Place, serve
from platform_report_server.settings import Settings
from server.process import process
from server.support import (
    DEADLINE,
    KEY,
    PNG,
    PROJECT,
    Api,
    checked,
    in_threads,
    refused,
    serving,
    with_store,
)

pytestmark = pytest.mark.uncovered


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_tells_its_address_and_ends_in_order(settings: Settings, folder: Path, number: signal.Signals) -> None:
    with process(settings) as (server, link):
        url, _, token = link.partition("/?token=")
        assert len(token) > 40
        with httpx.Client(base_url=url) as browser:
            assert browser.get(link).status_code == 303
            assert browser.get("/").status_code == 200
            refused(browser.get("/", headers={"Host": "evil.example"}), 403, "FORBIDDEN")
        with httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
            run = Api(http).new_run()
        server.send_signal(number)
        rest, _ = server.communicate(timeout=DEADLINE)
        assert (rest, server.returncode) == ("ended\n", 0)
    assert not (folder / "platform.db-wal").exists()  # closed, not dropped
    with serving(settings) as url, httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
        assert Api(http).get(f"/api/runs/{run['id']}") == run


def test_a_taken_port_is_told(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"cannot listen on 127\.0\.0\.1, port {port}: Address already in use"):
            serve(settings, Place(port=port), pytest.fail)


def test_an_open_server_is_refused(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"open access is for one process only"):
        serve(Settings.embedded(folder), Place(), pytest.fail)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("place", "is_private", "names"),
    [
        (Place(), True, {"localhost", "127.0.0.1", "[::1]"}),
        (Place("::1"), True, {"localhost", "127.0.0.1", "[::1]"}),
        (
            Place("127.0.0.2", host_names=frozenset({"localhost"})),
            True,
            {"localhost", "127.0.0.1", "127.0.0.2", "[::1]"},
        ),
        (Place(host_names=frozenset({"R.example"})), False, {"localhost", "127.0.0.1", "[::1]", "r.example"}),
        (Place("0.0.0.0"), False, None),
        (Place("::"), False, None),
        (Place("reports.example"), False, None),
    ],
)
def test_a_place_is_private_or_not(place: Place, is_private: bool, names: set[str] | None) -> None:
    assert place.is_private == is_private
    assert place.answers_to == names


@pytest.mark.both_stores
def test_a_newer_store_is_told_before_anything_listens(settings: Settings) -> None:
    with serving(settings):
        pass
    with_store(settings, "UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(StoreTooNew, match="Install the newer version"):
        serve(settings, Place(), pytest.fail)


@pytest.mark.both_stores
def test_what_was_acknowledged_survives_a_kill(settings: Settings) -> None:
    """One of two servers on a store is killed under load: whoever talks to the other one notices nothing."""
    acknowledged: list[tuple[str, str]] = []
    enough, killed = threading.Event(), threading.Event()

    def post(worker: int) -> None:
        more = 50
        with httpx.Client(base_url=urls[worker % 2], headers={"X-API-Key": KEY}, timeout=DEADLINE) as client:
            mine = Api(client)
            try:
                for number in itertools.count():
                    title = f"test_{worker}_{number % 10}"
                    body = mine.test_body(run, title, stdout=f"output of {title}")
                    if number % 5:
                        made = [checked(client.post("/api/tests", json=body), 201)]
                    else:
                        made = mine.bulk([body, body | {"title": f"{title}_b"}])
                    acknowledged.extend((each["id"], each["title"]) for each in made)
                    if len(acknowledged) > 300:
                        enough.set()
                    if worker % 2 and killed.is_set():
                        more -= 1
                        if not more:
                            return
            except httpx.TransportError:
                if worker % 2:
                    raise
            finally:
                enough.set()

    with process(settings) as (server, one), process(settings) as (_, two):
        urls = [link.partition("/?")[0] for link in (one, two)]
        with httpx.Client(base_url=urls[0], headers={"X-API-Key": KEY}) as http:
            run = Api(http).new_run()

        def kill() -> None:
            enough.wait(DEADLINE)
            server.kill()
            killed.set()

        killer = threading.Thread(target=kill)
        killer.start()
        in_threads(4, post)
        killer.join(DEADLINE)
    assert len(acknowledged) > 300
    with serving(settings) as url, httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
        api = Api(http)
        stored: dict[str, str] = {}
        total = api.get("/api/tests", projectId=PROJECT, limit=1)["total"]
        for offset in range(0, total, 200):
            rows = api.get("/api/tests", projectId=PROJECT, limit=200, offset=offset)["data"]
            stored |= {row["id"]: row["title"] for row in rows}
        assert len(stored) == total == api.get(f"/api/runs/{run['id']}")["totalTests"]
        assert stored.items() >= dict(acknowledged).items()
        some = acknowledged[:: len(acknowledged) // 20]
        for public_id, _ in some:
            detail = api.get(f"/api/tests/{public_id}")
            assert detail["stdout"] == f"output of {detail['fullTitle'].partition(' > ')[2]}"


@pytest.mark.both_stores
def test_two_servers_write_into_the_same_runs(settings: Settings, folder: Path) -> None:
    """Each request goes to two runs and to tests that all the others write to as well, in an order of its own."""
    with process(settings) as (_, one), process(settings) as (_, two):
        urls = [link.partition("/?")[0] for link in (one, two)]
        with httpx.Client(base_url=urls[0], headers={"X-API-Key": KEY}, timeout=DEADLINE) as http:
            runs = [Api(http).new_run() for _ in range(2)]

            def write(worker: int) -> list[tuple[str, str]]:
                order = random.Random(worker)
                with httpx.Client(base_url=urls[worker % 2], headers={"X-API-Key": KEY}, timeout=DEADLINE) as client:
                    made: list[tuple[str, str]] = []
                    for _ in range(10):
                        tests = [Api(client).test_body(run, f"test_{number}") for run in runs for number in range(20)]
                        order.shuffle(tests)
                        made += [(each["runId"], each["id"]) for each in Api(client).bulk(tests)]
                    return made

            made = [each for each in in_threads(4, write) for each in each]
            api = Api(http)
            for run in runs:
                numbers = {ids.decode_pair("test", public_id) for run_id, public_id in made if run_id == run["id"]}
                assert sorted(pair[1] for pair in numbers if pair and pair[1] is not None) == list(range(800))
                api.end_run(run)
                assert api.get(f"/api/runs/{run['id']}")["passedTests"] == 800
            for _, public_id in made[:5]:
                assert api.get(f"/api/tests/{public_id}/history")["total"] == 80

            def write_once(worker: int) -> bytes:
                headers = {"X-API-Key": KEY, "Idempotency-Key": "one"}
                body = api.test_body(runs[0], "test_once")
                return httpx.post(f"{urls[worker % 2]}/api/tests", headers=headers, json=body, timeout=DEADLINE).content

            assert len(set(in_threads(4, write_once))) == 1
            assert api.get(f"/api/runs/{runs[0]['id']}")["passedTests"] == 801

            def come_and_go(worker: int) -> None:
                with httpx.Client(base_url=urls[worker % 2], headers={"X-API-Key": KEY}, timeout=DEADLINE) as client:
                    for _ in range(10):
                        run = Api(client).new_run()
                        url = Api(client).upload(run)["url"]
                        assert client.get(url).content == PNG
                        checked(client.delete(f"/api/runs/{run['id']}"), 200)

            in_threads(4, come_and_go)
            assert [path for path in (folder / "artifacts").rglob("*") if path.is_file()] == []
    assert with_store(settings, "SELECT count(*), count(DISTINCT id) FROM test_case") == [(21, 21)]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_servers_count_together(settings: Settings) -> None:
    """Of 30 requests a minute, one more is allowed every two seconds."""
    settings = replace(settings, limits="contract")
    with process(settings) as (_, one), process(settings) as (_, two):
        clients = [httpx.Client(base_url=link.partition("/?")[0], headers={"X-API-Key": KEY}) for link in (one, two)]
        began, answers = time.monotonic(), list[httpx.Response]()
        while len(answers) < 40:
            answers += [client.post("/api/runs", json={}) for client in clients]
        assert [each.status_code for each in answers[:30]] == [400] * 30
        assert 429 in {each.status_code for each in answers[30:]}
        allowed = [each for each in answers if each.status_code == 400]
        assert len(allowed) <= 30 + (time.monotonic() - began) / 2 + 1
        assert sorted({int(each.headers["X-RateLimit-Remaining"]) for each in answers}) == list(range(30))
        for client in clients:
            client.close()


def test_two_processes_share_a_store(settings: Settings, folder: Path) -> None:
    """An embedded uploader writes while a served process writes, deletes and reads."""

    async def embedded() -> list[str]:
        app = create_app(Settings.embedded(folder))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://in") as http,
        ):
            run = (await http.post("/api/runs", json={"projectId": PROJECT, "status": "running"})).json()
            made = []
            for number in range(60):
                body = {
                    "runId": run["id"],
                    "projectId": PROJECT,
                    "title": f"test_{number}",
                    "fullTitle": f"test_mod > test_{number}",
                    "filePath": "tests/test_mod.py",
                    "status": "passed",
                    "duration": 1,
                }
                entries = (await http.post("/api/tests/bulk", json={"tests": [body] * 10})).json()["data"]
                made += [entry["id"] for entry in entries]
            await http.patch(f"/api/runs/{run['id']}", json={"status": "passed"})
            return made

    def served(_: int) -> list[str]:
        with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=DEADLINE) as http:
            api = Api(http)
            kept, doomed = api.new_run(), api.new_run()
            made = []
            for number in range(60):
                api.new_test(doomed, f"test_{number}")
                made.append(api.new_test(kept, f"test_{number}")["id"])
                assert api.get("/api/tests", projectId=PROJECT, runId=kept["id"], limit=1)["total"] == number + 1
            checked(http.delete(f"/api/runs/{doomed['id']}"), 200)
            api.end_run(kept)
            return made

    with process(settings) as (_, link):
        url = link.partition("/?")[0]
        lists = in_threads(3, lambda number: served(number) if number else asyncio.run(embedded()))
        with httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
            api = Api(http)
            found = [public_id for made in lists for public_id in made]
            assert len(set(found)) == 600 + 2 * 60
            assert sum(run["totalTests"] for run in api.get("/api/runs", projectId=PROJECT)["data"]) == len(found)
            for made in lists:
                assert api.get(f"/api/tests/{made[0]}/history")["total"] == 10 + 2
    store = sqlite3.connect(folder / "platform.db")
    assert store.execute("SELECT count(*), count(DISTINCT key) FROM test_case").fetchall() == [(60, 60)]
    assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store.close()
