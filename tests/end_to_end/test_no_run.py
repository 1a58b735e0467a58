"""Sessions that report nothing, or next to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project

pytestmark = pytest.mark.uncovered


def files(root: Path) -> set[Path]:
    return set(root.rglob("*"))


@pytest.fixture
def project(project: Project) -> Project:
    project.write("test_it.py", "def test_it(): pass\n")
    return project


def test_off_makes_nothing(project: Project, workers: int) -> None:
    before = files(project.root)
    ended = project.run(report=False, workers=workers)
    assert ended.exit == 0
    assert files(project.root) == before
    assert "platform-report:" not in ended.out
    assert "platform report" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--collect-only"], 0),
        (["--help"], 0),
        (["--fixtures"], 0),
        (["-k", "nothing_is_named_so"], 5),
        (["--setup-plan"], 0),
        (["no_such_file.py"], 4),
        (["--no-such-option"], 4),
    ],
)
def test_no_test_makes_no_run(target: Target, project: Project, arguments: list[str], status: int) -> None:
    ended = project.run(*arguments)
    assert ended.exit == status
    assert not project.spool.exists()
    assert target.gate.requests == []
    assert " platform report ===" not in ended.out


@pytest.mark.parametrize(("arguments", "status"), [(["--collect-only"], 0), (["-k", "nothing_is_named_so"], 5)])
def test_nor_does_it_under_xdist(project: Project, arguments: list[str], status: int) -> None:
    assert project.run(*arguments, workers=2).exit == status
    assert not project.spool.exists()


def test_a_module_that_cannot_be_collected_is_a_failed_test(target: Target, project: Project, workers: int) -> None:
    project.write("sub/test_broken.py", "import no_such_module\n")
    ended = project.run(workers=workers)
    assert ended.exit == (1 if workers else 2)
    run = read_run(target)
    broken = run.test("test_broken > collection")
    assert (broken["title"], broken["filePath"], broken["status"]) == ("collection", "sub/test_broken.py", "failed")
    assert broken["error"]["message"] == "ModuleNotFoundError: No module named 'no_such_module'"
    assert "sub/test_broken.py:1" in broken["error"]["stack"]
    # Without xdist, pytest runs no test after such an error.
    expected = {"test_broken > collection": "failed"} | ({"test_it > test_it": "passed"} if workers else {})
    assert run.outcomes == expected
    assert run.status == "failed"
    run.check_totals()
