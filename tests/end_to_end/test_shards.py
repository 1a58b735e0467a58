"""Shards: several sessions, on one machine or on several, that make one run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import Run, read_run, read_runs
from end_to_end.sessions import Ended, Project, finish
from end_to_end.waiting import wait_for

pytestmark = pytest.mark.uncovered

_BUILD = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "4711", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_REF_NAME": "main"}

# Each says that it runs, and ends when it is told to.
_SUITE = """
    import pathlib, time

    MEETING = pathlib.Path({meeting!r})

    def test_that_ends_when_told():
        (MEETING / "runs-{shard}").touch()
        while not (MEETING / "end-{shard}").exists():
            time.sleep(0.01)

    def test_more():
        assert {shard} != {failing}
"""

_FEW = """
    import pytest

    @pytest.mark.parametrize("number", range({tests}))
    def test_it(number):
        assert number
"""

_ALWAYS = 10**6


@pytest.fixture
def make_machine(target: Target, tmp_path: Path) -> Iterator[Callable[[], Project]]:
    """Make projects with spools of their own, in one CI build."""
    made: list[Project] = []

    def make() -> Project:
        root = tmp_path / f"machine-{len(made) + 1}"
        root.mkdir()
        made.append(Project(root, {**target.environment, **_BUILD}))
        return made[-1]

    yield make
    for project in made:
        project.close()


def start(project: Project, shard: int, meeting: Path, failing: int = 0) -> subprocess.Popen[str]:
    """Start shard *shard* of 3, which waits in its first test."""
    project.write(f"test_{shard}.py", _SUITE.format(meeting=str(meeting), shard=shard, failing=failing))
    return project.start(f"--platform-shard={shard}/3", f"test_{shard}.py")


def wait_until_all_run(meeting: Path) -> None:
    wait_for(lambda: len(list(meeting.glob("runs-*"))) == 3, "all shards ran")


def end(meeting: Path, shard: int) -> None:
    (meeting / f"end-{shard}").touch()


def words_told(run: Run, *, of_ends: bool) -> list[str]:
    """Return how the shards ended by their own word, or what they said that they had found."""
    (shards,) = [suite for suite in run.suites if suite["title"] == "shards"]
    return sorted(suite["title"] for suite in shards["children"] if ("found" in suite["title"]) != of_ends)


def ends_told(run: Run) -> list[str]:
    return words_told(run, of_ends=True)


def found_told(run: Run) -> list[str]:
    return words_told(run, of_ends=False)


def wait_until_it_says(target: Target, totals: dict[str, int]) -> None:
    wait_for(lambda: [run.totals for run in read_runs(target)] == [totals], "the totals were told")


def check_that_all_is_there(run: Run) -> None:
    assert set(run.outcomes) == {
        f"test_{shard} > test_{name}" for shard in (1, 2, 3) for name in ("that_ends_when_told", "more")
    }
    run.check_totals()
    assert run.fields["shardTotal"] == 3
    assert run.fields["shardCurrent"] is None


def final_patches(target: Target) -> list[dict[str, int]]:
    return [
        request.body for request in target.gate.requests if request.method == "PATCH" and "totalTests" in request.body
    ]


def test_on_one_machine(target: Target, make_machine: Callable[[], Project], tmp_path: Path) -> None:
    """Though the one that ends last is not the one that began last, what is told at the end is told once."""
    project = make_machine()
    shards = {shard: start(project, shard, tmp_path, failing=3) for shard in (1, 2, 3)}
    wait_until_all_run(tmp_path)
    for shard in (2, 3, 1):
        end(tmp_path, shard)
        ended = finish(shards[shard])
        assert ended.exit == (shard == 3)
        assert "2 tests run, 2 acknowledged" in ended.out
    project.wait_for_uploader()
    run = read_run(target)
    check_that_all_is_there(run)
    assert run.status == "failed"
    shards_of_tests = {(test["filePath"], test.get("shard")) for test in run.tests}
    assert shards_of_tests == {(f"test_{n}.py", None if target.kind == "plain" else n) for n in (1, 2, 3)}
    assert ends_told(run) == ["1/3 passed", "2/3 passed", "3/3 failed"]
    assert found_told(run) == [
        *(f"{shard}/3 found 2 passed, 0 failed, 0 skipped, 0 flaky" for shard in (1, 2)),
        "3/3 found 1 passed, 1 failed, 0 skipped, 0 flaky",
    ]
    (told,) = final_patches(target)
    assert (told["totalTests"], told["failedTests"]) == (6, 1)


@pytest.mark.parametrize("target", ["plain"], indirect=True)
def test_on_one_machine_where_one_is_killed(
    target: Target, make_machine: Callable[[], Project], tmp_path: Path
) -> None:
    project = make_machine()
    shards = {shard: start(project, shard, tmp_path) for shard in (1, 2, 3)}
    wait_until_all_run(tmp_path)
    shards[1].kill()
    finish(shards[1])
    for shard in (2, 3):
        end(tmp_path, shard)
        assert finish(shards[shard]).exit == 0
    project.wait_for_uploader()
    run = read_run(target)
    assert run.test("test_1 > test_that_ends_when_told")["status"] == "failed"
    assert (len(run.tests), run.status) == (5, "failed")
    run.check_totals()
    assert ends_told(run) == ["1/3 cancelled", "2/3 passed", "3/3 passed"]
    assert len(final_patches(target)) == 1


@pytest.mark.parametrize("target", ["served", "plain"], indirect=True)
def test_on_three_machines_at_once(target: Target, make_machine: Callable[[], Project], tmp_path: Path) -> None:
    """All find no run, so that each creates one, and the answer to one of these is lost; and all end at once."""
    looks = Fault("held", "GET", "/api/runs", times=3)
    target.will(looks, Fault("lost answer", "POST", "/api/runs"))
    machines = [make_machine() for _ in range(3)]
    shards = [start(project, shard, tmp_path) for shard, project in enumerate(machines, 1)]
    wait_for(lambda: looks.times == 0, "all three had looked for a run")
    target.gate.release()
    wait_until_all_run(tmp_path)
    for shard in (1, 2, 3):
        end(tmp_path, shard)
    for ended in map(finish, shards):
        assert ended.exit == 0
        assert "2 tests run, 2 acknowledged" in ended.out
    for project in machines:
        project.wait_for_uploader()
    run = read_run(target)
    check_that_all_is_there(run)
    assert run.status == "passed"
    assert ends_told(run) == ["1/3 passed", "2/3 passed", "3/3 passed"]
    assert target.gate.count("POST", "/api/runs") == 3
    assert sum(request.method == "DELETE" for request in target.gate.requests) == 2
    finished = machines[0].command("run", "finish", "--strict", "--expect-shards=3")
    assert finished.exit == 0
    assert finished.out.splitlines()[1:] == [
        "6 tests: 6 passed, 0 failed, 0 skipped, 0 flaky",
        *(f"  ✓ shard {shard}/3: passed" for shard in (1, 2, 3)),
    ]


@pytest.mark.parametrize("target", ["plain"], indirect=True)
def test_what_all_have_found_is_told_at_once(target: Target, make_machine: Callable[[], Project]) -> None:
    """The platform takes one test and no more; words it takes, where the shards leave them when a wait is over."""
    machines = [make_machine() for _ in range(2)]
    limit = Fault("answer", path="/api/tests", times=_ALWAYS, after=1, status=429, headers={"retry-after": "1.5"})
    target.will(limit)
    found = 0
    for shard, (project, tests) in enumerate(zip(machines, (5, 3), strict=True), 1):
        project.write(f"test_{shard}.py", _FEW.format(tests=tests))
        assert project.run("--platform-detach", f"--platform-shard={shard}/2").exit == 1
        found += tests
        totals = {"total": found, "passed": found - shard, "failed": shard, "skipped": 0, "flaky": 0}
        wait_until_it_says(target, totals)
    wait_for(lambda: len(found_told(read_run(target))) == 2, "both had told what they had found")
    run = read_run(target)
    assert (len(run.tests), run.status, ends_told(run)) == (1, "failed", [])
    assert found_told(run)[1] == "2/2 found 2 passed, 1 failed, 0 skipped, 0 flaky"

    target.gate.reset()
    for project in machines:
        project.wait_for_uploader()
    run = read_run(target)
    assert (len(run.outcomes), run.status, run.totals) == (8, "failed", totals)
    assert ends_told(run) == ["1/2 failed", "2/2 failed"]


def test_a_shard_that_never_comes_is_named(target: Target, make_machine: Callable[[], Project], tmp_path: Path) -> None:
    for shard, missing in ((1, "2 shards of 3 told no end: 2, 3"), (3, "1 shard of 3 told no end: 2")):
        end(tmp_path, shard)
        ended = finish(start(make_machine(), shard, tmp_path))
        assert "2 tests run, 2 acknowledged" in ended.out
        assert missing in ended.out.splitlines()
    assert read_run(target).status == "running"
    project = make_machine()
    finished = project.command("run", "finish", "--expect-shards=3", "--json")
    assert finished.exit == 1
    run = read_run(target)
    assert json.loads(finished.out) == {
        "id": run.id,
        "status": "failed",
        "totals": {"total": 4, "passed": 4, "failed": 0, "skipped": 0, "flaky": 0},
        "shards": {"1/3": "passed", "3/3": "passed"},
        "missing": [2],
        "url": f"{target.address}/runs/{run.id}",
    }
    assert run.status == "failed"
    assert ends_told(run) == ["1/3 passed", "2/3 missing", "3/3 passed"]
    run.check_totals()
    again = project.command("run", "finish")
    assert again.exit == 0
    assert "  ✗ 1 shard of 3 told no end: 2" in again.out.splitlines()


@pytest.mark.parametrize("target", ["plain"], indirect=True)
def test_a_run_is_created_before_its_shards(target: Target, project: Project) -> None:
    target.will(Fault("lost answer", "POST", "/api/runs"))
    created = project.command("run", "create", "--title=nightly", "--tag=slow", "--shards=2", "--json")
    assert created.exit == 0, created.out
    run = read_run(target)
    assert json.loads(created.out) == {
        "id": run.id,
        "title": "nightly",
        "shards": 2,
        "url": f"{target.address}/runs/{run.id}",
    }
    assert (run.fields["runTitle"], run.fields["shardTotal"], run.status) == ("nightly", 2, "running")
    assert "slow" in run.fields["tags"]
    project.environment["PLATFORM_RUN_ID"] = run.id
    project.write("test_it.py", "def test_one(): pass\ndef test_two(): pass\n")
    for shard, name in ((1, "one"), (2, "two")):
        ended = project.run(f"--platform-shard={shard}/2", f"test_it.py::test_{name}")
        assert "1 test run, 1 acknowledged" in ended.out
        assert read_run(target).status == "running"
    finished = project.command("run", "finish", "--strict")
    assert finished.exit == 0
    run = read_run(target)
    assert (run.status, run.outcomes) == ("passed", {"test_it > test_one": "passed", "test_it > test_two": "passed"})
    run.check_totals()


def test_finish_gives_the_verdict(target: Target, project: Project) -> None:
    """Sessions that are no shards, one of which fails without a failing test."""
    run_id = project.command("run", "create").out.strip()
    project.environment["PLATFORM_RUN_ID"] = run_id
    empty = project.command("run", "finish", "--fail-on-failures")
    assert (empty.exit, read_run(target).status) == (1, "failed")
    project.write("test_it.py", "def test_one(): pass\n")
    project.write("conftest.py", "def pytest_sessionfinish(session): session.exitstatus = 1\n")
    assert project.run().exit == 1
    (project.root / "conftest.py").unlink()
    assert project.run().exit == 0
    for arguments, exit_status in ([], 0), (["--fail-on-failures"], 1):
        assert project.command("run", "finish", *arguments).exit == exit_status
        assert read_run(target).status == "failed"


@pytest.mark.parametrize(
    ("arguments", "exit_status", "said"),
    [
        (["finish"], 1, "there is no run to finish: give its id, set PLATFORM_RUN_ID to it, or call this in"),
        (["finish", "run_of_nobody"], 1, "answered 404 NOT_FOUND"),
        (["finish", "--expect-shards=0"], 2, "'0' is no number of shards: give one from 1 to 10000"),
        ([], 2, "the following arguments are required: COMMAND"),
    ],
)
def test_what_is_wrong_is_said(project: Project, arguments: list[str], exit_status: int, said: str) -> None:
    ended: Ended = project.command("run", *arguments)
    assert ended.exit == exit_status
    assert said in ended.out
    assert "Traceback" not in ended.out
