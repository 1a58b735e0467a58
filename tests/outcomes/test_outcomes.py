"""Each case, reported and read back, with and without xdist."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import Run, read_run
from end_to_end.sessions import Project
from outcomes.cases import Case
from outcomes.plain_cases import PLAIN

CASES = (*PLAIN,)


@pytest.mark.parametrize("workers", [0, 2], ids=["plain", "xdist"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_outcome(case: Case, workers: int, tmp_path: Path) -> None:
    if case.xdist != "both" and (case.xdist == "with") != bool(workers):
        pytest.skip(f"a case of sessions {case.xdist} xdist")
    for module in case.needs:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    if pytest.version_tuple < case.pytest:
        pytest.skip(f"pytest {'.'.join(map(str, case.pytest))} brought it")
    target = Target("embedded", tmp_path / ".platform-report" / "platform")
    project = Project(tmp_path, target.environment)
    try:
        for name, content in case.project.items():
            project.write(name, content)
        ended = project.run(*case.args, workers=workers)
        assert ended.exit == case.exit_with(workers), ended.out
        if case.run is None:
            assert project.run_folders == []
        else:
            _check(case, read_run(target))
    finally:
        project.close()


def _check(case: Case, run: Run) -> None:
    assert run.outcomes == dict(case.expect)
    assert run.status == case.run
    run.check_totals()
    for title, types in case.annotations.items():
        assert set(types) <= run.annotations(title).keys()
    for title, message in case.messages.items():
        assert message in run.test(title)["error"]["message"]
    for title, outcomes in case.attempts.items():
        assert tuple(attempt["status"] for attempt in run.test(title)["attempts"]) == outcomes
    for title, steps in case.steps.items():
        assert tuple((step["title"], step["status"]) for step in run.test(title)["steps"]) == steps
