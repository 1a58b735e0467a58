"""What is to be said of a run as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..model import RunStatus
from .tail import Segment

_WORSE: tuple[RunStatus, ...] = ("passed", "failed", "cancelled")


@dataclass(frozen=True)
class Verdict:
    """A run's final status, its duration in milliseconds, and how its shards ended.

    A shard goes by ``K/N``, a session that is none by its id.

    :ivar shard_of: by which of these names each session goes.
    """

    status: RunStatus
    duration: float
    of_shards: Mapping[str, RunStatus] = field(default_factory=dict, compare=False)
    shard_of: Mapping[str, str] = field(default_factory=dict, compare=False)


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
    of_shards: dict[str, RunStatus] = {}
    for segment in sessions:
        name, status = _name_of_shard(segment), _end_of_session(segment)
        of_shards[name] = worst(status, of_shards.get(name, status))
    status = worst(*of_shards.values()) if of_shards else "cancelled"
    if status == "passed" and (totals["failed"] or not sum(totals.values()) + dropped):
        status = "failed"
    shard_of = {segment.name_of_session: _name_of_shard(segment) for segment in sessions}
    return Verdict(status, duration, of_shards, shard_of)


def worst(*statuses: RunStatus) -> RunStatus:
    """Return the status that says most: what was cancelled has not found all that it would have."""
    return max(statuses, key=_WORSE.index)


def _end_of_session(segment: Segment) -> RunStatus:
    if segment.closed is None or segment.closed["interrupted"]:
        return "cancelled"
    return "failed" if segment.closed["exit"] else "passed"


def _name_of_shard(segment: Segment) -> str:
    shard = (segment.session or {}).get("settings", {}).get("shard")
    return f"{shard[0]}/{shard[1]}" if shard else segment.name_of_session


def closing_fields(verdict: Verdict, totals: Mapping[str, int]) -> dict[str, Any]:
    """Return the body of PATCH /runs/:id that closes a run with *totals*, tests by status."""
    failed = verdict.status == "passed" and totals["failed"]  # by another session that reports into the same run
    return {
        "status": "failed" if failed else verdict.status,
        "totalTests": sum(totals.values()),
        **{f"{status}Tests": count for status, count in totals.items()},
        "duration": round(verdict.duration),
    }


def to_text(fields: Mapping[str, Any], acknowledged: int) -> str:
    """Return fields as one text: where it is equal, there are the same statistics and as many tests on the platform."""
    return json.dumps({**fields, "acknowledged": acknowledged}, sort_keys=True)


def _last_written(segment: Segment) -> float:
    return segment.reader.path.stat().st_mtime * 1000
