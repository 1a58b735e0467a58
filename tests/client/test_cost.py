"""What a test costs, in calls: unlike seconds, they are the same wherever they are counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from children import run_pytest

TESTS = 32  # of which the middle half is counted

CONFTEST = """
import collections, json, sys

counts, ended = collections.Counter(), []

def is_ours(frame):
    return frame.f_globals.get("__name__", "").startswith("pytest_platform_report.")

def count(frame, event, function):
    if event == "call" and is_ours(frame):
        counts["functions"] += 1
        counts["entries"] += frame.f_back.f_globals.get("__name__", "").startswith("pluggy.")
    elif event == "c_call" and is_ours(frame):
        counts["C functions"] += 1
        counts[function.__name__] += 1

def pytest_runtest_logfinish(nodeid):
    ended.append(nodeid)
    if len(ended) == {tests} // 4:
        sys.setprofile(count)
    elif len(ended) == {tests} * 3 // 4:
        sys.setprofile(None)

def pytest_sessionfinish(session):
    session.exitstatus = 0

def pytest_unconfigure():
    for name in ("model", "descriptions", "plugin.fitting"):
        counts["imports"] += "pytest_platform_report." + name in sys.modules
    with open("counts.json", "w") as file:
        json.dump({{name: number / ({tests} // 2) for name, number in counts.items()}}, file)
"""


# Of each four tests one has parameters, one a fixture with a teardown and a marker, one prints, and one fails.
MIXED = """
import pytest

@pytest.fixture
def basket():
    yield ["cup"]
"""
FOUR = """
@pytest.mark.parametrize("amount", [{0}])
def test_{0}_charges(amount): pass

@pytest.mark.smoke
def test_{0}_basket(basket): pass

def test_{0}_prints(): print("a line of what a test says on its way")

def test_{0}_fails(): assert {{"sum": {0}}} == {{"sum": -1}}
"""


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """How often a test calls what, on the average."""
    tests = "".join(f"def test_{number}(): pass\n" for number in range(TESTS))
    return count(tmp_path_factory.mktemp("cost"), tests)


@pytest.fixture(scope="module")
def mixed_counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """The same of tests of all kinds."""
    return count(tmp_path_factory.mktemp("mixed"), MIXED + "".join(map(FOUR.format, range(TESTS // 4))))


def count(project: Path, tests: str) -> dict[str, float]:
    (project / "conftest.py").write_text(CONFTEST.format(tests=TESTS))
    (project / "pytest.ini").write_text("[pytest]\nmarkers = smoke\n")
    (project / "test_it.py").write_text(tests)
    run_pytest(
        project,
        *("-p", "pytest_platform_report.plugin", "--platform-report", "--platform-detach", "-p", "no:nose"),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    counted: dict[str, float] = json.loads((project / "counts.json").read_text())
    return counted


def test_hooks(counts: dict[str, float]) -> None:
    # Around the test, and around each report that is made of it; a wrapper is entered twice.
    assert counts["entries"] == 2 * (1 + 3)


def test_system_calls(counts: dict[str, float]) -> None:
    assert counts["write"] == 1 + 1 / 16  # each end goes with the beginning that comes after it, but for every 16th
    assert counts["fstat"] <= 0.25
    assert counts["pread"] < 1
    assert counts["monotonic"] == 4


def test_what_only_readers_and_hooks_need_is_not_imported(counts: dict[str, float]) -> None:
    assert counts["imports"] == 0


def test_functions(counts: dict[str, float]) -> None:
    assert counts["functions"] <= 35
    assert counts["C functions"] <= 36


def test_hooks_of_mixed_tests(mixed_counts: dict[str, float]) -> None:
    # Of four tests one has a fixture, one a parameter, which pytest takes for one, and one compares what is not equal.
    assert mixed_counts["entries"] == 2 * (1 + 3) + (2 * 2 + 2) / 4


def test_system_calls_of_mixed_tests(mixed_counts: dict[str, float]) -> None:
    assert mixed_counts["write"] <= 2  # one test in four has a setup and a teardown of its own, and one fails
    assert mixed_counts["monotonic"] == 4 + 5 / 4  # of a fixture's setup and teardown


def test_functions_of_mixed_tests(mixed_counts: dict[str, float]) -> None:
    # Where CI is set, pytest cuts no explanation of a failure short: 62.8 and not 61.
    assert mixed_counts["functions"] <= 63
    assert mixed_counts["C functions"] <= 64
