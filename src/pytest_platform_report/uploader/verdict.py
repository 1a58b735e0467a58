"""What is to be said of a run as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model import RunStatus
from .tail import Segment


@dataclass(frozen=True)
class Verdict:
    """A run's final status, and its duration in milliseconds."""

    status: RunStatus
    duration: float


def judge(segments: Sequence[Segment], totals: Mapping[str, int], dropped: int = 0) -> Verdict | None:
    """Judge a run by its sessions' ends and its tests; None where no session has told anything.

    A session that was killed or interrupted makes the run ``cancelled``: what it would have found is not known.

    :param dropped: how many tests there were besides, which are left out of the run.
    """
    sessions = [segment for segment in segments if segment.session and segment.session["role"] != "worker"]
    begun = [segment.session["at"] for segment in segments if segment.session]
    if not begun:
        return None
    ends = [segment.closed["at"] if segment.closed else _last_written(segment) for segment in segments]
    duration = max(0.0, max(ends) - min(begun))
    if any(segment.closed is None or segment.closed["interrupted"] for segment in sessions) or not sessions:
        return Verdict("cancelled", duration)
    clean = all(segment.closed and segment.closed["exit"] == 0 for segment in sessions)
    passed = clean and not totals["failed"] and sum(totals.values()) + dropped > 0
    return Verdict("passed" if passed else "failed", duration)


def closing_fields(verdict: Verdict, totals: Mapping[str, int]) -> dict[str, Any]:
    """Return the body of PATCH /runs/:id that closes a run with *totals*, tests by status."""
    failed = verdict.status == "passed" and totals["failed"]  # by another session that reports into the same run
    return {
        "status": "failed" if failed else verdict.status,
        "totalTests": sum(totals.values()),
        **{f"{status}Tests": count for status, count in totals.items()},
        "duration": round(verdict.duration),
    }


def to_text(fields: Mapping[str, Any]) -> str:
    """Return fields as one text: equal texts are equal statistics."""
    return json.dumps(fields, sort_keys=True)


def _last_written(segment: Segment) -> float:
    return segment.reader.path.stat().st_mtime * 1000
