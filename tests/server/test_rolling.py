"""Servers and workers that are replaced by new ones, while no request fails."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from end_to_end.waiting import wait_for
from platform_report_server.db._migrate import HEAD
from platform_report_server.manage import add_user
from platform_report_server.settings import PostgresUrl, Settings
from server.balancer import balancing
from server.postgres import Cluster
from server.process import process
from server.support import DEADLINE, KEY, PROJECT, Api, served_settings, with_store

pytestmark = [pytest.mark.newest, pytest.mark.uncovered]

_PAUSE = 0.01
"""What starts meanwhile has a part of the machine as well."""


class Load:
    """Reads and writes all the time, over connections that are kept and connections that are new."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._acknowledged: set[str] = set()
        self._failed: list[Exception] = []
        self._ends = threading.Event()
        self._grown = threading.Condition()
        with self._client() as http:
            self._run = Api(http).new_run()
        self._threads = [threading.Thread(target=self._work, args=(each, each < 3)) for each in range(4)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """End with the requests that are under way."""
        self._ends.set()
        for thread in self._threads:
            thread.join(DEADLINE)

    def wait_for_more(self) -> None:
        """Wait until a good deal more was acknowledged."""
        with self._grown:
            enough = len(self._acknowledged) + 40
            assert self._grown.wait_for(lambda: len(self._acknowledged) >= enough or self._failed, DEADLINE)
            assert self._failed == []

    def check(self) -> None:
        """End, and find everything in the store, once."""
        self.end()
        assert self._failed == []
        with self._client() as http:
            stored = set()
            for offset in range(0, len(self._acknowledged), 200):
                rows = Api(http).get("/api/tests", projectId=PROJECT, limit=200, offset=offset)["data"]
                stored |= {row["id"] for row in rows}
            assert Api(http).get("/api/tests", projectId=PROJECT, limit=1)["total"] == len(stored)
        assert stored == self._acknowledged

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self._url, headers={"X-API-Key": KEY}, timeout=DEADLINE, trust_env=False)

    def _work(self, worker: int, keeps: bool) -> None:
        with self._client() as http:
            try:
                while not self._ends.wait(_PAUSE):
                    with ExitStack() as once:
                        self._try(Api(http if keeps else once.enter_context(self._client())), worker)
            except Exception as error:
                with self._grown:
                    self._failed.append(error)
                    self._grown.notify_all()

    def _try(self, api: Api, worker: int) -> None:
        body = api.test_body(self._run, f"test_{worker}")
        made = {api.new_test(self._run, f"test_{worker}")["id"], *(each["id"] for each in api.bulk([body] * 3))}
        api.get(f"/api/tests/{min(made)}/history", limit=5)
        with self._grown:
            self._acknowledged |= made
            self._grown.notify_all()


@contextmanager
def loading(url: str) -> Iterator[Load]:
    load = Load(url)
    try:
        yield load
    finally:
        load.end()


def test_servers_behind_a_balancer(folder: Path, cluster: Cluster) -> None:
    """Each is ended and started twice."""
    with ExitStack() as ending:
        settings = served_settings(folder, PostgresUrl(ending.enter_context(cluster.database())))
        servers, urls = [], []
        for _ in range(2):
            server, link = ending.enter_context(process(settings, "--drain=60"))
            servers.append(server)
            urls.append(link.partition("/?")[0])
        balancer = ending.enter_context(balancing(urls))
        load = ending.enter_context(loading(balancer.url))
        for number in (0, 1, 0, 1):
            balancer.wait_until(0, is_ready=True)
            balancer.wait_until(1, is_ready=True)
            load.wait_for_more()
            servers[number].terminate()
            balancer.wait_until(number, is_ready=False)
            servers[number].terminate()  # it need not wait any longer
            assert servers[number].wait(DEADLINE) == 0
            port = urls[number].rpartition(":")[2]
            servers[number], _ = ending.enter_context(process(settings, "--drain=60", f"--port={port}"))
        load.wait_for_more()
        load.check()


def test_workers_are_replaced(settings: Settings, tmp_path: Path) -> None:
    """All of them by new ones, unless a new one does not come up; and one that is killed."""
    add_user(settings, "jane@example.com", "Jane", "owner", "correct horse battery")
    with process(settings, "--workers=2") as (server, url), loading(url) as load:
        old = workers(server)
        with_store(settings, "UPDATE alembic_version SET version_num = '0999'")
        server.send_signal(signal.SIGHUP)
        wait_for(lambda: len(workers(server)) == 3, "a new worker was begun")
        wait_for(lambda: workers(server) == old, "it was gone, and the others were there")
        load.wait_for_more()
        with_store(settings, f"UPDATE alembic_version SET version_num = '{HEAD}'")
        server.send_signal(signal.SIGHUP)
        wait_for(lambda: len(workers(server) - old) == 2, "new workers were there")
        load.wait_for_more()
        wait_for(lambda: not workers(server) & old, "the old workers were gone")
        load.check()
        new = workers(server)
        os.kill(min(new), signal.SIGKILL)
        wait_for(lambda: len(workers(server) - new) == 1, "another took its place")
        last = workers(server)
        server.terminate()
        assert server.wait(DEADLINE) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in last)


def workers(server: subprocess.Popen[str]) -> set[int]:
    return {int(pid) for pid in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()}
