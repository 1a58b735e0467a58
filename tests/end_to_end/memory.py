"""How much memory a session and its uploader take at most."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for

_SUITE = """
    import pytest

    @pytest.mark.parametrize("number", range({count}))
    def test_it(number):
        print({output} * "x")
"""

_CONFTEST = """
    from pathlib import Path

    def pytest_unconfigure():
        Path("status").write_text(Path("/proc/self/status").read_text())
"""


@dataclass(frozen=True)
class Peaks:
    """The most memory that each process has had resident, in MiB; of an uploader, None where there is none."""

    session: float
    uploader: float | None


def measure(
    folder: Path, count: int, *, output: int = 0, report: bool = True, platform: Mapping[str, str] | None = None
) -> Peaks:
    """Run a session of so many tests that print so much, reported or not.

    :param platform: the environment that names it; the embedded one by default.
    """
    project = Project(folder, {**(platform or {}), "PLATFORM_DETACH": "1"})
    project.write("test_it.py", _SUITE.format(count=count, output=output))
    project.write("conftest.py", _CONFTEST)
    process = project.start("-p", "no:terminal", report=report)  # nobody reads what it prints
    uploader = 0.0

    def is_over() -> bool:
        nonlocal uploader
        if not report or not project.run_folders:
            return process.poll() is not None
        uploader = max(uploader, _peak(Path(f"/proc/{project.status().get('process', {}).get('pid')}/status")))
        return project.status().get("state") == "done" and not project.uploader_lives()

    wait_for(is_over, "all was delivered", deadline=60 + count / 50)
    ended = finish(process)
    assert ended.exit == 0, ended.out
    return Peaks(_peak(folder / "status"), uploader if report else None)


def _peak(status: Path) -> float:
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
    except OSError:  # it is gone
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
