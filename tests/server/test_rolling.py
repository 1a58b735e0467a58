"""Servers and workers that are replaced by new ones, while no request fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from platform_report_server.settings import Settings
from server.balancer import balancing
from server.support import DEADLINE, KEY, PROJECT, Api
from server.test_processes import process


class Load:
    """Reads and writes without end; what was acknowledged is kept, and so is what went wrong."""

    def __init__(self, url: str) -> None:
        self.acknowledged: set[str] = set()
        self.failed: list[BaseException] = []
        self._url = url
        self._ends = threading.Event()
        self._grown = threading.Condition()
        with self._client() as http:
            self._run = Api(http).new_run()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Go on, over connections that are kept and connections that are new."""
        threads = [threading.Thread(target=self._work, args=(each, each < 3)) for each in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ends.set()
            for thread in threads:
                thread.join(DEADLINE)

    def wait_for_more(self) -> None:
        """Wait until a good deal more was acknowledged."""
        with self._grown:
            enough = len(self.acknowledged) + 40
            assert self._grown.wait_for(lambda: len(self.acknowledged) >= enough or self.failed, DEADLINE)

    def check(self, url: str) -> None:
        """Find everything in the store, once."""
        assert self.failed == []
        with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=DEADLINE) as http:
            api, stored = Api(http), set()
            for offset in range(0, len(self.acknowledged), 200):
                rows = api.get("/api/tests", projectId=PROJECT, limit=200, offset=offset)["data"]
                stored |= {row["id"] for row in rows}
            assert stored == self.acknowledged

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self._url, headers={"X-API-Key": KEY}, timeout=DEADLINE, trust_env=False)

    def _work(self, worker: int, keeps: bool) -> None:
        with self._client() as http:
            try:
                while not self._ends.is_set():
                    with ExitStack() as once:
                        self._try(Api(http if keeps else once.enter_context(self._client())), worker)
            except BaseException as error:
                self.failed.append(error)
                self._ends.set()

    def _try(self, api: Api, worker: int) -> None:
        body = api.test_body(self._run, f"test_{worker}")
        made = {api.new_test(self._run, f"test_{worker}")["id"], *(each["id"] for each in api.bulk([body] * 3))}
        api.get(f"/api/tests/{min(made)}/history", limit=5)
        with self._grown:
            self.acknowledged |= made
            self._grown.notify_all()


@pytest.mark.both_stores
def test_servers_behind_a_balancer(settings: Settings) -> None:
    if settings.database == settings.staging:
        return
    with ExitStack() as started:
        urls = []
        servers = []
        for _ in range(2):
            server, link = started.enter_context(process(settings, "--drain=0.3"))
            urls.append(link.partition("/?")[0])
            servers.append(server)
        balancer = started.enter_context(balancing(urls))
        for number in (0, 1):
            balancer.wait_until(number, is_ready=True)
        load = Load(balancer.url)
        with load.going_on():
            for number in (0, 1, 0, 1):
                load.wait_for_more()
                servers[number].terminate()
                assert servers[number].wait(DEADLINE) == 0
                port = urls[number].rpartition(":")[2]
                servers[number], _ = started.enter_context(process(settings, "--drain=0.3", f"--port={port}"))
                balancer.wait_until(number, is_ready=True)
            load.wait_for_more()
        load.check(urls[0])
