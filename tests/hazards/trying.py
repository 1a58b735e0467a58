"""Try sessions: reported, and beside them in a copy of the project without a report."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import Run, read_run
from end_to_end.sessions import Ended, Project
from hazards.hazards import Session

two_workers = pytest.mark.parametrize("workers", [0, 2], ids=["plain", "xdist"])

_SUMMARY = re.compile(r"^=* ?((?:\d+ \w+(?:, )?)+|no tests ran) in .*$", re.MULTILINE)


def each(sessions: Sequence[Session]) -> pytest.MarkDecorator:
    """Parametrize a test over sessions, as plain ones and with a worker."""
    return pytest.mark.parametrize(
        ("session", "workers"),
        [
            pytest.param(session, workers, id=f"{session.id}-{'xdist' if workers else 'plain'}")
            for session in sessions
            for workers in (0, 1)
            if session.xdist == "both" or (session.xdist == "with") == bool(workers)
        ],
    )


def counts(ended: Ended) -> str:
    """Return what the terminal's last line counts."""
    found = _SUMMARY.findall(ended.out)
    return str(found[-1]) if found else ""


def embedded(project: Project) -> Target:
    """Return the platform that a project's sessions report to by default."""
    return Target("embedded", project.spool / "platform")


def can(*command: str) -> bool:
    """Tell whether *command* can be run here."""
    try:
        return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


needs_namespaces = pytest.mark.skipif(
    not can("unshare", "--mount", "--pid", "--fork", "--mount-proc"), reason="no namespaces for this user"
)


class Pair:
    """A project twice: the sessions of one are reported, those of the other are not.

    :ivar project: the one that is reported, ``bare`` the other.
    :ivar target: where it is reported to.
    :ivar reported: how the last reported session ended.
    """

    reported: Ended

    def __init__(self, folder: Path, target: Target) -> None:
        for name in ("with", "without"):
            (folder / name).mkdir()
        self.project = Project(folder / "with", target.environment)
        self.target = embedded(self.project) if target.kind == "embedded" else target
        self.bare = Project(folder / "without", {})

    def write(self, name: str, content: str) -> None:
        """Write a file of both."""
        for project in (self.project, self.bare):
            project.write(name, content)

    def try_both(self, *arguments: str, workers: int = 0) -> Ended:
        """Run a session in both, and check that they end alike."""
        bare = self.bare.run(*arguments, workers=workers, report=False)
        self.reported = self.project.run(*arguments, workers=workers)
        said = f"{self.reported.out}\nexit {self.reported.exit}; without a report:\n{bare.out}\nexit {bare.exit}"
        assert (self.reported.exit, counts(self.reported)) == (bare.exit, counts(bare)), said
        assert "internal error:" not in self.reported.out, said
        return self.reported

    def run(self, *arguments: str, workers: int = 0) -> Run:
        """Run a session in both, and return the one's run."""
        self.try_both(*arguments, workers=workers)
        return self.read()

    def read(self) -> Run:
        """Return the reported one's run, once all of it is there."""
        self.project.wait_for_uploader()
        run = read_run(self.target)
        run.check_totals()
        return run


def attempt(session: Session, workers: int, pair: Pair) -> Run:
    """Run *session* with and without a report, check what can be said of every session, and return its run."""
    session = session.tried()
    for hazard in session.hazards:
        pair.write(f"{hazard.module}.py", hazard.source)
    for name, content in session.files.items():
        pair.write(name, content)
    distribution = ("--dist=loadfile",) if workers else ()
    run = pair.run(*session.args, *distribution, workers=workers)
    assert run.outcomes == session.outcomes, pair.reported.out
    assert run.status == session.run
    late = run.test("test_late_fails")["error"]
    assert (late["expected"], late["actual"]) == ("[2]", "[1]")
    assert f"{len(run.tests)} tests run, {len(run.tests)} acknowledged" in pair.reported.out, pair.reported.out
    return run
