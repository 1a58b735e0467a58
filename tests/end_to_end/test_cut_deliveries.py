"""Deliveries that are cut short: answers that are lost, requests that are refused for now, uploaders that are killed.

Whatever happens, each test arrives, and arrives once.
"""

from __future__ import annotations

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import Run, read_run
from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for

_SUITE = """
    import pytest

    from pytest_platform_report import attach

    class TestIt:
        @pytest.mark.parametrize("number", range(8))
        def test_it(self, number): pass

    def test_fails():
        attach(b"\\x89PNG\\r\\n\\x1a\\n", name="cup.png")
        assert False
"""

pytestmark = [pytest.mark.uncovered, pytest.mark.parametrize("target", ["served", "plain"], indirect=True)]


def check_delivery(target: Target) -> Run:
    run = read_run(target)
    expected = {f"test_it > TestIt > test_it[{number}]": "passed" for number in range(8)}
    assert run.outcomes == {**expected, "test_it > test_fails": "failed"}
    assert [(suite["title"], [child["title"] for child in suite["children"]]) for suite in run.suites] == [
        ("test_it", ["TestIt"])
    ]
    assert run.status == "failed"
    run.check_totals()
    return run


def paths(target: Target) -> list[tuple[str, str]]:
    """All that a run is written by: method and path, empty where it holds an id."""
    tests = ("/api/tests/bulk",) if target.kind == "served" else ("/api/test-suites", "/api/tests")
    return [*(("POST", path) for path in ("/api/runs", *tests)), ("PATCH", "")]


def test_lost_answers(target: Target, project: Project) -> None:
    project.write("test_it.py", _SUITE)
    target.will(*(Fault("lost answer", method, path) for method, path in paths(target)[1:]))
    ended = project.run()
    assert ended.exit == 1
    assert "9 tests run, 9 acknowledged\n" in ended.out
    assert sum(request.status == 0 for request in target.gate.requests) == len(paths(target)) - 1
    assert len(check_delivery(target).artifacts) == 1


def test_a_lost_answer_to_the_run(target: Target, project: Project) -> None:
    project.write("test_it.py", _SUITE)
    target.will(Fault("lost answer", "POST", "/api/runs"))
    ended = project.run()
    assert "9 tests run, 9 acknowledged\n" in ended.out
    assert target.gate.count("POST", "/api/runs") == 1
    check_delivery(target)


def test_reset_connections(target: Target, project: Project) -> None:
    project.write("test_it.py", _SUITE)
    target.will(*(Fault("reset", method, path) for method, path in [*paths(target), ("POST", "/api/upload")]))
    ended = project.run()
    assert "9 tests run, 9 acknowledged\n" in ended.out
    assert sum(request.status == 0 for request in target.gate.requests) == len(paths(target)) + 1
    assert len(check_delivery(target).artifacts) == 1


def test_a_busy_platform(target: Target, project: Project) -> None:
    project.write("test_it.py", _SUITE)
    later = {"retry-after": "0.5"}
    target.will(
        Fault("answer", path="/api/runs", times=3, status=503),
        Fault("answer", path="/api/upload", status=429, headers=later),
        *(Fault("answer", method, path, status=429, headers=later) for method, path in paths(target)[1:]),
    )
    ended = project.run()
    assert "9 tests run, 9 acknowledged\n" in ended.out
    assert sum(request.status in (429, 503) for request in target.gate.requests) == len(paths(target)) + 3
    assert len(check_delivery(target).artifacts) == 1


@pytest.mark.parametrize("place", [0, 1, -2], ids=["at the run", "at a suite", "at a test"])
def test_a_killed_uploader(target: Target, project: Project, place: int) -> None:
    """The platform has carried out the request; whoever sent it has not been told, and the next one goes on."""
    if (target.kind, place) == ("served", 1):
        pytest.skip("suites come with their tests")
    project.write("test_it.py", _SUITE)
    method, path = paths(target)[place]
    target.will(Fault("held", method, path))
    session = project.start()
    wait_for(target.gate.is_held.is_set, "a request was held")
    project.kill_uploader()
    ended = finish(session)
    assert ended.exit == 1
    assert "9 tests run, 9 acknowledged\n" in ended.out
    check_delivery(target)


def test_a_refused_test_is_named_and_the_others_arrive(target: Target, project: Project) -> None:
    project.write("test_it.py", _SUITE)
    refusal = b'{"error": {"code": "VALIDATION_ERROR", "message": "not on a Sunday"}}'
    # The failed test goes first; where several go together, each is sent by itself after the refusal.
    target.will(Fault("answer", path=paths(target)[-2][1], times=2, status=400, body=refusal))
    ended = project.run()
    run = read_run(target)
    refused = 9 - len(run.tests)
    assert refused in (1, 2)
    assert f"9 tests run, {9 - refused} acknowledged, {refused} refused\n" in ended.out
    assert ended.out.count("not on a Sunday") == refused
    assert len(run.outcomes) == len(run.tests)
