"""Tests that patch, break or exhaust the process that they run in: all results arrive nevertheless."""

from __future__ import annotations

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project

pytestmark = pytest.mark.uncovered

WORLDS = {
    "nothing left of json and os": """
        import builtins, json, os, time

        def broken(*args, **kwargs):
            raise RuntimeError("patched")

        def test_breaks():
            json.dumps = json.dump = json.JSONEncoder.encode = broken
            os.write = os.open = os.kill = os.urandom = broken
            time.sleep = time.time = broken
    """,
    "open never again": """
        import builtins

        def test_breaks(monkeypatch):
            monkeypatch.setattr(builtins, "open", None)
            assert open is None
    """,
    "no environment": """
        import os

        def test_breaks():
            os.environ.clear()
    """,
    "a directory that is gone": """
        import os, pathlib

        def test_breaks(tmp_path):
            gone = tmp_path / "gone"
            gone.mkdir()
            os.chdir(gone)
            gone.rmdir()
    """,
    "all descriptors closed": """
        import os

        def test_breaks():
            os.closerange(100, 2000)
    """,
    "a user's file where the journal was": """
        import os

        def test_breaks(tmp_path):
            os.closerange(100, 2000)
            mine = os.open(tmp_path / "mine", os.O_RDWR | os.O_CREAT)
            for number in range(100, 1000):
                os.dup2(mine, number)
            global FILE
            FILE = tmp_path / "mine"

        def test_after():
            assert FILE.read_bytes() == b""
    """,
    "no descriptors left": """
        import os, resource

        def test_breaks():
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (20, hard))
    """,
    "no waiting for children": """
        import os, signal, subprocess

        def test_breaks():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            subprocess.Popen = None
            os.posix_spawn = os.fork = os.waitpid = None
    """,
    "imports fail": """
        import builtins, sys

        def test_breaks():
            def refuse(name, *args, **kwargs):
                if "platform_report" in name:
                    raise ImportError(name)
                return real(name, *args, **kwargs)
            real, builtins.__import__ = builtins.__import__, refuse
            for name in [name for name in sys.modules if name.startswith("pytest_platform_report")]:
                del sys.modules[name]
    """,
    "a child that goes on as pytest": """
        import os, pytest

        def test_breaks(pytestconfig):
            child = os.fork()
            if child == 0:
                # It runs the rest of the session as well, and must not report it.
                return
            os.waitpid(child, 0)
    """,
    "hostile objects": """
        class Hostile:
            def __repr__(self): raise RuntimeError("repr")
            __str__ = __repr__
            def __eq__(self, other): return False
            def __bool__(self): raise ValueError("bool")

        class Quiet(Exception):
            def __str__(self): raise RuntimeError("str")

        def test_breaks():
            assert [Hostile()] == [Hostile()]

        def test_after():
            from pytest_platform_report import step
            try:
                with step("hide"):
                    raise Quiet(Hostile())
            except Quiet:
                pass
    """,
    "odd text": """
        import sys

        def test_breaks():
            sys.stdout.buffer.write(b"\\xff\\xfe broken\\n")
            print("lone \\ud800 surrogate, NUL \\0 and a bell \\a".encode("utf-8", "surrogatepass"))
    """,
}

_AFTER = """
    def test_after_all_fails():
        assert [1] == [2]

    def test_last(): pass
"""


@pytest.mark.parametrize("name", WORLDS)
def test_all_results_arrive(target: Target, project: Project, name: str) -> None:
    project.write("test_a_world.py", WORLDS[name])
    project.write("test_b_after.py", _AFTER)
    project.write("pytest.ini", "[pytest]\naddopts = -p no:faulthandler\n")
    project.run()
    project.wait_for_uploader()
    run = read_run(target)
    expected = {
        "test_a_world > test_breaks": "failed" if name == "hostile objects" else "passed",
        "test_b_after > test_after_all_fails": "failed",
        "test_b_after > test_last": "passed",
    }
    if "def test_after(" in WORLDS[name]:
        expected["test_a_world > test_after"] = "passed"
    assert run.outcomes == expected
    assert run.test("test_after_all_fails")["error"]["expected"] == "[2]"
    assert run.status == "failed"
    run.check_totals()


def test_tests_that_use_responses(target: Target, project: Project, workers: int) -> None:
    pytest.importorskip("responses")
    project.write(
        "test_it.py",
        f"""
        import pytest, requests, responses

        @pytest.mark.parametrize("number", range(5))
        @responses.activate
        def test_mocked(number):
            responses.get("{target.address}/api/runs", json={{"mocked": number}})
            assert requests.get("{target.address}/api/runs").json() == {{"mocked": number}}
            assert len(responses.calls) == 1

        def test_never_stopped():
            mock = responses.RequestsMock(assert_all_requests_are_fired=True)
            mock.start()
        """,
    )
    ended = project.run(workers=workers)
    assert ended.exit == 0, ended.out
    run = read_run(target)
    assert len(run.outcomes) == 6
    assert set(run.outcomes.values()) == {"passed"}


def test_a_session_notices_nothing_of_its_report(project: Project) -> None:
    """No child, no thread, no socket, one more descriptor, and that one high up."""
    project.write(
        "test_it.py",
        """
        import os, signal, threading

        import pytest

        def test_children():
            with pytest.raises(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)

        def test_threads():
            assert threading.enumerate() == [threading.main_thread()]

        @pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
        def test_descriptors():
            opened = {int(name): os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")
                      if os.path.exists(f"/proc/self/fd/{name}")}
            ours = [number for number, path in opened.items() if ".platform-report" in path]
            assert len(ours) == 1
            assert ours[0] >= 60
            assert not [path for path in opened.values() if path.startswith("socket:")]

        def test_signals():
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        """,
    )
    ended = project.run("-W", "error", "-p", "no:pytest_rerunfailures")
    assert ended.exit == 0, ended.out
