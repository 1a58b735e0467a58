"""Sessions that do not come to their end: killed, crashed, interrupted."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import own_steps, read_run
from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for

pytestmark = pytest.mark.uncovered

# Older kernels do not tell who is no parent how a process ended.
_KERNEL = tuple(int(part) for part in os.uname().release.split(".")[:2]) if hasattr(os, "uname") else (0, 0)
KERNEL_TELLS = _KERNEL >= (6, 15)
needs_telling_kernel = pytest.mark.skipif(not KERNEL_TELLS, reason="this kernel does not tell how a process ended")

_SUITE = """
    import os
    import pathlib
    import signal
    import threading

    from pytest_platform_report import step

    HERE = pathlib.Path(__file__).parent

    def test_first(): pass

    def test_second():
        assert 1 == 2

    def test_that_runs():
        with step("wait"):
            (HERE / "running").touch()
            threading.Event().wait(60)

    def test_never_begun(): pass
"""

_DYING = """
    import os
    import signal
    from pathlib import Path

    def test_before(): pass

    def test_dies():
        {death}

    def test_after(): pass

    def test_more(): pass
"""

DEATHS = {
    "os.kill(os.getpid(), signal.SIGKILL)": "signal 9",
    "os.kill(os.getpid(), signal.SIGSEGV)": "signal 11",
    "os._exit(3)": "exit code 3",
}

# Of tests that have nothing to set up: only where another's code can run in a phase is it told of in a record.
WITHOUT_FIXTURES = {
    "a body": ("", "die()", "pass", ""),
    "teardown_module": (", in its teardown", "pass", "die()", ""),
    "a hook": (", in its teardown", "pass", "pass", "pytest_runtest_teardown(item):\n    die()"),
    "a finalizer": (", in its teardown", "pass", "pass", "pytest_runtest_call(item):\n    item.addfinalizer(die)"),
}

BETWEEN_TESTS = {
    # Asked to stop this late, pytest tears down what is left when no test runs any more.
    "stopped": """
        import os
        import pytest

        def pytest_sessionstart(session):
            global running
            running = session

        @pytest.fixture(scope="session", autouse=True)
        def shop():
            yield
            os._exit(3)

        def pytest_runtest_logfinish(nodeid):
            if "test_last" in nodeid:
                running.shouldstop = "enough"
        """,
    "a loop of its own": """
        import os

        def pytest_runtestloop(session):
            for item, following in zip(session.items, [*session.items[1:], None]):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if item.name == "test_last":
                    os._exit(3)
            return True
        """,
}


def start_and_wait(project: Project, *arguments: str, workers: int = 0) -> subprocess.Popen[str]:
    """Start a session, and return it when its third test runs."""
    project.write("test_it.py", _SUITE)
    # A shell that runs us in the background has Ctrl-C ignored, and what is ignored is inherited.
    project.write("conftest.py", "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n")
    process = project.start(*arguments, workers=workers)
    wait_for((project.root / "running").exists, "the third test ran")
    return process


def how(death: str) -> str:
    return f"process ended ({death}) while running this test" if KERNEL_TELLS else "process ended while running"


@pytest.mark.parametrize("target", ["embedded", "served", "plain"], indirect=True)
def test_a_killed_session_is_told_of(target: Target, project: Project) -> None:
    process = start_and_wait(project)
    process.kill()
    finish(process)
    project.wait_for_uploader()
    run = read_run(target)
    assert run.outcomes == {
        "test_it > test_first": "passed",
        "test_it > test_second": "failed",
        "test_it > test_that_runs": "failed",
    }
    assert run.test("test_that_runs")["error"]["message"].startswith(how("signal 9"))
    assert run.status == "cancelled"
    run.check_totals()


@needs_telling_kernel
def test_sigterm_gives_no_verdict(target: Target, project: Project) -> None:
    process = start_and_wait(project)
    process.terminate()
    finish(process)
    project.wait_for_uploader()
    run = read_run(target)
    assert run.test("test_that_runs")["status"] == "skipped"
    assert run.annotations("test_that_runs")["interrupted"] == how("signal 15")
    assert (len(run.tests), run.status) == (3, "cancelled")
    run.check_totals()


def test_ctrl_c_gives_no_verdict(target: Target, project: Project) -> None:
    process = start_and_wait(project)
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.exit == 2
    assert "3 tests run, 3 acknowledged" in ended.out
    run = read_run(target)
    assert run.test("test_that_runs")["status"] == "skipped"
    assert run.annotations("test_that_runs")["interrupted"]
    assert [step["title"] for step in own_steps(run.test("test_that_runs"))] == ["wait"]
    assert (len(run.tests), run.status) == (3, "cancelled")
    run.check_totals()


@pytest.mark.parametrize(("death", "said"), DEATHS.items())
def test_a_test_that_ends_its_process_failed(target: Target, project: Project, death: str, said: str) -> None:
    project.write("test_it.py", _DYING.format(death=death))
    project.run()
    project.wait_for_uploader()
    run = read_run(target)
    assert run.outcomes == {"test_it > test_before": "passed", "test_it > test_dies": "failed"}
    assert run.test("test_dies")["error"]["message"].startswith(how(said))
    assert run.status == "cancelled"


@pytest.mark.parametrize(("phase", "body", "last", "hook"), WITHOUT_FIXTURES.values(), ids=WITHOUT_FIXTURES)
def test_a_death_is_told_with_its_phase(
    project: Project, target: Target, phase: str, body: str, last: str, hook: str
) -> None:
    dying = "import os\n\ndef die():\n    if 'test_dies' in os.environ['PYTEST_CURRENT_TEST']:\n        os._exit(3)\n"
    project.write("conftest.py", f"{dying}\ndef {hook}" if hook else "")
    after = f"def teardown_module():\n    {last}\n" if last != "pass" else "def test_after(): pass\n"
    project.write(
        "test_it.py",
        f"{dying}\ndef test_before(): pass\ndef test_dies():\n    {body}\n{after}",
    )
    project.run()
    project.wait_for_uploader()
    run = read_run(target)
    assert run.outcomes == {"test_it > test_before": "passed", "test_it > test_dies": "failed"}
    assert run.test("test_dies")["error"]["message"].partition("running this test")[2] == phase


@pytest.mark.parametrize(("indirect", "phase"), [("True", ", in its setup"), ("False", "")], ids=["asked for", "given"])
def test_a_death_with_a_parameter_is_told_with_its_phase(
    project: Project, target: Target, indirect: str, phase: str
) -> None:
    project.write(
        "test_it.py",
        f"""
        import os
        import pytest

        @pytest.fixture
        def number(request): return 5 // (2 - request.param) if request.param != 2 else os._exit(3)

        @pytest.mark.parametrize("number", [1, 2, 3], indirect={indirect})
        def test_number(number): number == 2 and os._exit(3)
        """,
    )
    project.run()
    project.wait_for_uploader()
    run = read_run(target)
    assert run.outcomes == {"test_it > test_number[1]": "passed", "test_it > test_number[2]": "failed"}
    assert run.test("test_number[2]")["error"]["message"].partition("running this test")[2] == phase


@pytest.mark.parametrize("hooks", BETWEEN_TESTS.values(), ids=BETWEEN_TESTS)
def test_a_death_between_tests_leaves_what_the_last_one_came_to(project: Project, target: Target, hooks: str) -> None:
    project.write("conftest.py", hooks)
    project.write("test_it.py", "def test_before(): pass\ndef test_last(): pass\ndef test_after(): pass\n")
    project.run()
    project.wait_for_uploader()
    run = read_run(target)
    assert run.outcomes == {"test_it > test_before": "passed", "test_it > test_last": "passed"}


@pytest.mark.parametrize(("death", "said"), DEATHS.items())
def test_a_lost_worker_loses_one_test(target: Target, project: Project, death: str, said: str) -> None:
    project.write("test_it.py", _DYING.format(death=death))
    ended = project.run(workers=2)
    assert ended.exit == 1
    assert "4 tests run, 4 acknowledged" in ended.out
    run = read_run(target)
    assert run.outcomes == {
        "test_it > test_before": "passed",
        "test_it > test_dies": "failed",
        "test_it > test_after": "passed",
        "test_it > test_more": "passed",
    }
    assert run.test("test_dies")["error"]["message"] == f"process ended ({said}) while running this test"
    assert run.status == "failed"
    run.check_totals()


@pytest.mark.parametrize("target", ["served", "plain"], indirect=True)
def test_a_crash_and_then_a_pass_is_one_flaky_test(target: Target, project: Project) -> None:
    death = "seen = Path(__file__).with_name('seen'); seen.exists() or (seen.touch(), os._exit(3))"
    project.write("test_it.py", _DYING.format(death=death))
    ended = project.run("--reruns=1", workers=2)
    assert ended.exit == 0
    run = read_run(target)
    assert run.outcomes == {
        "test_it > test_before": "passed",
        "test_it > test_dies": "flaky",
        "test_it > test_after": "passed",
        "test_it > test_more": "passed",
    }
    again = run.test("test_dies")
    assert (again["attempt"], again["retries"], again["isFlaky"]) == (2, 1, True)
    run.check_totals()


def test_a_killed_controller_leaves_what_its_workers_found(target: Target, project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import os, pathlib, pytest

        CONTROLLER = os.getppid()

        @pytest.mark.parametrize("number", range(6))
        def test_it(number):
            pathlib.Path(__file__).with_name("running").touch()
            while number > 1 and os.getppid() == CONTROLLER:
                pass
        """,
    )
    process = project.start(workers=2)
    wait_for((project.root / "running").exists, "a test ran")
    process.kill()
    finish(process)
    project.wait_for_uploader()
    run = read_run(target)
    assert run.status == "cancelled"
    assert run.outcomes
    assert set(run.outcomes.values()) <= {"passed", "skipped"}
    run.check_totals()
