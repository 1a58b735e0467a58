"""A crash of PostgreSQL loses nothing that was acknowledged."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from end_to_end.waiting import wait_for
from platform_report_server import ids
from platform_report_server.settings import PostgresUrl
from server.postgres import Cluster, lacking, running
from server.support import DEADLINE, KEY, Api, served_settings, serving


@pytest.fixture
def data() -> Iterator[Path]:
    found = lacking()
    if found is not None:
        pytest.skip(found)
    data = Path(tempfile.mkdtemp(prefix="pg"))  # the path of a socket has to be short
    yield data
    shutil.rmtree(data)


def test_what_was_acknowledged_survives(data: Path, folder: Path) -> None:
    """The database is killed under load and started again: it has every result whose sender was answered."""
    made: list[str] = []
    with ExitStack() as database:

        def start() -> Cluster:
            return database.enter_context(running(data, signal.SIGQUIT, "synchronous_commit=on"))

        server = start()
        server.prepare()
        server.make("kept")
        settings = served_settings(folder, PostgresUrl(server.address("kept")))
        with (
            serving(settings) as url,
            httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=DEADLINE) as http,
            ThreadPoolExecutor(8) as pool,
        ):
            run = Api(http).new_run()
            body = Api(http).test_body(run)

            def send(_: int) -> None:
                while (answer := http.post("/api/tests", json=body)).status_code == 201:
                    made.append(answer.json()["id"])

            sending = [pool.submit(send, number) for number in range(8)]
            wait_for(lambda: len(made) > 200, "many results are stored")
            database.close()
            for each in sending:
                each.result(DEADLINE)
        stored = {seq for (seq,) in start().run("SELECT seq FROM result", "kept")}
    pairs = [ids.decode_pair("test", each) for each in made]
    assert stored >= {pair[1] for pair in pairs if pair is not None}
    assert len(pairs) > 200
