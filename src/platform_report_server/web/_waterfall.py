"""Where in its attempt each step lies, in percent."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from platform_report_server.model import Attempt, Step

_NARROWEST = 0.4


@dataclass(frozen=True)
class Bar:
    """A step and its place in time."""

    step: Step
    x: float
    width: float


def bars(attempt: Attempt) -> list[Bar] | None:
    """Return the steps with their places; None where it was not told when they began."""
    spans = [(step.start, step.duration or 0.0) for step in attempt.steps]
    if not spans or any(start is None or start is msgspec.UNSET for start, _ in spans):
        return None
    timed = [(float(start), duration) for start, duration in spans]  # type: ignore[arg-type]
    whole = max((start + duration for start, duration in timed), default=0.0) or 1.0
    made = []
    for step, (start, duration) in zip(attempt.steps, timed, strict=True):
        width = max(100 * duration / whole, _NARROWEST)
        made.append(Bar(step, round(min(100 * start / whole, 100 - width), 2), round(width, 2)))
    return made
