"""The API key goes to the platform and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for

pytestmark = pytest.mark.uncovered

_TELLING = """
    import os
    import sys

    import pytest

    from pytest_platform_report import step

    KEY = os.environ["PLATFORM_API_KEY"]

    def test_prints():
        print(KEY)
        print(KEY, file=sys.stderr)

    def test_fails():
        found = {"key": KEY}
        assert found == {"key": "another"}

    @pytest.mark.parametrize("key", [KEY])
    def test_parameter(key): pass

    def test_steps():
        with pytest.raises(ValueError):
            with step("use " + KEY):
                raise ValueError(KEY)

    @pytest.mark.skip(reason=KEY)
    def test_skipped(): pass
"""


def holders(folder: Path, secret: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_it_is_in_no_file_and_no_report(target: Target, project: Project, workers: int) -> None:
    project.write("test_it.py", _TELLING)
    project.run(f"--platform-run-title=with {target.key}", workers=workers)
    assert holders(project.spool, target.key) == []
    run = read_run(target)
    assert len(run.tests) == 5
    assert target.key not in repr(run)
    assert run.test("test_prints")["stdout"] == "[redacted]\n"
    assert run.test("test_parameter[[redacted]]")["status"] == "passed"
    assert "[redacted]" in run.test("test_fails")["error"]["actual"]
    assert run.fields["runTitle"] == "with [redacted]"


def test_it_is_not_in_what_the_session_says(target: Target, project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    target.will(Fault("answer", status=401, body=f'{{"error": {{"message": "{target.key} is wrong"}}}}'.encode()))
    ended = project.run("-v")
    assert "answered 401: [redacted] is wrong" in ended.out
    assert target.key not in ended.out
    assert holders(project.spool, target.key) == []


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_it_is_in_no_command_line(target: Target, project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    target.will(Fault("held", path="/api/runs"))
    session = project.start()
    wait_for(target.gate.is_held.is_set, "the run was asked for")
    uploader = project.status()["process"]["pid"]
    for pid in (session.pid, uploader):
        assert target.key.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert str(project.run_folder).encode() in Path(f"/proc/{uploader}/cmdline").read_bytes()
    target.gate.release()
    finish(session)


def test_from_a_file_it_works_as_well(target: Target, project: Project, workers: int) -> None:
    del project.environment["PLATFORM_API_KEY"]
    project.write("test_it.py", "import os\n\ndef test_it():\n    print(open('key.txt').read())\n")
    project.write("key.txt", target.key + "\n")
    ended = project.run("--platform-api-key-file=key.txt", workers=workers)
    assert "1 test run, 1 acknowledged" in ended.out
    assert "[redacted]" in read_run(target).test("test_it")["stdout"]
    assert holders(project.spool, target.key) == []


def test_others_cannot_read_the_spool(target: Target, project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    project.run()
    assert project.spool.stat().st_mode & 0o077 == 0
    assert (project.spool / ".gitignore").read_text() == "*\n"
