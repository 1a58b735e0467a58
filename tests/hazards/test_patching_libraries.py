"""Tests that use the libraries which patch the whole process: HTTP, sockets, clocks, files, threads."""

from __future__ import annotations

import time

from hazards.hazards import Hazard, Session
from hazards.trying import Pair, attempt, each

_RESPX = Hazard(
    "A2",
    "respx",
    """
    import httpx, pytest, respx

    @respx.mock
    def test_mocked():
        respx.post("http://platform.test/api/runs").respond(201, json={"id": "made up"})
        assert httpx.post("http://platform.test/api/runs").json() == {"id": "made up"}
        assert len(respx.calls) == 1

    def test_fixture(respx_mock):
        respx_mock.get(url__regex=".*").respond(500)
        assert httpx.get("http://platform.test/").status_code == 500

    def test_never_stopped():
        respx.start()

    def test_still_mocked():
        with pytest.raises(respx.models.AllMockedAssertionError):
            httpx.get("http://platform.test/")
    """,
    passed="test_mocked test_fixture test_never_stopped test_still_mocked",
    args=("-p", "respx.plugin"),
    needs=("respx",),
)

_HTTPX = Hazard(
    "A3",
    "pytest-httpx",
    """
    import httpx

    def test_sees_its_own_requests_only(httpx_mock):
        httpx_mock.add_response(json=[1])
        assert httpx.get("http://platform.test/").json() == [1]
        assert [str(each.url) for each in httpx_mock.get_requests()] == ["http://platform.test/"]

    def test_sees_no_request(httpx_mock):
        assert httpx_mock.get_requests() == []

    def test_fails(httpx_mock):
        httpx.get("http://platform.test/nobody-answers")
    """,
    passed="test_sees_its_own_requests_only test_sees_no_request",
    failed="test_fails",
    args=("-p", "pytest_httpx"),
    needs=("pytest_httpx",),
)

_RESPONSES = Hazard(
    "A4",
    "responses",
    """
    import requests, responses

    @responses.activate
    def test_mocked():
        responses.post("http://platform.test/api/tests", status=503)
        assert requests.post("http://platform.test/api/tests").status_code == 503
        assert len(responses.calls) == 1

    def test_never_stopped():
        responses.RequestsMock().start()
    """,
    passed="test_mocked test_never_stopped",
    needs=("responses", "requests"),
)

_SOCKET = Hazard(
    "A5",
    "pytest-socket",
    """
    import socket, threading
    import pytest
    from pytest_socket import SocketBlockedError

    @pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX], ids=["inet", "unix"])
    def test_blocked(family):
        with pytest.raises(SocketBlockedError):
            socket.socket(family)

    def test_blocked_in_threads():
        seen = []
        def look():
            try:
                socket.socket()
            except SocketBlockedError as error:
                seen.append(error)
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert len(seen) == 1

    def test_fails():
        socket.create_connection(("127.0.0.1", 9))
    """,
    passed="test_blocked[inet] test_blocked[unix] test_blocked_in_threads",
    failed="test_fails",
    args=("-p", "pytest_socket", "--disable-socket"),
    needs=("pytest_socket",),
)

_GEVENT = Hazard(
    "A6",
    "gevent",
    """
    def test_before(): pass

    def test_patches_all_for_good(recwarn):
        from gevent import monkey
        monkey.patch_all()

    def test_greenlets():
        import gevent, time
        done = [gevent.spawn(time.sleep, 0.001) for _ in range(3)]
        gevent.joinall(done, raise_error=True)

    def test_fails():
        import threading
        event = threading.Event()
        assert event.wait(0.001)
    """,
    passed="test_before test_patches_all_for_good test_greenlets",
    failed="test_fails",
    needs=("gevent",),
)

_FILES = Hazard(
    "A9",
    "pyfakefs",
    """
    import os
    from pathlib import Path

    def test_fake(fs):
        fs.create_file("/made/up.txt", contents="fake")
        assert Path("/made/up.txt").read_text() == "fake"
        assert os.listdir("/made") == ["up.txt"]
        assert not os.path.exists(__file__)

    def test_fake_descriptors(fs):
        fd = os.open("/made.txt", os.O_CREAT | os.O_WRONLY)
        assert os.write(fd, b"12345") == 5
        os.close(fd)
        assert os.stat("/made.txt").st_size == 5

    def test_fails(fs):
        assert Path("/etc").exists()

    def test_never_undone():
        from pyfakefs.fake_filesystem_unittest import Patcher
        Patcher().setUp()
        assert not os.path.exists("/etc")
    """,
    passed="test_fake test_fake_descriptors test_never_undone",
    failed="test_fails",
    args=("-p", "pyfakefs.pytest_plugin"),
    needs=("pyfakefs",),
)

SESSIONS = (
    Session((_RESPX, _HTTPX, _RESPONSES, _SOCKET)),
    # A worker of xdist waits for its items in a way that gevent, once it has patched, calls a deadlock.
    Session((_GEVENT,), xdist="without"),
    Session((_FILES,)),
)

_FREEZEGUN = Hazard(
    "A7",
    "freezegun",
    """
    import time
    from datetime import date
    from freezegun import freeze_time

    @freeze_time("2020-02-29")
    def test_frozen():
        assert date.today() == date(2020, 2, 29)

    def test_travels():
        with freeze_time("1999-12-31") as frozen:
            frozen.tick(3600 * 24 * 365)
            assert time.gmtime().tm_year == 2000

    def test_thaws_in_its_middle():
        freezer = freeze_time("1970-01-02")
        freezer.start()
        frozen = time.time()
        freezer.stop()
        assert time.time() - frozen > 10**9

    def test_never_thawed():
        freeze_time("2035-01-01").start()

    def test_fails():
        assert time.gmtime().tm_year < 2035
    """,
    passed="test_frozen test_travels test_thaws_in_its_middle test_never_thawed",
    failed="test_fails",
    needs=("freezegun",),
)

_TIME_MACHINE = Hazard(
    "A8",
    "time-machine",
    """
    import time
    import time_machine

    @time_machine.travel(0, tick=False)
    def test_frozen():
        assert time.time() == 0.0
        assert time.clock_gettime(time.CLOCK_REALTIME) == 0.0

    def test_shifts():
        with time_machine.travel(10**9) as traveller:
            traveller.shift(-10**8)
            assert time.time_ns() // 10**17 == 9

    def test_never_comes_back():
        time_machine.travel(2 * 10**9).start()

    def test_fails():
        assert time.time() < 2 * 10**9
    """,
    passed="test_frozen test_shifts test_never_comes_back",
    failed="test_fails",
    needs=("time_machine",),
)


@each(SESSIONS)
def test_patched_by_libraries(session: Session, workers: int, pair: Pair) -> None:
    attempt(session, workers, pair)


@each([Session((_FREEZEGUN,)), Session((_TIME_MACHINE,))])
def test_clocks(session: Session, workers: int, pair: Pair) -> None:
    begun = time.monotonic()
    run = attempt(session, workers, pair)
    elapsed = (time.monotonic() - begun) * 1000
    durations = [run.fields["duration"], *(test["duration"] for test in run.tests)]
    assert all(0 <= duration <= elapsed for duration in durations), durations
