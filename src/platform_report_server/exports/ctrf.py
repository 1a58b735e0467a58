"""CTRF: the Common Test Report Format, in JSON."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from platform_report_server import ids
from platform_report_server.clock import iso, now_ms
from platform_report_server.db.queries.artifacts import ArtifactRow
from platform_report_server.db.queries.lanes import list_lanes, started_at
from platform_report_server.db.queries.runs import totals_of
from platform_report_server.db.queries.tests import TestRow
from platform_report_server.db.queries.timeline import extent_of
from platform_report_server.exports.names import REPORT_ID, own_name, reason_of, suites_of
from platform_report_server.exports.source import Entry, Source
from platform_report_server.ids import moment_of
from platform_report_server.model import Annotation, Attempt, Step, TestError

SPECIFICATION = "0.0.0"
_STATUSES = {"passed": "passed", "failed": "failed", "skipped": "skipped", "flaky": "passed"}


def pieces(source: Source) -> Iterator[bytes]:
    """Give out the file."""
    head = {
        "reportFormat": "CTRF",
        "specVersion": SPECIFICATION,
        "reportId": str(uuid.uuid4()),
        "runId": ids.encode("run", source.run.id),
        "timestamp": iso(now_ms()),
        "generatedBy": f"pytest-platform-report {version('pytest-platform-report')}",
    }
    results = {"tool": {"name": "pytest"}, "summary": _summary(source), "environment": _environment(source)}
    lanes = list_lanes(source.connection, source.run.project_id, source.run.id)
    threads = {lane.number: lane.name for lane in lanes if lane.is_named}
    yield _json(head)[:-1] + b',"results":' + _json(results)[:-1] + b',"tests":['
    comma = b"\n"
    for entry in source.entries():
        yield comma + _json(_test(source, entry, threads))
        comma = b",\n"
    yield b"\n]}}\n"


def _summary(source: Source) -> dict[str, int]:
    run = source.run
    start, stop = run.created_at, run.finished_at or run.updated_at
    extent = extent_of(source.connection, run.project_id, run.id)
    if extent is not None:
        start, stop = (moment_of(run.id) + round(moment) for moment in extent)
    return {
        "tests": run.passed + run.failed + run.skipped + run.flaky,
        "passed": run.passed + run.flaky,
        "failed": run.failed,
        "skipped": run.skipped,
        "pending": 0,
        "other": 0,
        "flaky": run.flaky,
        "start": start,
        "stop": stop,
        "duration": round(totals_of(run).duration),
    }


def _environment(source: Source) -> dict[str, Any]:
    run = source.run
    told = {
        "reportName": run.title,
        "appName": source.project,
        "buildId": run.ci_build_id,
        "buildName": run.ci_provider,
        "buildUrl": run.ci_build_url,
        "commit": run.commit_sha,
        "branchName": run.branch,
        "osPlatform": run.os,
    }
    extra = {"status": run.status, "hostname": run.hostname, "workers": run.workers}
    extra["metadata"] = msgspec.json.decode(run.metadata)
    return _without_gaps(told) | {"extra": _without_gaps(extra)}


def _test(source: Source, entry: Entry, threads: Mapping[int, str]) -> dict[str, Any]:
    row, detail = entry.row, entry.detail
    attempts = detail.attempts or []
    told: dict[str, Any] = {
        "testId": ids.encode("test", row.case_id),
        "executionId": ids.test_id(row.run_id, row.seq),
        "name": row.title,
        "status": _STATUSES[entry.status],
        "rawStatus": entry.status,
        "duration": round(row.duration),
        **_times(row),
        "threadId": threads.get(row.lane),
        "suite": suites_of(row),
        "filePath": row.file_path,
        "line": detail.line,
        "tags": detail.tags,
        "labels": _labels(detail.annotations),
        "retries": row.retries,
        "retryAttempts": [_attempt(each, place) for place, each in enumerate(attempts[:-1], 1)],
        "stdout": _lines(detail.stdout),
        "stderr": _lines(detail.stderr),
        "steps": list(_steps(detail.steps)),
        "attachments": [_attachment(source, each) for each in entry.artifacts],
    }
    told |= _failure(detail.error) or {"message": reason_of(detail.annotations)}
    if row.title != own_name(row):
        told["extra"] = {"function": own_name(row)}
    return _without_gaps(told) | {"flaky": entry.status == "flaky"}


def _times(row: TestRow) -> dict[str, int]:
    start = started_at(row)
    took = row.duration if row.lasted is None else row.lasted
    return {} if start is None else {"start": start, "stop": start + round(took)}


def _labels(notes: Iterable[Annotation]) -> dict[str, Any]:
    told: dict[str, list[str]] = defaultdict(list)
    for note in notes:
        if note.type != REPORT_ID:
            told[note.type].append(note.description or "")
    return {name: values[0] if len(values) == 1 else values for name, values in told.items()}


def _attempt(attempt: Attempt, place: int) -> dict[str, Any]:
    told = {
        "attempt": attempt.attempt or place,
        "status": _STATUSES.get(attempt.status or "", "other"),
        "duration": None if attempt.duration is None else round(attempt.duration),
        "stdout": _lines(attempt.stdout),
        "stderr": _lines(attempt.stderr),
    }
    return _without_gaps(told | _failure(attempt.error))


def _failure(error: TestError | None) -> dict[str, Any]:
    return {} if error is None else {"message": error.message, "trace": error.stack}


def _steps(steps: Iterable[Step]) -> Iterator[dict[str, Any]]:
    for step in steps:
        status = _STATUSES.get(step.status or "", "failed" if step.error else "other" if step.status else "passed")
        extra = {"category": step.category, "duration": step.duration, "depth": step.depth or None}
        yield {"name": step.title, "status": status, "extra": _without_gaps(extra)}


def _attachment(source: Source, row: ArtifactRow) -> dict[str, Any]:
    return {"name": row.file_name, "contentType": row.mime, "path": source.link(row) or row.file_name}


def _lines(text: str | None) -> list[str]:
    return text.splitlines() if text else []


def _without_gaps(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value not in (None, [], {})}


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)
