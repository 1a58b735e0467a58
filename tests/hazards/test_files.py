"""Journals, locks and folders: many writers, torn ends, names, costs, and places that cannot be written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import filelock
import pytest

from end_to_end.readback import read_run
from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for
from hazards.trying import Pair, needs_namespaces

_WAITS = """
    import threading, time
    from pathlib import Path

    HERE = Path(__file__).parent

    def test_before(): pass

    def test_waits():
        (HERE / "running").touch()
        while not (HERE / "go").exists():
            threading.Event().wait(0.01)

    def test_after(): pass
"""


@pytest.fixture
def project(pair: Pair) -> Project:
    """A project whose second test waits for a file."""
    pair.project.write("test_it.py", _WAITS)
    return pair.project


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """Start a session, and return it when its second test runs and its uploader has reported the first."""
    process = project.start(*arguments)
    wait_for((project.root / "running").exists, "the second test ran")
    wait_for(lambda: project.status().get("process"), "there was an uploader")
    return process


def stop_uploader(project: Project) -> int:
    """Let the uploader do nothing more, and return its process id."""
    pid = int(project.status()["process"]["pid"])
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_c63_many_writers(pair: Pair) -> None:
    """Sessions that write at the same time, large records, into one run folder."""
    for number in range(4):
        pair.project.write(
            f"test_{number}.py",
            "import pytest\n@pytest.mark.parametrize('n', range(25))\ndef test_it(n):\n    print('x' * 100_000)\n",
        )
    processes = [pair.project.start("--platform-run-key=one", f"test_{number}.py") for number in range(4)]
    for process in processes:
        ended = finish(process)
        assert "25 tests run, 25 acknowledged" in ended.out
    run = pair.read()
    assert run.outcomes == {f"test_{number} > test_it[{n}]": "passed" for number in range(4) for n in range(25)}
    assert all(test["stdout"] == "x" * 100_000 + "\n" for test in run.tests)
    assert len(list((pair.project.run_folder / "journal").iterdir())) == 4


def test_c64_c67_torn_end_and_a_lock_that_nobody_holds(pair: Pair, project: Project) -> None:
    process = start(project)
    uploader = stop_uploader(project)
    lock = (project.run_folder / "lock").stat().st_ino
    (project.root / "go").touch()
    (journal,) = (project.run_folder / "journal").iterdir()
    wait_for(lambda: b'"kind":"closed"' in journal.read_bytes(), "all tests had run")
    process.kill()
    finish(process)
    os.kill(uploader, signal.SIGKILL)
    wait_for(lambda: not project.uploader_lives(), "the uploader was gone")
    # What a kill in the middle of writing the last test's end leaves.
    content = journal.read_bytes()
    os.truncate(journal, content.rindex(b'"kind":"ended"') + 30)
    assert project.command("sync").exit in (0, 1)
    run = read_run(pair.target)
    assert run.outcomes == {
        "test_it > test_before": "passed",
        "test_it > test_waits": "passed",
        "test_it > test_after": "failed",
    }
    assert run.status == "cancelled"
    assert (project.run_folder / "lock").stat().st_ino == lock


def test_c65_what_a_test_costs(pair: Pair) -> None:
    """Four writes a test, and no wait for the disk."""
    pair.project.write(
        "early/sitecustomize.py",
        """
        import os
        COUNTS = {"write": 0, "fsync": 0, "fdatasync": 0}
        def count(name):
            real = getattr(os, name)
            def counted(*args):
                COUNTS[name] += 1
                return real(*args)
            setattr(os, name, counted)
        for name in COUNTS:
            count(name)
        """,
    )
    pair.project.environment["PYTHONPATH"] = str(pair.project.root / "early")
    pair.project.write(
        "test_it.py",
        """
        import sys
        import pytest

        COUNTS = sys.modules["sitecustomize"].COUNTS
        BEFORE = dict(COUNTS)

        @pytest.mark.parametrize("number", range(100))
        def test_it(number): pass

        def test_counts():
            assert COUNTS["fsync"] == COUNTS["fdatasync"] == 0
            assert 100 <= COUNTS["write"] - BEFORE["write"] <= 4 * 101 + 10
        """,
    )
    ended = pair.project.run()
    assert ended.exit == 0, ended.out
    assert len(pair.read().outcomes) == 101


def test_c70_what_is_imported(pair: Pair, workers: int) -> None:
    pair.write(
        "test_it.py",
        """
        import sys

        def test_it():
            heavy = {"httpx", "httpcore", "filelock", "msgspec", "sqlalchemy", "sqlite3", "starlette", "asyncio"}
            assert not heavy & set(sys.modules)

        def test_server():
            assert not [name for name in sys.modules if name.startswith("platform_report_server")]
        """,
    )
    run = pair.run(workers=workers)
    assert set(run.outcomes.values()) == {"passed"}


@pytest.mark.parametrize(
    "spool", ["/proc/nowhere/spool", "pytest.ini/spool"], ids=["C71-unwritable", "C71-under a file"]
)
def test_a_spool_that_cannot_be_made(pair: Pair, workers: int, tmp_path: Path, spool: str) -> None:
    spare = tmp_path / "spare"
    spare.mkdir()
    pair.project.environment["TMPDIR"] = str(spare)
    pair.write("test_it.py", "def test_it(): pass\n")
    reported = pair.project.run(f"--platform-spool={spool}", workers=workers)
    assert reported.exit == 0, reported.out
    assert f"the run is kept in {spare}" in reported.out
    (runs,) = spare.glob("platform-report-*/runs")
    (folder,) = runs.iterdir()
    assert "1 test run" in reported.out
    assert '"kind":"closed"' in "".join(journal.read_text() for journal in (folder / "journal").iterdir())
    pair.project.kill_uploader(folder)


@needs_namespaces
def test_c66_c74_containers(pair: Pair) -> None:
    """The same process ids each time, and an end that takes the uploader with it."""
    pair.project.under = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    pair.project.write("test_it.py", "def test_it(): pass\n")
    pair.project.environment.update(PLATFORM_RUN_KEY="one", PLATFORM_DETACH="1")
    for _ in range(2):
        assert pair.project.run().exit == 0
    pair.project.under = ()
    journals = list((pair.project.run_folder / "journal").iterdir())
    heads = [json.loads(journal.read_text().partition("\n")[0]) for journal in journals]
    assert len({head["process"]["pid"] for head in heads}) < len(heads) == 2
    assert pair.project.command("sync").exit == 0
    run = read_run(pair.target)
    assert {test["fullTitle"] for test in run.tests} == {"test_it > test_it"}
    assert run.status == "passed"


@needs_namespaces
def test_c71_read_only_file_system(pair: Pair, tmp_path: Path) -> None:
    spare = tmp_path / "spare"
    spare.mkdir()
    pair.project.environment["TMPDIR"] = str(spare)
    pair.project.write("test_it.py", "import os, pytest\ndef test_it():\n    assert not os.access('.', os.W_OK)\n")
    here = pair.project.root
    script = f'mount --bind {here} {here} && mount -o remount,ro,bind {here} && cd {here} && exec "$@"'
    pair.project.under = ("unshare", "--mount", "sh", "-c", script, "sh")
    ended = pair.project.run()
    assert ended.exit == 0, ended.out
    assert "Read-only file system" in ended.out
    assert f"the run is kept in {spare}" in ended.out
    (folder,) = spare.glob("platform-report-*/runs/*")
    pair.project.kill_uploader(folder)


_NO_LOCKS = """
#include <errno.h>
int flock(int fd, int operation) { errno = ENOLCK; return -1; }
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no compiler to make a system without locks with")
def test_c69_no_locks(pair: Pair, tmp_path: Path) -> None:
    """As on a network file system without a lock service."""
    if filelock.__version__.startswith("3."):
        pytest.skip("this filelock takes it for a lock that is held")
    (tmp_path / "locks.c").write_text(_NO_LOCKS)
    library = str(tmp_path / "locks.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, str(tmp_path / "locks.c")], check=True)
    pair.write("test_it.py", "def test_it(): pass\n")
    for project in (pair.project, pair.bare):
        project.environment["LD_PRELOAD"] = library
    pair.try_both()
    said = " ".join(pair.reported.out.split())
    assert "this file system cannot lock (No locks available): nothing is delivered from here" in said
    assert "1 test run, 0 acknowledged so far" in said
    synced = pair.project.command("sync")
    assert synced.exit != 0
    assert "cannot lock" in synced.out

    del pair.project.environment["LD_PRELOAD"]
    assert pair.project.command("sync").exit == 0
    assert read_run(pair.target).outcomes == {"test_it > test_it": "passed"}
