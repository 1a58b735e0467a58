"""What pages follow: seen through one process when another wrote it, and by nobody who may not see it any more."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from platform_report_server import ids, live, streams
from platform_report_server.db.engine import open_database
from platform_report_server.db.reader import Reader
from platform_report_server.live import Feed
from platform_report_server.settings import Settings
from platform_report_server.streams import EventStream
from server.browsing import browsers
from server.cast import Cast, casting
from server.process import process
from server.support import DEADLINE, KEY, OTHER_KEY, PROJECT, Api, checked, serving


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_LOOK_SECONDS", 0.02)


class Events:
    """A stream, one event after the other."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.last_id = ""

    def next(self) -> tuple[str, Any]:
        """Return the name and the data of the next event; two empty values at the end."""
        fields: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "event" in fields:
                self.last_id = fields.get("id", self.last_id)
                return fields["event"], msgspec.json.decode(fields["data"])
            else:
                fields = {}
        return "", None

    def until(self, **wanted: Any) -> dict[str, Any]:
        """Return what is told of a run once it is as wanted."""
        while True:
            name, data = self.next()
            assert name == "changed"
            for run in data["runs"]:
                if run.items() >= wanted.items():
                    return dict(run)


@contextmanager
def following(url: str, path: str, headers: dict[str, str]) -> Iterator[Events]:
    with httpx.stream("GET", url + path, headers=headers, timeout=DEADLINE, verify=False) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        yield Events(response.iter_lines())


@pytest.mark.both_stores
def test_what_another_process_writes_is_seen(settings: Settings) -> None:
    key = {"X-API-Key": KEY}
    with (
        process(settings) as (_, link),
        serving(settings) as url,
        httpx.Client(base_url=link.partition("/?")[0], headers=key, timeout=DEADLINE) as http,
    ):
        api = Api(http)
        with following(url, "/live", key) as everything:
            assert everything.next() == ("changed", {"runs": []})
            run = api.new_run()
            told = everything.until(status="running")
            assert (told["id"], told["projectId"], told["total"]) == (run["id"], run["projectId"], 0)
            path = f"/runs/{run['id']}/live"
            with following(url, path, key) as one:
                assert one.until(total=0)["status"] == "running"
                api.bulk([api.test_body(run, f"test_{number}") for number in range(3)])
                assert one.until(total=3)["passed"] == 3
                api.new_test(run, "test_bad", status="failed")
                assert one.until(total=4)["failed"] == 1
            # who comes back to another process is told of what they missed, and of nothing else
            page = http.get(f"/runs/{run['id']}").text
            (feed,) = re.findall(r'data-feed="(.*?)"', page)
            assert feed == f"{path}?since={one.last_id}"
            with following(url, path, key | {"Last-Event-ID": one.last_id}) as again, following(url, feed, key) as new:
                api.end_run(run, status="failed")
                for events in (again, new):
                    assert events.next()[1]["runs"][0]["status"] == "failed"
            with following(url, feed, key) as late:
                assert late.next()[1]["runs"][0]["status"] == "failed"
            everything.until(id=run["id"], status="failed", total=4)
            shown = http.get("/").text
            (feed,) = re.findall(r'data-feed="(.*?)"', shown)
            assert feed == f"/live?since={everything.last_id}"
            assert http.delete(f"/api/runs/{run['id']}").is_success
            assert everything.next() == ("changed", {"runs": []})
        assert httpx.head(f"{url}/live", headers=key).headers["content-type"].startswith("text/event-stream")


@pytest.fixture
def cast(settings: Settings, url: str) -> Iterator[Cast]:
    with casting(settings, url) as people:
        yield people


def test_whoever_may_not_see_it_any_more_is_told_nothing(url: str, cast: Cast) -> None:
    api = Api(cast.owner, cast.new_project())
    run = api.new_run()
    with ExitStack() as stack:
        stranger = stack.enter_context(following(url, "/live", cast.stranger))
        assert stranger.next() == ("changed", {"runs": []})
        streams = []
        for who in (cast.people["viewer"], cast.people["member"]):
            for path in ("/live", f"/runs/{run['id']}/live"):
                streams.append(stack.enter_context(following(url, path, who)))
                streams[-1].until(id=run["id"])
        (viewer,) = (
            each for each in api.get("/api/team-members", teamId=cast.team)["data"] if each["role"] == "viewer"
        )
        checked(cast.owner.delete(f"/api/team-members/{viewer['id']}"), 200)
        with browsers(url) as new:
            member = new(dict([cast.people["member"]["Cookie"].split("=", 1)]))
            member.send(member.go("/account"), "/logout")
        api.new_test(run)
        told = [events.next() for events in streams]
        assert told == [("changed", {"runs": []}), ("over", {}), ("over", {}), ("over", {})]
        with httpx.Client(base_url=url, headers=cast.stranger) as http:
            (theirs,) = checked(http.get("/api/projects", params={"teamId": cast.other_team}), 200)["data"]
            assert stranger.until(id=Api(http, theirs["id"]).new_run()["id"])


def test_who_is_slow_finds_the_newest_alone_and_too_many_are_refused(
    settings: Settings, url: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = api.new_run()

    async def come_back() -> Any:
        database = open_database(settings.database)
        feed = Feed(Reader(database))
        number = ids.decode("run", run["id"])
        assert number is not None
        quick, slow = feed.listen(number, "quick"), feed.listen(number, "slow")
        try:
            seen = first = await quick.newer(None, DEADLINE)
            for more in range(3):
                await asyncio.to_thread(api.new_test, run, f"test_{more}")
                seen = await quick.newer(seen, DEADLINE)
            found = await slow.newer(first, DEADLINE)
            assert found is not None
            assert found is seen
            return found.view(number).runs[number].next_seq
        finally:
            await feed.stop()
            database.close()

    assert asyncio.run(come_back()) == 3
    monkeypatch.setattr(live, "MOST_EACH", 2)
    with ExitStack() as stack:
        streams = [stack.enter_context(following(url, "/live", {"X-API-Key": KEY})) for _ in range(2)]
        refused = api.http.get("/live")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "60"
        assert "2 of your pages follow runs already: close one" in refused.text
        with httpx.Client(base_url=url, headers={"X-API-Key": OTHER_KEY}) as other:
            monkeypatch.setattr(live, "MOST", 2)
            assert "2 pages follow the runs of this server already" in other.get("/live").text
        assert "platform_report_followers 2" in api.http.get("/metrics").text
        assert [events.next()[1]["runs"][0]["passed"] for events in streams] == [3, 3]
    while "platform_report_followers 0" not in api.http.get("/metrics").text:
        pass


def test_streams_end_with_the_server_and_are_logged(
    settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "access.log"
    settings = replace(settings, access_log=log)
    with ExitStack() as stack:
        with serving(settings) as url:
            events = stack.enter_context(following(url, "/live", {"X-API-Key": KEY}))
            events.next()
            metrics = httpx.get(f"{url}/metrics").text
            with casting(settings, url) as cast:
                for _ in range(20):  # they leave at any moment of what is done for them
                    with following(url, "/live", cast.people["viewer"]):
                        pass
        assert events.next() == ("", None)
        assert capfd.readouterr().err == ""
    assert '"/live"' not in metrics  # it is counted once it is over
    logged = [each for each in map(msgspec.json.decode, log.read_bytes().splitlines()) if each["route"] == "/live"]
    (entry,) = [each for each in logged if each["user"] is None]
    assert len(logged) == 21
    assert (entry["status"], entry["project"]) == (200, PROJECT)
    assert entry["bytes"] > 0


def test_a_stream_that_begins_while_the_server_stops_ends_at_once() -> None:
    sent: list[Any] = []
    scope: dict[str, Any] = {"type": "http"}

    async def nothing() -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""

    async def receive() -> Any:
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message["type"])

    streams.stop(scope)
    asyncio.run(EventStream(nothing(), lambda: sent.append("left"))(scope, receive, send))
    assert sent == ["http.response.start", "left", "http.response.body"]
