"""Each case, reported and read back, with and without xdist, alone or with others in one session."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from end_to_end.junit import in_junit_words, read_junit
from end_to_end.platforms import Target
from end_to_end.readback import Json, Run, own_steps, read_runs
from end_to_end.sessions import Project, finish, wait_for_file
from hazards.rows import CHAPTER
from hazards.trying import Pair
from outcomes.cases import Attempt, Case, Company
from outcomes.every_case import CASES

_RECEIPT = re.compile(r"^(\d+) tests? run, (\d+) acknowledged$", re.MULTILINE)
_TOLD = ("--junitxml=junit.xml",)
_APART = ("worker", "execution")
_OF_ATTEMPT = ("error", "steps", "stdout", "stderr")
_WORKERS = {"without": (0,), "with": (2,), "both": (0, 1), "both, on two workers": (0, 2)}


def _lacking(case: Case) -> str:
    """Return why a case cannot be tried here, empty where it can."""
    for module in case.plugins:
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            return f"{module} is not installed"
    if pytest.version_tuple < case.pytest:
        return f"pytest {'.'.join(map(str, case.pytest))} brought it"
    if case.before is not None and pytest.version_tuple >= case.before:
        return f"pytest {'.'.join(map(str, case.before))} has it otherwise"
    return ""


def _companies() -> dict[Company | None, list[Case]]:
    """Return which cases share a session."""
    found: dict[Company | None, list[Case]] = {}
    for case in CASES:
        if case.company and not _lacking(case):
            found.setdefault(case.company, []).append(case)
    return {company: cases for company, cases in found.items() if len(cases) > 1}


_COMPANIES = _companies()


def _cases() -> list[ParameterSet]:
    return [
        pytest.param(
            case,
            workers,
            id=f"{case.name}-{'xdist' if workers else 'plain'}",
            marks=[pytest.mark.page] if workers and case.xdist.startswith("both") else [],
        )
        for case in CASES
        for workers in _WORKERS[case.xdist]
        if case not in _COMPANIES.get(case.company, ())
    ]


def _sessions() -> list[ParameterSet]:
    return [
        pytest.param(
            company,
            workers,
            id=f"{company}-{'xdist' if workers else 'plain'}",
            marks=[pytest.mark.page] if workers and (company.args or company.has_plugins) else [],
        )
        for company in _COMPANIES
        if company
        for workers in (0, 2)
    ]


@pytest.mark.parametrize(("case", "workers"), _cases())
def test_outcome(
    case: Case, workers: int, target: Target, project: Project, record_property: Callable[[str, object], None]
) -> None:
    record_property("pytest", pytest.__version__)  # docs/outcomes_table.py reads it
    if lacking := _lacking(case):
        pytest.skip(lacking)
    project.keeps_cache = case.cache
    project.environment.update(case.environment)
    project.environment["PYTEST_PLUGINS"] += "".join(f",{plugin}" for plugin in case.plugins)
    for name, content in case.project.items():
        project.write(name, content)
    if case.first is not None:
        project.run(*case.first, report=False)
    told = _TOLD if case.may else ()
    started = project.start(*case.args, *told, workers=workers, sessions=case.sessions)
    _signal(case, started, project.root)
    ended = finish(started)
    if case.option and f"unrecognized arguments: {case.option}" in ended.out:
        pytest.skip(f"this plugin has no {case.option}")
    assert ended.exit == case.exit_with(workers), ended.out
    assert "internal error: " not in ended.out  # ours; pytest writes its own otherwise
    if case.run_with(workers) is None:
        assert project.run_folders == []
    else:
        for folder in project.run_folders:
            project.wait_for_uploader(folder)
        runs = read_runs(target)
        assert len(runs) == case.sessions
        receipts = _RECEIPT.findall(ended.out)
        assert {(int(acknowledged), int(found)) for acknowledged, found in receipts} <= {
            (len(run.tests), len(run.tests)) for run in runs
        }
        for run in runs:
            _check(case, workers, run)
            if case.may:  # the tests that did run are those that pytest itself has told of
                assert read_junit(project.root / "junit.xml").items() <= in_junit_words(run.tests).items()


@pytest.mark.parametrize(("company", "workers"), _sessions())
def test_outcomes_of_one_session(
    company: Company, workers: int, target: Target, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Cases that ask for the same, each in a package of its own; the session ends as it does without a report."""
    cases = {f"package_{number}": case for number, case in enumerate(_COMPANIES[company])}
    for name, value in (("pytest", pytest.__version__), ("mode", "xdist" if workers else "plain")):
        record_property(name, value)
    pair = Pair(tmp_path, target)
    for package, case in cases.items():
        record_property("case", case.name)
        for name, content in {"__init__.py": "", **case.project}.items():
            pair.write(f"{package}/{name}", content)
    plugins = dict.fromkeys(plugin for case in cases.values() for plugin in case.plugins)
    for project in (pair.project, pair.bare):
        project.environment["PYTEST_PLUGINS"] = ",".join((project.environment["PYTEST_PLUGINS"], *plugins))
    run = pair.run("--dist=loadfile", *company.args, workers=workers)
    assert pair.reported.exit == company.fails, pair.reported.out
    assert (run.status, run.fields["workers"]) == ("failed" if company.fails else "passed", workers or 1)
    assert _RECEIPT.findall(pair.reported.out) == [(str(len(run.tests)), str(len(run.tests)))]
    of_package: dict[str, list[Json]] = {package: [] for package in cases}
    for test in run.tests:
        of_package[test["filePath"].partition("/")[0]].append(test)
    for package, case in cases.items():
        try:
            _check_tests(case, replace(run, tests=of_package[package]))
        except AssertionError as error:
            raise AssertionError(f"{case.name}: {error}") from error


def _signal(case: Case, session: subprocess.Popen[str], root: Path) -> None:
    send = os.killpg if case.to_all else os.kill
    for number, name in zip(case.signals, ("ready", "ready again"), strict=False):
        wait_for_file(root / name, session)
        send(session.pid, number)


def _check(case: Case, workers: int, run: Run) -> None:
    run.check_totals()
    assert run.status == case.run_with(workers)
    assert run.fields["workers"] == case.ran_on(workers)
    _check_tests(case, run)


def _check_tests(case: Case, run: Run) -> None:
    if case.twice:
        assert sorted((test["fullTitle"], test["status"]) for test in run.tests) == sorted(2 * [*case.expect.items()])
        for title in case.expect:
            assert len({_told_apart(test) for test in run.tests if test["fullTitle"] == title}) == 2
    else:
        left_out = set(case.may) - run.outcomes.keys()
        assert run.outcomes == {title: status for title, status in case.expect.items() if title not in left_out}
    for named in (case.annotations, case.messages, case.output, case.attempts, case.steps):
        assert named.keys() <= case.expect.keys()
    for test in run.tests:
        _check_test(case, test)


def _told_apart(test: Json) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((each["type"], each["description"]) for each in test["annotations"] if each["type"] in _APART))


def _check_test(case: Case, test: Json) -> None:
    title = test["fullTitle"]
    assert set(case.annotations.get(title, ())) <= {each["type"] for each in test["annotations"]}
    assert case.output.get(title, "") in test["stdout"] + test["stderr"]
    assert title not in case.messages or case.messages[title] in test["error"]["message"]
    assert title not in case.steps or _steps(test) == case.steps[title]
    _check_attempts(test, case.attempts.get(title, ()))


def _check_attempts(test: Json, wanted: tuple[Attempt, ...]) -> None:
    number = len(wanted) or 1
    assert (test["attempt"], test["retries"], test["isFlaky"]) == (number, number - 1, test["status"] == "flaky")
    attempts = test.get("attempts") or []
    assert [attempt["status"] for attempt in attempts] == [attempt.status for attempt in wanted]
    for shown, attempt in zip(attempts, wanted, strict=True):
        message = (shown.get("error") or {"message": ""})["message"]
        assert attempt.error in message
        assert bool(attempt.error) == bool(message)
        assert _steps(shown) == attempt.steps
        assert shown.get("stdout", "") + shown.get("stderr", "") == attempt.output
    if attempts:  # what the test itself shows is what its last attempt does
        last = attempts[-1] if test["status"] == "failed" else {**attempts[-1], "error": None}
        assert {name: test[name] for name in _OF_ATTEMPT} == {name: last.get(name) for name in _OF_ATTEMPT}


def _steps(shown: Json) -> tuple[tuple[str, str], ...]:
    return tuple((step["title"], step["status"]) for step in own_steps(shown))


def test_the_table_has_a_row_for_each_case() -> None:
    page = Path(__file__).parents[2] / "docs" / "outcomes.md"
    table, _, _ = page.read_text(encoding="utf-8").partition(f"\n## {CHAPTER}\n")
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()]
    assert [row for row in rows if row in {case.name for case in CASES}] == [case.name for case in CASES], (
        "docs/outcomes.md is not of these cases: 'tox run -m page' makes it anew"
    )
