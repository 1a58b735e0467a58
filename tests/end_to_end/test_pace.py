"""The platform limits, or loses what it has acknowledged: the pace that is kept, and the receipt."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for
from faults.reporting_api import KEY, PROJECT, ReportingApi
from faults.server import Server

pytestmark = pytest.mark.uncovered

_ALWAYS = 10**6
_SUITE = """
    import pytest

    @pytest.mark.parametrize("number", range({count}))
    def test_{name}(number):
        assert number % 33 != 7
"""


class Limited(NamedTuple):
    """A platform with the documented limits, in minutes of a second."""

    address: str
    api: ReportingApi

    def turned_away(self) -> int:
        return sum(map(sum, self.api.turned_away.values()))


@pytest.fixture
def limited() -> Iterator[Limited]:
    server = Server("reporting-api", {"minute": 1})
    assert isinstance(server.api, ReportingApi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Limited(server.address, server.api)
    server.shutdown()
    server.server_close()


def machine(root: Path, server: Limited) -> Project:
    """Return a project with a spool and a temporary directory of its own."""
    place = root / "tmp"
    place.mkdir(parents=True)
    environment = {"PLATFORM_URL": server.address, "PLATFORM_PROJECT": PROJECT, "PLATFORM_API_KEY": KEY}
    return Project(root, {**environment, "TMPDIR": str(place)})


def check_runs(server: Limited, count: int, of_each: int) -> None:
    """Check that there are so many runs, each closed and with all of its tests once."""
    held = server.api.held()
    assert held["violations"] == []
    assert [(run["status"], run["totalTests"]) for run in held["runs"]] == [("failed", of_each)] * count
    tests = Counter((test["runId"], test["title"]) for test in held["tests"])
    assert len(tests) == tests.total() == count * of_each


@pytest.mark.parametrize("target", ["plain"], indirect=True)
def test_a_minutes_worth_of_tests(target: Target, project: Project) -> None:
    """1,000 tests where 40 a minute are allowed, on the scale of the test: a window opens, and no other one.

    One of them is lost on the way, and reading is limited, so that it cannot be looked up: that stops no other.
    """
    project.write("test_it.py", _SUITE.format(count=1000, name="it"))
    project.environment["TMPDIR"] = str(project.root)  # no other test shares its waits
    later = {"retry-after": "200"}
    target.will(
        Fault("held", path="/api/tests"),
        Fault("reset", path="/api/tests"),
        Fault("answer", "GET", "/api/tests", status=429, headers=later),
        Fault("answer", path="/api/tests", times=_ALWAYS, after=39, status=429, headers=later),
    )
    session = project.start("--platform-drain-timeout=3")
    wait_for(target.gate.is_held.is_set, "the first test was sent")
    (journal,) = (project.run_folder / "journal").iterdir()
    wait_for(lambda: '"kind":"closed"' in journal.read_text(), "all had run")
    target.gate.release()
    ended = finish(session)
    assert ended.exit == 1

    assert "1,000 tests run, 40 acknowledged" in ended.out
    assert "the platform limits how many tests it takes at a time" in ended.out
    assert "'platform-report sync' delivers it" in ended.out
    sent = [request.body["status"] for request in target.gate.requests if request.path == "/api/tests" and request.body]
    failed = 31 - (sent[0] == "failed")
    assert sent[1:] == ["failed"] * failed + ["passed"] * (41 - failed), "a queue begins with the failures"
    run = read_run(target)
    assert len(run.tests) == 40
    assert run.status == "failed"
    assert run.totals == {"total": 1000, "passed": 969, "failed": 31, "skipped": 0, "flaky": 0}
    taken = [request.method for request in target.gate.requests if 0 < request.status < 400]
    assert taken[-2:] == ["PATCH", "GET"], "the totals are told last, but for tests that are offered in vain"


def leave_behind(project: Project, server: Limited, key: str) -> None:
    """Run a session that waits for nothing at its end; what failed is there a moment later, and the totals."""
    assert "100 tests run" in project.run("--platform-drain-timeout=0", f"--platform-run-key={key}").out
    project.wait_for_uploader(project.spool / "runs" / key)
    held = server.api.held()
    run = held["runs"][-1]
    assert (run["status"], run["totalTests"], run["failedTests"]) == ("failed", 100, 3)
    assert sum(test["runId"] == run["id"] and test["status"] == "failed" for test in held["tests"]) == 3


def test_what_is_left_is_delivered_within_the_limits(limited: Limited, tmp_path: Path) -> None:
    """By ``sync``, in the background with ``--platform-detach``, and by the uploader of the next session."""
    project = machine(tmp_path, limited)
    project.write("test_it.py", _SUITE.format(count=100, name="it"))
    limited.api.says = "nothing"
    leave_behind(project, limited, "one")
    assert "100 tests, 100 acknowledged" in project.command("sync").out
    check_runs(limited, 1, 100)

    limited.api.says = "x-ratelimit"
    before = limited.turned_away()
    leave_behind(project, limited, "two")
    detached = project.run("--platform-detach", "--platform-run-key=three")
    assert "delivery goes on in the background" in detached.out
    project.wait_for_uploader(project.spool / "runs" / "three")
    check_runs(limited, 3, 100)
    assert limited.turned_away() == before, "it told when it would take no more"


def test_shards_on_three_machines_keep_to_one_limit(limited: Limited, tmp_path: Path) -> None:
    """Each learns by an answer of its own that a minute's requests are used up, and by one only."""
    machines = [machine(tmp_path / str(shard), limited) for shard in (1, 2, 3)]
    for shard, project in enumerate(machines, 1):
        project.environment |= {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "4711", "GITHUB_REF_NAME": "main"}
        project.write(f"test_{shard}.py", _SUITE.format(count=40, name=f"of_{shard}"))
    sessions = [project.start(f"--platform-shard={shard}/3") for shard, project in enumerate(machines, 1)]
    for ended in map(finish, sessions):
        assert "40 tests run, 40 acknowledged\n" in ended.out
    for project in machines:
        project.wait_for_uploader()
    check_runs(limited, 1, 120)
    turned_away = limited.api.turned_away
    assert all(count <= 3 for counts in turned_away.values() for count in counts), turned_away


@pytest.mark.parametrize("target", ["plain"], indirect=True)
def test_receipt_names_what_is_not_there(target: Target, project: Project) -> None:
    """The platform takes a test and has it not; and it has one that nobody has sent."""
    project.write("test_it.py", "def test_one(): pass\ndef test_two(): pass\n")
    target.will(Fault("answer", path="/api/tests", status=200, body=b'{"id": "test_nowhere"}'))
    ended = project.run("--platform-strict")
    assert ended.exit == 1
    assert "2 tests run, 2 acknowledged" in ended.out
    assert "the platform shows 1 test in this run, fewer than the 2 it acknowledged" in ended.out
    assert "acknowledged, and not there: test_it.py::test_one" in ended.out
