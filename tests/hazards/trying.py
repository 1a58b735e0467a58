"""Try sessions: reported, and beside it in a copy of the project without a report."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import Run, read_run
from end_to_end.sessions import Ended, Project
from hazards.hazards import Session

_SUMMARY = re.compile(r"^=* ?((?:\d+ \w+(?:, )?)+|no tests ran) in .*$", re.MULTILINE)

Parametrize = Callable[[Callable[..., None]], Callable[..., None]]


def each(sessions: Sequence[Session]) -> pytest.MarkDecorator:
    """Parametrize a test over sessions, as plain ones and with two workers."""
    return pytest.mark.parametrize(
        ("session", "workers"),
        [
            pytest.param(session, workers, id=f"{session.id}-{'xdist' if workers else 'plain'}")
            for session in sessions
            for workers in (0, 2)
            if session.xdist == "both" or (session.xdist == "with") == bool(workers)
        ],
    )


def embedded(project: Project) -> Target:
    """Return the platform that a project's sessions report to by default."""
    return Target("embedded", project.spool / "platform")


def counts(ended: Ended) -> str:
    """Return what the terminal's last line counts."""
    found = _SUMMARY.findall(ended.out)
    return str(found[-1]) if found else ""


def check_is_same(reported: Ended, bare: Ended) -> None:
    """Check that a session ended as it does without a report."""
    assert (reported.exit, counts(reported)) == (bare.exit, counts(bare)), f"{reported.out}\n\nwithout:\n{bare.out}"


def attempt(session: Session, workers: int, folder: Path) -> Run:
    """Run *session* with and without a report, check what can be said of every session, and return its run."""
    session = session.tried()
    bare = _make(session, folder / "without").run(*_arguments(session, workers), workers=workers, report=False)
    project = _make(session, folder / "with")
    try:
        reported = project.run(*_arguments(session, workers), workers=workers)
        check_is_same(reported, bare)
        assert "internal error" not in reported.out, reported.out
        project.wait_for_uploader()
        run = read_run(embedded(project))
    finally:
        project.close()
    assert run.outcomes == session.outcomes, reported.out
    assert run.status == session.run
    run.check_totals()
    late = run.test("test_late_fails")["error"]
    assert (late["expected"], late["actual"]) == ("[2]", "[1]")
    assert f"{len(run.tests)} tests run, {len(run.tests)} acknowledged" in reported.out, reported.out
    return run


def _arguments(session: Session, workers: int) -> tuple[str, ...]:
    return (*session.args, "--dist=loadfile") if workers else session.args


def _make(session: Session, root: Path) -> Project:
    root.mkdir()
    project = Project(root, session.environment)
    for hazard in session.hazards:
        project.write(f"{hazard.module}.py", hazard.source)
    for name, content in session.files.items():
        project.write(name, content)
    return project
