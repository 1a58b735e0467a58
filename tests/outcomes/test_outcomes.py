"""Each case, reported and read back, with and without xdist."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from end_to_end.platforms import Target
from end_to_end.readback import Run, read_runs
from end_to_end.sessions import Project, finish, wait_for_file
from hazards.rows import CHAPTER
from outcomes.cases import Case
from outcomes.every_case import CASES

_APART = ("worker", "execution")
_WORKERS = {"without": (0,), "with": (2,), "both": (0, 2)}


def _cases() -> list[ParameterSet]:
    return [
        pytest.param(case, workers, id=f"{case.name}-{'xdist' if workers else 'plain'}")
        for case in CASES
        for workers in _WORKERS[case.xdist]
    ]


@pytest.mark.parametrize(("case", "workers"), _cases())
def test_outcome(
    case: Case, workers: int, target: Target, project: Project, record_property: Callable[[str, object], None]
) -> None:
    record_property("pytest", pytest.__version__)  # docs/outcomes_table.py reads it
    for module in case.plugins:
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            pytest.skip(f"{module} is not installed")
    if pytest.version_tuple < case.pytest:
        pytest.skip(f"pytest {'.'.join(map(str, case.pytest))} brought it")
    project.keeps_cache = case.cache
    project.environment["PYTEST_PLUGINS"] += "".join(f",{plugin}" for plugin in case.plugins)
    for name, content in case.project.items():
        project.write(name, content)
    started = project.start(*case.args, workers=workers, sessions=case.sessions)
    _signal(case, started, project.root)
    ended = finish(started)
    assert ended.exit == case.exit_with(workers), ended.out
    if case.run_with(workers) is None:
        assert project.run_folders == []
    else:
        for folder in project.run_folders:
            project.wait_for_uploader(folder)
        runs = read_runs(target)
        assert len(runs) == case.sessions
        for run in runs:
            _check(case, workers, run)


def _signal(case: Case, session: subprocess.Popen[str], root: Path) -> None:
    send = os.killpg if case.to_all else os.kill
    for number, name in zip(case.signals, ("ready", "ready again"), strict=False):
        wait_for_file(root / name, session)
        send(session.pid, number)


def _check(case: Case, workers: int, run: Run) -> None:
    if case.twice:
        assert sorted((test["fullTitle"], test["status"]) for test in run.tests) == sorted(2 * [*case.expect.items()])
        told_apart = {
            tuple(sorted((a["type"], a["description"]) for a in test["annotations"] if a["type"] in _APART))
            for test in run.tests
        }
        assert len(told_apart) == 2
        assert run.totals["total"] == len(run.tests)
    else:
        assert run.outcomes == dict(case.expect)
        run.check_totals()
    assert run.status == case.run_with(workers)
    assert run.fields["workers"] == case.ran_on(workers)
    for title, types in case.annotations.items():
        assert set(types) <= run.annotations(title).keys()
    for title, message in case.messages.items():
        assert message in run.test(title)["error"]["message"]
    for title, output in case.output.items():
        test = run.test(title)
        assert output in test["stdout"] + test["stderr"]
    for title, outcomes in case.attempts.items():
        assert tuple(attempt["status"] for attempt in run.test(title)["attempts"]) == outcomes
    for title, steps in case.steps.items():
        assert tuple((step["title"], step["status"]) for step in run.test(title)["steps"]) == steps


def test_the_table_has_a_row_for_each_case() -> None:
    page = Path(__file__).parents[2] / "docs" / "outcomes.md"
    table, _, _ = page.read_text(encoding="utf-8").partition(f"\n## {CHAPTER}\n")
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()]
    assert [row for row in rows if row in {case.name for case in CASES}] == [case.name for case in CASES], (
        "docs/outcomes.md is not of these cases: 'tox run -e outcomes,oldest,page' makes it anew"
    )
