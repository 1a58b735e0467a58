"""The API's answers: rows in, JSON-ready values out."""

from __future__ import annotations

from typing import Any

import msgspec

from platform_report_server import ids
from platform_report_server.clock import iso
from platform_report_server.db.details import Detail
from platform_report_server.db.queries.history import Execution
from platform_report_server.db.queries.runs import RunRow, totals_of
from platform_report_server.db.queries.suites import Branch
from platform_report_server.db.queries.tests import TestRow
from platform_report_server.db.schema import RESULT_STATUSES


def run_shape(row: RunRow) -> dict[str, Any]:
    """Return all of a run."""
    totals = totals_of(row)
    return {
        "id": ids.encode("run", row.id),
        "projectId": row.project,
        "status": row.status,
        "branch": row.branch,
        "commitSha": row.commit_sha,
        "commitMessage": row.commit_message,
        "commitAuthor": row.commit_author,
        "ciProvider": row.ci_provider,
        "ciBuildId": row.ci_build_id,
        "ciBuildUrl": row.ci_build_url,
        "playwrightVersion": row.playwright_version,
        "workers": row.workers,
        "shardCurrent": row.shard_current,
        "shardTotal": row.shard_total,
        "browser": row.browser,
        "os": row.os,
        "viewport": row.viewport,
        "hostname": row.hostname,
        "totalTests": totals.total,
        "passedTests": totals.passed,
        "failedTests": totals.failed,
        "skippedTests": totals.skipped,
        "flakyTests": totals.flaky,
        "passRate": totals.pass_rate,
        "duration": number(totals.duration),
        "runTitle": row.title,
        "tags": msgspec.Raw(row.tags.encode()),
        "grepPatterns": msgspec.Raw(row.grep_patterns.encode()),
        "metadata": msgspec.Raw(row.metadata.encode()),
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
    }


def listed_test_shape(row: TestRow, detail: Detail) -> dict[str, Any]:
    """Return what a list says of a test."""
    return {
        "id": ids.test_id(row.run_id, row.seq),
        "runId": ids.encode("run", row.run_id),
        "projectId": row.project,
        "title": row.title,
        "fullTitle": row.full_title,
        "filePath": row.file_path,
        "status": RESULT_STATUSES[row.status],
        "duration": number(row.duration),
        "isFlaky": bool(row.flaky),
        "error": detail.error,
        "createdAt": iso(row.created_at),
    }


def test_shape(row: TestRow, detail: Detail) -> dict[str, Any]:
    """Return all of a test but the steps."""
    shape = listed_test_shape(row, detail) | {
        "lineNumber": detail.line,
        "retries": row.retries,
        "attempt": row.attempt,
        "tags": detail.tags,
        "annotations": detail.annotations,
        "stdout": detail.stdout,
        "stderr": detail.stderr,
    }
    if detail.attempts is not None:
        shape["attempts"] = [
            {name: value for name, value in msgspec.to_builtins(attempt).items() if name != "steps"}
            for attempt in detail.attempts
        ]
    return shape


def execution_shape(row: Execution) -> dict[str, Any]:
    """Return one line of a test's history."""
    return {
        "runId": ids.encode("run", row.run_id),
        "status": RESULT_STATUSES[row.status],
        "duration": number(row.duration),
        "branch": row.branch,
        "createdAt": iso(row.created_at),
    }


def suite_shape(row: Any) -> dict[str, Any]:
    """Return a suite."""
    return {
        "id": ids.encode("suite", row.id),
        "title": row.title,
        "filePath": row.file_path or None,
        "parentSuiteId": ids.encode("suite", row.parent_id) if row.parent_id else None,
    }


def branch_shape(branch: Branch) -> dict[str, Any]:
    """Return a suite with those below it."""
    return suite_shape(branch.suite) | {"children": [branch_shape(child) for child in branch.children]}


def number(value: float) -> int | float:
    """Return a whole number as one."""
    return int(value) if value == int(value) else value
