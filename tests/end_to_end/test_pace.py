"""The platform limits, or loses what it has acknowledged: the pace that is kept, and the receipt."""

from __future__ import annotations

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for

_ALWAYS = 10**6
_SUITE = """
    import pytest

    @pytest.mark.parametrize("number", range(200))
    def test_it(number):
        assert number % 10 != 7
"""


def in_a_place_of_its_own(project: Project, name: str) -> None:
    """Let what is shared on one machine be shared by those alone that run in this place: it is another machine."""
    place = project.root / name
    place.mkdir()
    project.environment["TMPDIR"] = str(place)


@pytest.mark.parametrize("target", ["plain"], indirect=True)
def test_a_minutes_worth_of_tests(target: Target, project: Project) -> None:
    """200 tests where 40 a minute are allowed, on the scale of the test: a window opens, and no other one.

    One of them is lost on the way, and reading is limited, so that it cannot be looked up: that stops no other.
    """
    project.write("test_it.py", _SUITE)
    in_a_place_of_its_own(project, "first machine")
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

    assert "200 tests run, 40 acknowledged" in ended.out
    sent = [request.body["status"] for request in target.gate.requests if request.path == "/api/tests" and request.body]
    failed = 20 - (sent[0] == "failed")
    assert sent[1:] == ["failed"] * failed + ["passed"] * (41 - failed), "a queue begins with the failures"
    run = read_run(target)
    assert len(run.tests) == 40
    assert run.status == "failed"
    assert run.totals == {"total": 200, "passed": 180, "failed": 20, "skipped": 0, "flaky": 0}
    assert [request.method for request in target.gate.requests][-2:] == ["PATCH", "GET"]

    target.gate.reset()
    in_a_place_of_its_own(project, "second machine")
    synced = project.command("sync")
    assert synced.exit == 0
    assert "200 tests, 200 acknowledged" in synced.out
    run = read_run(target)
    assert len(run.outcomes) == 200
    run.check_totals()
    assert target.gate.requests[-1].method == "GET"
    assert target.gate.requests[-2].body["totalTests"] == 200


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
