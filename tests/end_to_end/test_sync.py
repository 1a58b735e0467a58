"""``platform-report sync``: what it delivers, foretells, keeps and deletes; and what a later session delivers."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Server, Target
from end_to_end.readback import read_run, read_runs
from end_to_end.sessions import Project, finish
from end_to_end.test_deaths import start_and_wait
from end_to_end.waiting import wait_for

pytestmark = pytest.mark.uncovered

_ALWAYS = 10**6
_REFUSAL = b'{"error": {"code": "VALIDATION_ERROR", "message": "not on a Sunday"}}'

_SUITE = """
    import pytest

    from pytest_platform_report import attach

    @pytest.mark.parametrize("number", range(3))
    def test_it(number):
        if number == 0:
            attach(b"\\x89PNG\\r\\n\\x1a\\n", name="cup.png")
"""

_ON_A_TERMINAL = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"


def refuse_all(target: Target) -> None:
    target.will(Fault("answer", "", times=_ALWAYS, status=401))


def leave_behind(target: Target, project: Project, *keys: str) -> None:
    """Run a session of which nothing arrives, and be left with a run folder of its by each of these run keys."""
    project.write("test_it.py", _SUITE)
    refuse_all(target)
    first = project.spool / "runs" / keys[0]
    assert project.run(f"--platform-run-key={keys[0]}").exit == 0
    project.wait_for_uploader(first)
    for key in keys[1:]:
        # But for the record, which says by what a run is found again on the platform: by the first one's folder.
        shutil.copytree(first, first.with_name(key), ignore=shutil.ignore_patterns("delivery.sqlite*"))
    target.gate.reset()


def age(folder: Path, days: float) -> None:
    """Let a run's last record be of so many days ago."""
    moment = time.time() - days * 86400
    for path in (folder / "journal").iterdir():
        os.utime(path, (moment, moment))


def test_one_run_or_all_of_them(target: Target, project: Project) -> None:
    leave_behind(target, project, "one", "two")
    runs = project.spool / "runs"
    files = {path: path.stat().st_mtime_ns for path in runs.rglob("*")}
    foretold = project.command("sync", "--dry-run")
    where = f"{target.address}, project {target.project}"
    assert foretold.exit == 0
    assert set(foretold.out.splitlines()) == {f"{key}: 3 tests and 1 file to send to {where}" for key in ("one", "two")}
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*")} == files
    here = project.environment
    project.environment = {**here, "PLATFORM_URL": "http://platform.example"}
    of_another = project.command("sync")
    project.environment = here
    assert of_another.exit == 1
    assert of_another.out.count("the API key found is that of http://platform.example/api") == 2
    assert target.gate.requests == []

    assert "✓ one: 3 tests, 3 acknowledged" in project.command("sync", "one").out
    run = read_run(target)
    assert (run.status, len(run.tests), len(run.artifacts)) == ("passed", 3, 1)
    by_id = project.command("sync", run.id)
    assert (by_id.exit, by_id.out.count("acknowledged")) == (0, 1)
    project.under = (sys.executable, "-c", _ON_A_TERMINAL)
    by_path = project.command("sync", ".platform-report/runs/two/")
    assert by_path.exit == 0
    assert "[########################] 3 of 3 tests  two" in by_path.out
    assert len(read_runs(target)) == 2


def test_what_is_deleted_and_what_is_kept(target: Target, project: Project) -> None:
    runs = project.spool / "runs"
    leave_behind(target, project, "delivered", "refused", "young")
    target.will(Fault("answer", path="/api/tests/bulk", times=4, status=400, body=_REFUSAL))
    refused = project.command("sync", "refused")
    assert refused.exit == 1
    assert "✗ refused: 3 tests, 0 acknowledged, 3 refused" in refused.out
    assert refused.out.count("not on a Sunday") == 3

    live = start_and_wait(project, "--platform-run-key=live", "test_it.py")
    for key, days in {"delivered": 8, "refused": 8, "live": 8, "young": 6}.items():
        age(runs / key, days)
    told = project.command("sync")
    assert told.exit == 1
    assert "✓ delivered: 3 tests, 3 acknowledged" in told.out
    assert told.out.count("  deleted: ") == 1
    assert "… live: its session still runs, and is delivering it" in told.out
    assert told.out.count("not on a Sunday") == 3
    assert {path.name for path in project.run_folders} == {"refused", "live", "young"}
    live.kill()
    finish(live)
    project.wait_for_uploader(runs / "live")

    foretold = project.command("sync", "--dry-run", "--keep=5").out
    assert "refused: nothing to send; 4 refused\n" in foretold
    assert "young: nothing to send; to be deleted\n" in foretold
    again = project.command("sync", "--retry-refused", "--keep=5", "refused", "young")
    assert again.exit == 0
    assert "✓ refused: 3 tests, 3 acknowledged" in again.out
    assert {path.name for path in project.run_folders} == {"live"}
    assert sorted(len(run.tests) for run in read_runs(target)) == [3, 3, 3, 3]
    assert all(len(run.artifacts) == 1 for run in read_runs(target) if run.status == "passed")


@pytest.mark.parametrize("target", ["served", "plain"], indirect=True)
def test_a_killed_sync(target: Target, project: Project) -> None:
    leave_behind(target, project, "one")
    target.will(Fault("held", "POST", "/api/tests/bulk" if target.kind == "served" else "/api/tests"))
    killed = project.start_command("sync")
    wait_for(target.gate.is_held.is_set, "tests were on their way")
    killed.send_signal(signal.SIGKILL)
    finish(killed)
    target.gate.release()
    synced = project.command("sync")
    assert synced.exit == 0
    run = read_run(target)
    assert (len(run.outcomes), run.status) == (3, "passed")
    assert len(run.artifacts) == 1
    run.check_totals()


def test_waits_for_a_detached_uploader(target: Target, project: Project) -> None:
    project.write("test_it.py", _SUITE)
    target.will(Fault("held", "POST", "/api/runs"))
    assert project.run("--platform-detach").exit == 0
    wait_for(target.gate.is_held.is_set, "the run was on its way")
    syncing = project.start_command("sync")
    target.gate.release()
    synced = finish(syncing)
    assert synced.exit == 0
    assert "3 tests, 3 acknowledged" in synced.out
    assert len(read_run(target).outcomes) == 3


def test_the_next_session_delivers_what_is_left(target: Target, project: Project, servers: dict[str, Server]) -> None:
    leave_behind(target, project, "first", "second")
    other = servers["served"].target()
    project.environment.update(other.environment)
    project.run("--platform-run-key=elsewhere")
    project.wait_for_uploader(project.spool / "runs" / "elsewhere")
    assert read_runs(target) == []  # the key is not for there

    project.environment.update(target.environment)
    ended = project.run("--platform-run-key=third")
    assert "3 tests run, 3 acknowledged\n" in ended.out
    project.wait_for_uploader(project.spool / "runs" / "third")
    assert [len(run.outcomes) for run in read_runs(target)] == [3, 3, 3]
    assert len(read_run(other).outcomes) == 3
