"""Bodies of the reporting API, made from the values of :mod:`pytest_platform_report.model`."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from ..model import Annotation, Attempt, Failure, Lane, Result, Step
from ..text import STACK_LIMIT, shorten
from .capabilities import Capabilities

REPORT_ID = "report-id"
"""The type of the annotation by which a test is found again."""

# The fraction apart: Python 3.10 reads one of three or six digits only.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d|)")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LONGEST_WORKER = 100
_DEEPEST = 100


def test_fields(result: Result, *, run_id: str, project: str, capabilities: Capabilities, lane: Lane) -> dict[str, Any]:
    """Return the body of POST /tests for *result*, which *lane* ran."""
    place, status, last = result.place, result.status, result.attempts[-1]
    fields: dict[str, Any] = {
        "runId": run_id,
        "projectId": project,
        "title": result.title,
        "fullTitle": place.full_title,
        "filePath": place.file_path,
        "status": status,
        "duration": _ms(last.duration),
        "retries": len(result.attempts) - 1,
        "attempt": len(result.attempts),
        "isFlaky": status == "flaky",
        "tags": list(result.tags),
        "annotations": [
            *_annotations((*result.annotations, *last.annotations, *_locations(status, last))),
            {"type": REPORT_ID, "description": result.report_id},
        ],
        "error": _error(last.failures) if status == "failed" else None,
        "steps": _steps(last.steps, nested=capabilities.attempts),
        "stdout": last.stdout,
        "stderr": last.stderr,
    }
    if place.line is not None:
        fields["lineNumber"] = place.line
    if capabilities.attempts and len(result.attempts) > 1:
        fields["attempts"] = [_attempt(number, attempt) for number, attempt in enumerate(result.attempts, 1)]
    if capabilities.timeline and result.start is not None:
        fields |= {"startedAt": iso(result.start)} | _lane(lane)
    if capabilities.suites:
        fields["suites"] = place.suites[:_DEEPEST]
    return fields


def iso(ms: float) -> str:
    """Return a moment, in milliseconds since 1970, as ISO 8601 in UTC."""
    moment = _EPOCH + timedelta(milliseconds=round(ms))
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def moment(text: object) -> float:
    """Return a moment that a platform names, in seconds since 1970; infinite where that is no moment."""
    found = _MOMENT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return math.inf
    zone = "+00:00" if found[3] in ("", "Z") else found[3]
    try:
        return datetime.fromisoformat(f"{found[1]}{zone}").timestamp() + float(found[2] or 0)
    except ValueError:
        return math.inf


def _lane(lane: Lane) -> dict[str, Any]:
    worker = "".join(filter(str.isprintable, lane.worker))[:_LONGEST_WORKER]
    told = {"worker": worker or None, "shard": lane.shard}
    return {name: value for name, value in told.items() if value is not None}


def _attempt(number: int, attempt: Attempt) -> dict[str, Any]:
    return {
        "attempt": number,
        "status": attempt.outcome,
        "startedAt": iso(attempt.start),
        "duration": _ms(attempt.duration),
        "error": _error(attempt.failures),
        "steps": _steps(attempt.steps, nested=True),
        "stdout": attempt.stdout,
        "stderr": attempt.stderr,
        "annotations": _annotations(attempt.annotations),
    }


def _locations(status: str, last: Attempt) -> list[Annotation]:
    failures = last.failures if status == "failed" else ()
    return [Annotation("location", failure.location) for failure in failures if failure.location]


def _error(failures: tuple[Failure, ...]) -> dict[str, str] | None:
    if not failures:
        return None
    first, *others = failures
    stacks = [first.stack, *(f"--- {other.phase} ---\n{other.stack or other.message}" for other in others)]
    error = {"message": first.message, "stack": shorten("\n\n".join(stack for stack in stacks if stack), STACK_LIMIT)}
    for failure in failures:
        if failure.expected is not None or failure.actual is not None:
            error |= {"expected": failure.expected or "", "actual": failure.actual or ""}
            break
    return error


def _steps(steps: tuple[Step, ...], *, nested: bool) -> list[dict[str, Any]]:
    """Return *steps* with their depth, or with the titles of those around them, but for the phase, before their own."""
    fields = []
    parents: list[str] = []
    for step in steps:
        del parents[step.depth :]
        is_phase = step.category == "hook" and step.depth == 0
        parents.append("" if is_phase else step.title)
        field: dict[str, Any] = {
            "title": step.title if nested or is_phase else " > ".join(filter(None, parents)),
            "category": step.category,
            "status": step.status,
            "duration": _ms(step.duration),
            "error": None if step.error is None else {"message": step.error},
        }
        if nested:
            field |= {"depth": step.depth, "start": max(round(step.start, 2), 0.0)}
        fields.append(field)
    return fields


def _annotations(annotations: tuple[Annotation, ...]) -> list[dict[str, str]]:
    return [{"type": annotation.type, "description": annotation.description} for annotation in annotations]


def _ms(duration: float) -> int:
    # Whole numbers, as all documented examples have them: a platform may keep them in an integer column.
    return max(round(duration), 0)
