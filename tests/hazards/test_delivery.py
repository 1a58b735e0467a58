"""On the way to the platform: connections that are closed early, odd settings of the network, odd names of files."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.waiting import wait_for
from hazards.trying import Pair
from platform_report_server.app import create_app
from platform_report_server.settings import Settings

_KEY = "the-key-of-an-impatient-platform"


@contextmanager
def impatient_platform(folder: Path) -> Iterator[Target]:
    """Serve a platform that closes each connection as soon as it has answered.

    To be read back when it is closed, from its folder: the tests' own client is not up to it either.
    """
    app = create_app(Settings.served(folder, {"proj_1": _KEY}))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_keep_alive=0))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            wait_for(lambda: server.started, "the server was up")
            environment = {"PLATFORM_URL": address, "PLATFORM_PROJECT": "proj_1", "PLATFORM_API_KEY": _KEY}
            yield Target("embedded", folder, "proj_1", _KEY, environment=environment)
        finally:
            server.should_exit = True
            thread.join()


def test_d85_connections_that_are_closed_when_idle(pair: Pair, workers: int, tmp_path: Path) -> None:
    pair.project.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.parametrize("number", range(40))
        def test_it(number): pass
        """,
    )
    with impatient_platform(tmp_path / "platform") as target:
        pair.project.environment.update(target.environment)
        ended = pair.project.run(workers=workers)
    assert "40 tests run, 40 acknowledged" in ended.out, ended.out
    run = read_run(target)
    assert run.outcomes == {f"test_it > test_it[{number}]": "passed" for number in range(40)}
    run.check_totals()


ODD_NETWORK = {
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "nonsense://",
    "NO_PROXY": "fe80::/10,*.test",
    "SSL_CERT_FILE": "/nowhere/ca.pem",
}


@pytest.mark.embedded
def test_d88_odd_settings_of_the_network(pair: Pair) -> None:
    """They keep HTTP clients from being made, and are no matter where there is no network."""
    pair.project.write("test_it.py", "def test_it(): pass\n")
    pair.project.environment.update(ODD_NETWORK)
    assert pair.project.run().exit == 0
    assert pair.read().outcomes == {"test_it > test_it": "passed"}


@pytest.mark.parametrize("name", [name for name in ODD_NETWORK if name != "HTTP_PROXY"], ids=lambda name: f"D88-{name}")
def test_a_client_that_cannot_be_made(pair: Pair, tmp_path: Path, name: str) -> None:
    if name == "SSL_CERT_FILE" and httpx.__version__.startswith("0.27."):
        pytest.skip("this httpx passes over a file that is not there")
    pair.project.write("test_it.py", "def test_it(): pass\n")
    with impatient_platform(tmp_path / "platform") as target:
        # No platform without TLS needs certificates, but a proxy with it does.
        odd = {"HTTPS_PROXY": "https://127.0.0.1:9"} if name == "SSL_CERT_FILE" else {}
        odd[name] = ODD_NETWORK[name]
        pair.project.environment.update({**target.environment, **odd})
        ended = pair.project.run()
        assert ended.exit == 0, ended.out
        assert "no HTTP client can be made" in ended.out
        for variable in odd:
            del pair.project.environment[variable]
        assert pair.project.command("sync").exit == 0
    assert read_run(target).outcomes == {"test_it > test_it": "passed"}


def test_d94_names_of_files(pair: Pair, workers: int) -> None:
    pair.project.write(
        "test_it.py",
        """
        import pytest

        NAMES = ["lone \\udce4.txt", "nul \\0.txt", "line\\nbreak.txt", "../../up.txt", 'a ".txt', "é漢.txt", "n" * 300]

        @pytest.mark.parametrize("number", range(len(NAMES)))
        def test_it(number, platform_report):
            platform_report.attach(b"content %d" % number, name=NAMES[number])
        """,
    )
    ended = pair.project.run(workers=workers)
    assert ended.exit == 0, ended.out
    run = pair.read()
    assert set(run.outcomes.values()) == {"passed"}
    assert {run.content(artifact["fileName"]) for artifact in run.artifacts} == {b"content %d" % n for n in range(7)}
    assert "7 tests run, 7 acknowledged" in ended.out
