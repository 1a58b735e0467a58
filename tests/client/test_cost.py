"""What a test costs that has nothing to tell, in calls: unlike seconds, they are the same wherever they are counted."""

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

def pytest_unconfigure():
    for name in ("model", "descriptions", "plugin.fitting"):
        counts["imports"] += "pytest_platform_report." + name in sys.modules
    with open("counts.json", "w") as file:
        json.dump({{name: number / ({tests} // 2) for name, number in counts.items()}}, file)
"""


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """How often a test calls what, on the average."""
    project = tmp_path_factory.mktemp("cost")
    (project / "conftest.py").write_text(CONFTEST.format(tests=TESTS))
    (project / "test_it.py").write_text("".join(f"def test_{number}(): pass\n" for number in range(TESTS)))
    run_pytest(
        project,
        *("-p", "pytest_platform_report.plugin", "--platform-report", "--platform-detach"),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    counted: dict[str, float] = json.loads(Path(project / "counts.json").read_text())
    return counted


def test_hooks(counts: dict[str, float]) -> None:
    # Around the test, and around each report that is made of it; a wrapper is entered twice.
    assert counts["entries"] == 2 * (1 + 3)


def test_system_calls(counts: dict[str, float]) -> None:
    assert counts["write"] == 4  # began, two phases, ended
    assert counts["fstat"] <= 0.25
    assert counts["pread"] < 4
    assert counts["monotonic"] == 4


def test_what_only_readers_and_hooks_need_is_not_imported(counts: dict[str, float]) -> None:
    assert counts["imports"] == 0


def test_functions(counts: dict[str, float]) -> None:
    assert counts["functions"] <= 40
    assert counts["C functions"] <= 52
