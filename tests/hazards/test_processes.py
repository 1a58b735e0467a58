"""The uploader's process: what reaches it, what does not, and what it outlives."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from end_to_end.sessions import finish
from end_to_end.waiting import wait_for
from hazards.test_files import _WAITS, start, stop_uploader
from hazards.trying import Pair

_OWN_INTERRUPT = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


def test_c72_an_uploader_holds_no_pipe(pair: Pair) -> None:
    pair.project.write("test_it.py", _WAITS)
    process = start(pair.project, "--platform-detach")
    uploader = stop_uploader(pair.project)
    (pair.project.root / "go").touch()
    assert finish(process).exit == 0  # reads its output up to the end
    assert pair.project.uploader_lives()
    os.kill(uploader, signal.SIGCONT)
    assert len(pair.read().tests) == 3


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"], ids=lambda name: f"C73-{name}")
def test_signals_to_the_group(pair: Pair, name: str) -> None:
    pair.project.write("test_it.py", _WAITS)
    pair.project.write("conftest.py", _OWN_INTERRUPT)
    process = start(pair.project)
    os.killpg(process.pid, getattr(signal, name))
    finish(process)
    run = pair.read()
    assert run.outcomes["test_it > test_before"] == "passed"
    assert run.outcomes["test_it > test_waits"] == ("failed" if name == "SIGKILL" else "skipped")
    assert len(run.tests) == 2
    assert run.status == "cancelled"
    run.check_totals()


def test_c75_ctrl_c_twice(pair: Pair) -> None:
    pair.project.write("test_it.py", _WAITS)
    pair.project.write("conftest.py", _OWN_INTERRUPT)
    process = start(pair.project)
    uploader = stop_uploader(pair.project)
    process.send_signal(signal.SIGINT)
    (journal,) = (pair.project.run_folder / "journal").iterdir()
    wait_for(lambda: b'"kind":"closed"' in journal.read_bytes(), "the session was over but for the delivery")
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.exit == 2, ended.out
    assert "1 passed in" in ended.out
    assert "'platform-report sync' delivers it" in ended.out
    os.kill(uploader, signal.SIGCONT)
    assert pair.read().status == "cancelled"


def test_c76_a_child_that_lives_on(pair: Pair) -> None:
    """It holds all that its parent had open, and is not its parent."""
    pair.project.write(
        "test_it.py",
        """
        import os, signal, threading
        from pathlib import Path

        def test_forks():
            pid = os.fork()
            if pid == 0:
                os.setsid()
                os.dup2(os.open(os.devnull, os.O_RDWR), 1)
                os.dup2(1, 2)
                os.closerange(3, 20)
                threading.Event().wait(600)
            Path(__file__).with_name("child").write_text(str(pid))

        def test_dies():
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    process = pair.project.start("--capture=sys")
    process.wait()
    child = int((pair.project.root / "child").read_text())
    try:
        run = pair.read()
    finally:
        os.kill(child, signal.SIGKILL)
        finish(process)
    assert run.outcomes == {"test_it > test_forks": "passed", "test_it > test_dies": "failed"}


def test_c77_a_shard_that_comes_late(pair: Pair) -> None:
    pair.project.write("test_one.py", "def test_it(): pass\n")
    pair.project.write("test_two.py", "def test_it(): assert 0\n")
    assert pair.project.run("--platform-run-key=one", "test_one.py").exit == 0
    assert pair.project.run("--platform-run-key=one", "test_two.py").exit == 1
    run = pair.read()
    assert run.outcomes == {"test_one > test_it": "passed", "test_two > test_it": "failed"}
    assert run.status == "failed"


def test_c78_what_an_interpreter_is_led_astray_by(pair: Pair) -> None:
    for name in ("httpx", "filelock", "sqlalchemy", "starlette", "anyio", "msgspec", "platform_report_server"):
        pair.write(f"{name}.py", "raise RuntimeError('somebody else')\n")
    pair.write(
        "early/sitecustomize.py",
        """
        import sys
        from pathlib import Path
        with Path(__file__).with_name("started").open("a") as file:
            print(sys.orig_argv, file=file)
        """,
    )
    pair.write("test_it.py", "def test_it(): pass\n")
    for project in (pair.project, pair.bare):
        path = os.pathsep.join([str(project.root), str(project.root / "early")])
        project.environment.update(PYTHONPATH=path, PYTHONOPTIMIZE="2", PYTHONSTARTUP="/nowhere")
    run = pair.run()
    assert run.outcomes == {"test_it > test_it": "passed"}
    started = (pair.project.root / "early" / "started").read_text().splitlines()
    assert len(started) == 1
    assert "pytest" in started[0]


@pytest.mark.parametrize(
    "change",
    ["sys.executable = ''", "sys.executable = None", "sys.frozen = True"],
    ids=["C79-empty", "C79-none", "C79-frozen"],
)
def test_no_interpreter_to_start(pair: Pair, change: str) -> None:
    pair.write("embedding.py", f"import sys\n{change}\n")
    pair.write("test_it.py", "def test_it(): pass\n")
    pair.try_both("-p", "embedding")
    assert pair.reported.exit == 0
    assert "this Python cannot start an uploader" in pair.reported.out
    assert "'platform-report sync' delivers it" in pair.reported.out
    assert pair.project.command("sync").exit == 0
    assert pair.read().outcomes == {"test_it > test_it": "passed"}


def test_c80_secrets_reach_no_process(pair: Pair) -> None:
    key = "a-key-that-is-secret"
    pair.project.write("key.txt", f"{key}\n")
    pair.project.write("test_it.py", _WAITS)
    pair.project.write(
        "test_env.py",
        f"import subprocess\ndef test_env():\n    assert {key!r} not in subprocess.getoutput('env')\n",
    )
    process = start(pair.project, "--platform-api-key-file=key.txt")
    for pid in (process.pid, pair.project.status()["process"]["pid"]):
        assert key.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    (pair.project.root / "go").touch()
    ended = finish(process)
    assert ended.exit == 0, ended.out
    assert len(pair.read().tests) == 4
    for path in pair.project.run_folder.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes()


def test_c81_nobody_reads_the_output(pair: Pair) -> None:
    pair.project.write("test_it.py", _WAITS)
    process = start(pair.project, "-v")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    (pair.project.root / "go").touch()
    process.wait()
    run = pair.read()
    assert run.outcomes["test_it > test_before"] == "passed"
    assert set(run.outcomes) <= {f"test_it > test_{name}" for name in ("before", "waits", "after")}
    assert len(run.tests) >= 2
    run.check_totals()
