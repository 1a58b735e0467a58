"""An attempt's steps as a tree."""

from __future__ import annotations

from typing import Any

from pytest_platform_report.journal.steps import steps_of

WHOLE = [["setup", "passed", 10.0], ["call", "passed", 20.0], ["teardown", "passed", 30.0]]


def step(title: str, start: float, parent: int | None = None) -> dict[str, Any]:
    noted = {"title": title, "category": "action", "status": "passed", "start": start, "duration": 1.0}
    return noted if parent is None else {**noted, "parent": parent}


def tree(**attempt: Any) -> list[tuple[str, int]]:
    return [(each.title, each.depth) for each in steps_of({"outcome": "passed", "duration": 30.0, **attempt})]


def test_steps_are_in_the_phase_that_they_began_in() -> None:
    steps = [step("fixture", 2.0), step("act", 10.0), step("clean", 25.0), step("between", 19.99)]
    assert tree(phases=WHOLE, steps=steps) == [
        ("setup", 0),
        ("fixture", 1),
        ("call", 0),
        ("act", 1),
        ("between", 1),
        ("teardown", 0),
        ("clean", 1),
    ]


def test_siblings_are_in_order_whatever_threads_did() -> None:
    steps = [step("a", 11.0), step("b", 12.0), step("in b", 12.5, 1), step("in a", 12.6, 0), step("in in b", 12.7, 2)]
    assert tree(phases=WHOLE, steps=steps)[2:-1] == [("a", 1), ("in a", 2), ("b", 1), ("in b", 2), ("in in b", 3)]


def test_phases_have_their_time_and_their_error() -> None:
    phases = [["setup", "passed", 10.0], ["call", "failed", 20.0], ["teardown", "passed", 30.0]]
    failures = [{"phase": "call", "message": "ValueError: too hot\nby far"}]
    setup, call, teardown = steps_of({"outcome": "failed", "duration": 30.0, "phases": phases, "failures": failures})
    assert (call.start, call.duration, call.status, call.error) == (10.0, 10.0, "failed", "ValueError: too hot")
    assert [each.category for each in (setup, call, teardown)] == ["hook"] * 3
    assert (setup.error, teardown.start) == (None, 20.0)


def test_phase_that_was_cut_off_ends_with_the_attempt() -> None:
    setup, call, inner = steps_of(
        {"outcome": "skipped", "duration": 50.0, "phases": WHOLE[:1], "steps": [step("wait", 12.0)]}
    )
    assert (call.title, call.status, call.start, call.duration) == ("call", "skipped", 10.0, 40.0)
    assert (setup.status, inner.title, inner.depth) == ("passed", "wait", 1)


def test_teardown_follows_a_setup_that_failed() -> None:
    assert tree(phases=[["setup", "failed", 10.0]]) == [("setup", 0), ("teardown", 0)]


def test_attempt_cut_off_in_its_setup() -> None:
    assert tree(phases=[], steps=[step("wait", 1.0)]) == [("setup", 0), ("wait", 1)]


def test_attempt_without_phases_has_its_steps_all_the_same() -> None:
    assert tree(steps=[step("a", 1.0), step("b", 2.0, 0)]) == [("a", 0), ("b", 1)]
    assert tree() == []
