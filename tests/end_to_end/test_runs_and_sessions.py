"""Which sessions make which runs."""

from __future__ import annotations

from collections import Counter

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import read_run, read_runs
from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for

pytestmark = pytest.mark.uncovered

_NESTING = """
    import subprocess
    import sys

    import pytest

    pytest_plugins = ["pytester"]

    INNER = "def test_inner(): pass\\ndef test_inner_fails(): assert 0"

    def test_in_process(pytester):
        pytester.makepyfile(INNER)
        pytester.inline_run("--platform-report").assertoutcome(passed=1, failed=1)

    def test_in_a_subprocess(pytester):
        pytester.makepyfile(INNER)
        pytester.runpytest_subprocess("--platform-report").assert_outcomes(passed=1, failed=1)

    def test_main(tmp_path, monkeypatch):
        (tmp_path / "test_of_main.py").write_text(INNER)
        assert pytest.main([str(tmp_path), "--platform-report", "-p", "no:cacheprovider"]) == 1

    def test_the_command_line(tmp_path):
        (tmp_path / "test_of_command.py").write_text(INNER)
        command = [sys.executable, "-m", "pytest", "--platform-report", str(tmp_path)]
        assert subprocess.run(command, capture_output=True).returncode == 1

    def test_after():
        pass
"""


def test_nested_sessions_stay_out(target: Target, project: Project, workers: int) -> None:
    project.write("test_it.py", _NESTING)
    project.environment["PLATFORM_REPORT"] = "1"
    ended = project.run(workers=workers)
    assert ended.exit == 0, ended.out
    run = read_run(target)
    names = ("in_process", "in_a_subprocess", "main", "the_command_line", "after")
    assert run.outcomes == {f"test_it > test_{name}": "passed" for name in names}
    assert list(project.root.rglob("runs")) == [project.spool / "runs"]


def test_two_sessions_are_two_runs(target: Target, project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    project.run()
    project.run()
    runs = read_runs(target)
    assert [run.outcomes for run in runs] == [{"test_it > test_it": "passed"}] * 2
    assert len(project.run_folders) == 2


@pytest.mark.parametrize("target", ["embedded", "served", "plain"], indirect=True)
def test_sessions_with_one_run_key_are_one_run(target: Target, project: Project) -> None:
    """The first waits for the second in its test, so that both run at the same time."""
    project.write(
        "test_shards.py",
        """
        import pathlib, time

        HERE = pathlib.Path(__file__).parent

        def test_first():
            (HERE / "first").touch()
            while not (HERE / "second").exists():
                time.sleep(0.01)

        def test_second():
            (HERE / "second").touch()
        """,
    )
    key = "--platform-run-key=build-7"
    first = project.start(key, "--platform-shard=1/2", "test_shards.py::test_first")
    wait_for((project.root / "first").exists, "the first ran")
    second = project.start(key, "--platform-shard=2/2", "test_shards.py::test_second")
    ended = [finish(process) for process in (first, second)]
    assert [each.exit for each in ended] == [0, 0]
    assert all("1 test run, 1 acknowledged" in each.out for each in ended)
    project.wait_for_uploader()
    run = read_run(target)
    assert run.outcomes == {"test_shards > test_first": "passed", "test_shards > test_second": "passed"}
    assert (run.status, run.fields["shardTotal"]) == ("passed", 2)
    run.check_totals()
    assert project.run_folder.name == "build-7"


def test_a_later_session_with_the_run_key_joins_the_run(target: Target, project: Project) -> None:
    project.write("test_it.py", "def test_one(): pass\ndef test_two(): assert 0\n")
    for name in ("one", "two"):
        ended = project.run("--platform-run-key=again", f"test_it.py::test_{name}")
        assert "1 test run, 1 acknowledged" in ended.out
    run = read_run(target)
    assert run.outcomes == {"test_it > test_one": "passed", "test_it > test_two": "failed"}
    assert run.status == "failed"
    run.check_totals()


@pytest.mark.parametrize("target", ["served", "plain"], indirect=True)
def test_a_run_id_joins_that_run(target: Target, project: Project) -> None:
    project.write("test_it.py", "def test_one(): assert 0\ndef test_two(): pass\n")
    project.run("test_it.py::test_one")
    run_id = read_run(target).id
    ended = project.run(f"--platform-run-id={run_id}", "test_it.py::test_two")
    assert "1 test run, 1 acknowledged" in ended.out
    run = read_run(target)
    assert run.outcomes == {"test_it > test_one": "failed", "test_it > test_two": "passed"}
    assert run.status == "failed"
    run.check_totals()


def test_a_run_id_that_is_not_there_is_said(target: Target, project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    ended = project.run("--platform-run-id=run_of_nobody", "--platform-drain-timeout=600")
    assert ended.exit == 0
    assert "answered 404 NOT_FOUND" in ended.out
    assert read_runs(target) == []


def test_modules_of_one_name_are_told_apart(target: Target, project: Project) -> None:
    """Two files of one name in two folders are two tests, though their full titles are alike."""
    for folder in ("one", "two"):
        project.write(f"{folder}/__init__.py", "")
        project.write(f"{folder}/test_it.py", "def test_it(): pass\n")
    project.run()
    run = read_run(target)
    assert Counter(test["filePath"] for test in run.tests) == {"one/test_it.py": 1, "two/test_it.py": 1}
    assert {test["fullTitle"] for test in run.tests} == {"test_it > test_it"}
