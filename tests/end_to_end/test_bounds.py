"""A platform that keeps a session waiting: it delays its end by the drain timeout at most, its start by nothing."""

from __future__ import annotations

import signal

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for

pytestmark = pytest.mark.uncovered

_ALWAYS = 10**6
_SUITE = "def test_one(): pass\ndef test_two(): pass\n"
_WAITS = """
    import threading
    from pathlib import Path

    def test_one(): pass

    def test_two():
        while not (Path(__file__).parent / "go").exists():
            threading.Event().wait(0.01)
"""

FAULTS = {
    "never answers": Fault("held", "", times=_ALWAYS),
    "trickles": Fault("trickle", "", times=_ALWAYS),
    "redirects in a circle": Fault("answer", "", times=_ALWAYS, status=307, headers={"location": "/api/runs"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_session_ends(target: Target, project: Project, name: str) -> None:
    project.write("test_it.py", _SUITE)
    target.will(FAULTS[name])
    ended = project.run("--platform-drain-timeout=1")  # and the platform still does what it did at the start
    assert ended.exit == 0
    assert "2 passed" in ended.out
    assert "2 tests run, 0 acknowledged" in ended.out
    assert "'platform-report sync' delivers it" in ended.out
    project.kill_uploader()
    target.gate.reset()
    assert project.command("sync").exit == 0
    run = read_run(target)
    assert len(run.outcomes) == 2
    run.check_totals()


def test_ctrl_c_ends_the_wait(target: Target, project: Project) -> None:
    project.write("test_it.py", _SUITE)
    project.write("conftest.py", "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n")
    target.will(Fault("held", "POST", "/api/tests/bulk"))
    process = project.start("--platform-drain-timeout=600")
    wait_for(target.gate.is_held.is_set, "tests were on their way")
    (journal,) = (project.run_folder / "journal").iterdir()
    wait_for(lambda: b'"kind":"closed"' in journal.read_bytes(), "the session was over but for the delivery")
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.exit == 0
    assert "2 tests run, 0 acknowledged so far" in ended.out
    assert "'platform-report sync' delivers it" in ended.out
    project.kill_uploader()
    target.gate.release()
    assert project.command("sync").exit == 0
    assert len(read_run(target).outcomes) == 2


@pytest.mark.parametrize("target", ["plain"], indirect=True)  # others have a PATCH at the run's beginning too
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/tests"), ("PATCH", "")], ids=["a test", "the end"])
def test_an_uploader_does_not_outlive_its_deadline(target: Target, project: Project, method: str, path: str) -> None:
    project.write("test_it.py", _WAITS)
    target.will(Fault("held", method, path))
    session = project.start("--platform-drain-timeout=1")
    if path:
        wait_for(target.gate.is_held.is_set, "a request was under way before the run's end")
    (project.root / "go").touch()
    assert finish(session).exit == 0
    wait_for(target.gate.is_held.is_set, "the last request was on its way")
    wait_for(lambda: not project.uploader_lives(), "the uploader was gone, with its last request unanswered")
    assert project.status()["state"] == "delivering", "it did not wait for that request's own end"
    target.gate.release()
    synced = project.command("sync")
    assert synced.exit == 0, synced.out
    run = read_run(target)
    assert (len(run.outcomes), run.status) == (2, "passed")
