"""Suites of well-known projects: the platform has each test that junit has, once, with the same verdict."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from end_to_end.platforms import Target
from end_to_end.sessions import Ended, Project
from projects.sdists import unpacked
from projects.suites import SUITES, Suite
from projects.verdicts import Held, Verdicts, count, read_junit, read_platform

_PLUGINS = Path(__file__).with_name("plugins")
_SPOILED = [suite for suite in SUITES if suite.name in ("flask", "freezegun", "toolz")]


@dataclass(frozen=True)
class Session:
    """A session in a tree of its own."""

    target: Target
    ended: Ended
    junit: Verdicts


@pytest.mark.parametrize("suite", [suite for suite in SUITES if suite not in _SPOILED], ids=str)
def test_a_suite_is_reported_as_junit_has_it(suite: Suite, cache: Path, tmp_path: Path) -> None:
    for held in _report(suite, cache, tmp_path):
        assert held.number >= suite.number


@pytest.mark.parametrize("suite", _SPOILED, ids=str)
def test_a_suite_that_was_spoiled_is_too(suite: Suite, cache: Path, tmp_path: Path) -> None:
    for held in _report(suite, cache, tmp_path, is_spoiled=True):
        assert held.number >= suite.number
        assert held.totals.keys() == {"passed", "failed", "skipped", "flaky"}


def _report(suite: Suite, cache: Path, folder: Path, *, is_spoiled: bool = False) -> list[Held]:
    """Run the suite, and return what the platform has: what a session without us, and without workers, has."""
    tree = unpacked(suite, cache)
    bare = _run(suite, tree, folder / "bare", 0, is_reported=False, is_spoiled=is_spoiled)
    number = bare.junit.total()
    found = []
    for workers in suite.workers:
        reported = _run(suite, tree, folder / f"with {workers}", workers, is_reported=True, is_spoiled=is_spoiled)
        held = read_platform(reported.target)
        assert held.verdicts == reported.junit == bare.junit
        assert (held.number, held.totals) == (number, count(bare.junit))
        assert f"\n{number:,} tests run, {number:,} acknowledged\n" in reported.ended.out
        assert held.status == ("passed" if reported.ended.exit == 0 else "failed")
        assert reported.ended.exit == bare.ended.exit
        found.append(held)
    return found


def _run(suite: Suite, tree: Path, root: Path, workers: int, *, is_reported: bool, is_spoiled: bool) -> Session:
    project = Project(root, {"PYTHONPATH": str(_PLUGINS)})
    project.reruns = is_spoiled
    (root / "pytest.ini").unlink()  # the suite has its own configuration
    shutil.copytree(tree, root, dirs_exist_ok=True)
    options = ["--junitxml=junit.xml", "-o", "junit_family=xunit1", "-p", "steady"]
    options += ["-p", "spoil"] if is_spoiled else []
    ended = project.run(*options, *suite.arguments, workers=workers, report=is_reported)
    project.close()
    assert ended.exit in (0, 1), ended.out
    target = Target("embedded", root / ".platform-report" / "platform")
    return Session(target, ended, read_junit(root / "junit.xml"))
