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

_with_and_without_workers = pytest.mark.parametrize("workers", [0, 2], ids=["alone", "xdist"])


@dataclass(frozen=True)
class Session:
    """A session in a tree of its own."""

    target: Target
    ended: Ended
    junit: Verdicts


@_with_and_without_workers
@pytest.mark.parametrize("suite", SUITES, ids=str)
def test_a_suite_is_reported_as_junit_has_it(suite: Suite, workers: int, cache: Path, tmp_path: Path) -> None:
    held = _report(suite, workers, cache, tmp_path)
    assert held.number >= suite.number


@_with_and_without_workers
@pytest.mark.parametrize("suite", _SPOILED, ids=str)
def test_a_suite_that_was_spoiled_is_too(suite: Suite, workers: int, cache: Path, tmp_path: Path) -> None:
    held = _report(suite, workers, cache, tmp_path, is_spoiled=True)
    assert held.totals.keys() == {"passed", "failed", "skipped", "flaky"}


def _report(suite: Suite, workers: int, cache: Path, folder: Path, *, is_spoiled: bool = False) -> Held:
    """Run the suite with and without reporting, and return what the platform has, which equals junit."""
    tree = unpacked(suite, cache)
    reported = _run(suite, tree, folder / "reported", workers, is_reported=True, is_spoiled=is_spoiled)
    unreported = _run(suite, tree, folder / "unreported", workers, is_reported=False, is_spoiled=is_spoiled)
    held, junit, number = read_platform(reported.target), reported.junit, reported.junit.total()
    assert held.verdicts == junit
    assert (held.number, held.totals) == (number, count(junit))
    assert f"\n{number:,} tests run, {number:,} acknowledged\n" in reported.ended.out
    assert held.status == ("passed" if reported.ended.exit == 0 else "failed")
    assert reported.ended.exit == unreported.ended.exit
    assert junit == unreported.junit
    return held


def _run(suite: Suite, tree: Path, root: Path, workers: int, *, is_reported: bool, is_spoiled: bool) -> Session:
    project = Project(root, {"PYTHONPATH": str(_PLUGINS)} if is_spoiled else {})
    (root / "pytest.ini").unlink()  # the suite has its own configuration
    shutil.copytree(tree, root, dirs_exist_ok=True)
    options = ["--junitxml=junit.xml", "-o", "junit_family=xunit1", *(["-p", "spoil"] if is_spoiled else [])]
    ended = project.run(*options, *suite.arguments, workers=workers, report=is_reported)
    project.close()
    assert ended.exit in (0, 1), ended.out
    target = Target("embedded", root / ".platform-report" / "platform")
    return Session(target, ended, read_junit(root / "junit.xml"))
