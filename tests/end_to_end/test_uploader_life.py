"""What an uploader and its session live through: no memory, no spool, a machine that sleeps, a clock that is set."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import Run, read_run
from end_to_end.sessions import Project, finish
from end_to_end.waiting import DEADLINE, wait_for
from pytest_platform_report.locking import hold

pytestmark = pytest.mark.uncovered

_WAITS = """
    import threading
    from pathlib import Path

    from pytest_platform_report import attach

    HERE = Path(__file__).parent

    def test_before():
        attach(b"\\x89PNG\\r\\n\\x1a\\n", name="cup.png")

    def test_waits():
        (HERE / "running").touch()
        while not (HERE / "go").exists():
            threading.Event().wait(0.01)

    def test_fails():
        assert 0
"""

_DELETES = """
    import shutil, threading
    from pathlib import Path

    import pytest

    SPOOL = Path(__file__).parent / ".platform-report"

    @pytest.mark.parametrize("number", range(3))
    def test_before(number): pass

    def test_deletes():
        while "acknowledged" not in "".join(path.read_text() for path in SPOOL.glob("runs/*/status.json")):
            threading.Event().wait(0.01)
        shutil.rmtree(SPOOL)

    @pytest.mark.parametrize("number", range(3))
    def test_after(number): pass

    def test_fails():
        assert 0
"""

_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long offset(void) {
    long seconds = 0;
    FILE *file = fopen(getenv("CLOCK_OFFSET_IN"), "r");
    if (file) {
        if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += offset();
    return result;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """Start a session, and return it when its second test runs and it has an uploader."""
    project.write("test_it.py", _WAITS)
    process = project.start(*arguments)
    wait_for((project.root / "running").exists, "the second test ran")
    wait_for(lambda: project.status().get("process"), "there was an uploader")
    return process


def go_on(project: Project) -> None:
    (project.root / "go").touch()


def check(target: Target) -> Run:
    run = read_run(target)
    assert run.outcomes == {
        "test_it > test_before": "passed",
        "test_it > test_waits": "passed",
        "test_it > test_fails": "failed",
    }
    assert run.status == "failed"
    run.check_totals()
    return run


def test_an_uploader_without_memory(target: Target, project: Project) -> None:
    target.will(Fault("held", "POST", "/api/runs"))
    project.environment["MALLOC_ARENA_MAX"] = "1"  # a second one would have 64 MB in store
    project.write(
        "test_large.py",
        """
        import pytest

        @pytest.mark.parametrize("number", range(30))
        def test_it(number):
            print(number, "x" * 120_000)
        """,
    )
    process = start(project)
    wait_for(target.gate.is_held.is_set, "the run was on its way")
    go_on(project)
    (journal,) = (project.run_folder / "journal").iterdir()
    wait_for(lambda: b'"kind":"closed"' in journal.read_bytes(), "all tests had run")
    uploader = project.status()["process"]["pid"]
    assert os.getpriority(os.PRIO_PROCESS, uploader) > os.getpriority(os.PRIO_PROCESS, process.pid)
    resource.prlimit(uploader, resource.RLIMIT_AS, (1, 1))
    target.gate.release()
    ended = finish(process)
    assert ended.exit == 1
    assert "33 tests run, 33 acknowledged\n" in ended.out, ended.out
    run = read_run(target)
    assert (len(run.outcomes), len(run.artifacts), run.status) == (33, 1, "failed")
    run.check_totals()


@pytest.mark.parametrize("detached", [False, True], ids=["waits", "detached"])
def test_a_killed_uploader(target: Target, project: Project, detached: bool) -> None:
    """The session starts another one at its end."""
    process = start(project, *(["--platform-detach"] if detached else []))
    project.kill_uploader()
    go_on(project)
    ended = finish(process)
    assert "3 tests run, " in ended.out, ended.out
    assert "ended early" not in ended.out
    assert detached or "3 acknowledged\n" in ended.out, ended.out
    project.wait_for_uploader()
    check(target)


@pytest.mark.parametrize("target", ["embedded"], indirect=True)
def test_an_uploader_without_a_shell_and_with_few_descriptors(target: Target, project: Project) -> None:
    """The session starts it by itself, without what would tell it of the session's end, and rings when it is over."""
    project.write(
        "conftest.py",
        """
        from pytest_platform_report.plugin import launch

        launch._SHELL, launch._HELD_FROM = "/nowhere/sh", 10**7
        """,
    )
    process = start(project)
    uploader = project.status()["process"]["pid"]
    assert os.getsid(uploader) != os.getsid(process.pid)
    os.kill(uploader, signal.SIGSTOP)
    go_on(project)
    wait_for(lambda: signal.SIGURG in pending(uploader), "the session had rung")
    os.kill(uploader, signal.SIGCONT)
    assert "3 tests run, 3 acknowledged\n" in finish(process).out
    check(target)


def test_a_killed_uploader_that_holds_the_lock_for_a_while(target: Target, project: Project) -> None:
    """Threads of it may live on when it counts as dead: the next one waits for them."""
    process = start(project)
    project.kill_uploader()
    with hold(project.run_folder / "lock", DEADLINE):
        go_on(project)
        wait_for(lambda: is_running(f"uploader.main*{project.run_folder}"), "there was another uploader")
        time.sleep(0.5)  # longer than it takes one to leave that finds the lock held
    assert "3 tests run, 3 acknowledged\n" in finish(process).out
    check(target)


def test_two_killed_uploaders(target: Target, project: Project) -> None:
    process = start(project)
    first = project.status()["process"]
    project.kill_uploader()
    target.will(Fault("held", "", times=10**6))
    go_on(project)
    wait_for(lambda: project.status()["process"] != first, "there was another uploader")
    project.kill_uploader()
    ended = finish(process)
    assert "the uploader ended early" in ended.out, ended.out
    assert "'platform-report sync' delivers it" in ended.out
    target.gate.reset()
    assert project.command("sync").exit == 0
    check(target)


@pytest.mark.parametrize("target", ["embedded", "plain"], indirect=True)
def test_a_spool_that_a_test_deletes(target: Target, project: Project) -> None:
    project.write("test_it.py", _DELETES)
    workers = 2 if target.kind == "embedded" else 0
    ended = project.run(workers=workers)
    assert ended.exit == 1
    assert f"{project.run_folder} was deleted or moved away while the session ran" in ended.out
    assert "8 tests run, 8 acknowledged\n" in ended.out, ended.out
    project.wait_for_uploader()
    run = read_run(target)
    assert len(run.outcomes) == 8
    assert run.status == "failed"
    run.check_totals()


def test_a_spool_that_is_moved_away_with_its_uploader_killed(target: Target, project: Project) -> None:
    """What has been delivered is not known any more, so that all is looked up."""
    process = start(project)
    wait_for(lambda: "acknowledged" in str(project.status()), "the first test had arrived")
    wait_for(lambda: target.gate.count("POST", "/api/upload"), "its file had arrived")
    project.kill_uploader()
    project.spool.rename(project.root / "elsewhere")
    go_on(project)
    ended = finish(process)
    assert "3 tests run, 3 acknowledged\n" in ended.out, ended.out
    check(target)
    assert target.gate.count("POST", "/api/runs") == 1


def test_a_spool_that_cannot_be_made_again(target: Target, project: Project) -> None:
    spare = project.root / "spare"
    spare.mkdir()
    project.environment["TMPDIR"] = str(spare)
    process = start(project)
    shutil.rmtree(project.spool)
    project.spool.write_text("in the way")
    go_on(project)
    ended = finish(process)
    (folder,) = spare.glob("platform-report-*/runs/*")
    assert f"it has been written anew as {folder}" in ended.out, ended.out
    assert "3 tests run, 3 acknowledged\n" in ended.out
    project.kill_uploader(folder)
    check(target)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no compiler to make a clock with that can be set")
def test_a_machine_that_sleeps_and_a_clock_that_is_set_back(target: Target, project: Project) -> None:
    """Silence is no verdict, and no deadline is told by the time of day."""
    (project.root / "clock.c").write_text(_CLOCK)
    library = str(project.root / "clock.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, str(project.root / "clock.c"), "-ldl"], check=True)
    offset = project.root / "offset"
    project.environment.update(LD_PRELOAD=library, CLOCK_OFFSET_IN=str(offset))
    target.will(Fault("answer", "POST", "/api/tests/bulk", times=2, status=503, headers={"retry-after": "0.5"}))
    process = start(project)
    sleepers = [process.pid, project.status()["process"]["pid"]]
    for pid in sleepers:
        os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: all(state_of(pid) == "T" for pid in sleepers), "both slept")
    offset.write_text("100000")
    for pid in reversed(sleepers):
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: project.status()["totals"]["passed"], "the uploader had gone on")
    offset.write_text("-100000")
    go_on(project)
    ended = finish(process)
    assert "3 tests run, 3 acknowledged\n" in ended.out, ended.out
    run = check(target)
    assert 0 <= run.fields["duration"] < 120_000
    assert all(0 <= test["duration"] < 120_000 for test in run.tests)


def is_running(pattern: str) -> bool:
    """Tell whether there is a process in whose command this occurs."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if fnmatchcase(path.read_text(errors="replace"), f"*{pattern}*"):
                return True
    return False


def pending(pid: int) -> set[int]:
    found = re.search(r"^ShdPnd:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return {number for number in range(1, 65) if found and int(found[1], 16) >> (number - 1) & 1}


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
