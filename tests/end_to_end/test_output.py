"""What a session says of its report, and what it does not wait for."""

from __future__ import annotations

import signal

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for


@pytest.fixture
def project(project: Project) -> Project:
    project.write("test_it.py", "def test_it(): pass\n")
    return project


def test_one_header_line_and_one_section(target: Target, project: Project, workers: int) -> None:
    ended = project.run(workers=workers)
    lines = ended.out.splitlines()
    assert lines.count(f"platform-report: {target.address}, project {target.project}") == 1
    assert sum(" platform report ===" in line for line in lines) == 1
    start = next(number for number, line in enumerate(lines) if " platform report ===" in line)
    assert lines[start + 1] == f"run: {target.address}/runs/{read_run(target).id}"
    assert lines[start + 2] == "1 test run, 1 acknowledged"
    assert len([line for line in lines if "platform report" in line]) == 1


def test_quiet(project: Project) -> None:
    project.load_all_plugins()
    ended = project.run("-q")
    assert "platform-report:" not in ended.out
    assert ended.out.count(" platform report ===") == 1


def test_without_a_terminal(target: Target, project: Project) -> None:
    ended = project.run("-p", "no:terminal")
    assert (ended.exit, ended.out) == (0, "")
    assert read_run(target).outcomes == {"test_it > test_it": "passed"}


def test_strict_is_content_with_what_is_acknowledged(project: Project, workers: int) -> None:
    assert project.run("--platform-strict", workers=workers).exit == 0


def test_strict_fails_where_something_is_missing(target: Target, project: Project, workers: int) -> None:
    target.will(Fault("answer", times=10**6, status=401))
    assert project.run("--platform-strict", workers=workers).exit == 1
    assert project.run(workers=workers).exit == 0


def test_strict_leaves_other_failures_as_they_are(target: Target, project: Project) -> None:
    project.write("test_it.py", "import pytest\n\ndef test_it():\n    pytest.exit('enough', returncode=7)\n")
    target.will(Fault("answer", times=10**6, status=401))
    assert project.run("--platform-strict").exit == 7


def test_detached_it_does_not_wait(target: Target, project: Project) -> None:
    """The session ends, and its pipe with it, while the platform still keeps its answer back."""
    target.will(Fault("held", path="/api/runs"))
    process = project.start("--platform-detach")
    ended = finish(process)
    assert ended.exit == 0
    assert "delivery goes on in the background" in ended.out
    wait_for(target.gate.is_held.is_set, "the run was asked for")
    assert project.uploader_lives()
    target.gate.release()
    project.wait_for_uploader()
    run = read_run(target)
    assert (run.outcomes, run.status) == ({"test_it > test_it": "passed"}, "passed")


def test_ctrl_c_ends_the_wait_only(target: Target, project: Project) -> None:
    project.write("conftest.py", "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n")
    target.will(Fault("held", path="/api/runs"))
    process = project.start()
    wait_for(target.gate.is_held.is_set, "the run was asked for")
    (journal,) = (project.run_folder / "journal").iterdir()
    wait_for(lambda: '"kind":"closed"' in journal.read_text(), "the session was over but for the delivery")
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.exit == 0
    assert "'platform-report sync' delivers it" in ended.out
    target.gate.release()
    project.wait_for_uploader()
    assert read_run(target).outcomes == {"test_it > test_it": "passed"}
