"""The steps of an attempt as a tree, from what its journal notes: its phases, and the steps in the order they began."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ..model import Outcome, Step

_NEXT = {"setup": "call", "call": "teardown", "teardown": "teardown"}


def steps_of(attempt: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return each phase, followed by the steps that began in it, each followed by those inside it."""
    noted = attempt.get("steps", ())
    phases = _phases_of(attempt)
    if not noted:
        return tuple(phases)
    inside: dict[int | None, list[int]] = defaultdict(list)
    for number, step in enumerate(noted):
        inside[step.get("parent")].append(number)
    for siblings in inside.values():
        siblings.sort(key=lambda number: noted[number]["start"])
    outermost = inside[None]
    steps: list[Step] = []
    for place, phase in enumerate(phases):
        is_last = place == len(phases) - 1
        steps.append(phase)
        end = phase.start + phase.duration
        while outermost and (is_last or noted[outermost[0]]["start"] < end):
            _add(steps, noted, inside, outermost.pop(0), depth=1)
    for number in outermost:  # of an attempt that tells of no phases
        _add(steps, noted, inside, number, depth=0)
    return tuple(steps)


def _add(
    steps: list[Step], noted: list[dict[str, Any]], inside: Mapping[int | None, list[int]], number: int, depth: int
) -> None:
    waiting = [(number, depth)]
    while waiting:
        number, depth = waiting.pop()
        step = noted[number]
        steps.append(
            Step(
                title=step["title"],
                category=step["category"],
                status=step["status"],
                start=step["start"],
                duration=step["duration"],
                depth=depth,
                error=step.get("error"),
            )
        )
        waiting += [(each, depth + 1) for each in reversed(inside.get(number, ()))]


def _phases_of(attempt: Mapping[str, Any]) -> list[Step]:
    """Return the phases that have ended, and the one that the attempt was cut off in."""
    if "phases" not in attempt:
        return []
    failures = attempt.get("failures")
    errors = {each["phase"]: each["message"].partition("\n")[0] for each in failures} if failures else {}
    phases: list[Step] = []
    begin = 0.0
    told: list[tuple[str, Outcome, float]] = list(attempt["phases"])
    if attempt["duration"] > (told[-1][2] if told else -1.0):
        cut = _NEXT[told[-1][0]] if told else "setup"
        if told and told[-1][1] != "passed":
            cut = "teardown"
        told.append((cut, attempt["outcome"], attempt["duration"]))
    for name, outcome, end in told:
        error = errors.get(name) if outcome == "failed" else None
        phases.append(Step(name, "hook", outcome, begin, max(end - begin, 0.0), 0, error))
        begin = max(begin, end)
    return phases
