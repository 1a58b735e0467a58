"""Since when a test fails on a branch, and what was changed then."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from platform_report_server.db.queries.failures import failing_since
from platform_report_server.db.queries.history import Execution
from platform_report_server.db.queries.runs import RunRow, find_run
from platform_report_server.db.queries.tests import TestRow
from platform_report_server.db.schema import RESULT_STATUSES

_FAILED, _PASSED = map(RESULT_STATUSES.index, ("failed", "passed"))
_COMMIT = re.compile("[0-9a-f]{7,64}")
_REPOSITORIES = (
    (re.compile(r"(https?://[^/\s]+/[^/\s]+/[^/\s]+)/actions/runs/\d+"), "{}/compare/{}...{}"),
    (re.compile(r"(https?://[^\s?#]+)/-/(?:pipelines|jobs)/\d+"), "{}/-/compare/{}...{}"),
)


@dataclass(frozen=True)
class Since:
    """The first run of an unbroken series of failures, and the last one before it in which the test passed."""

    run_id: int
    run: RunRow | None
    """None where it is gone."""
    passed: RunRow | None

    @property
    def changes(self) -> str | None:
        """The address that shows what lies between the two, where the CI's address tells the repository's."""
        if self.run is None or self.passed is None:
            return None
        return commits_between(self.passed, self.run)


def since_when(connection: Connection, row: RunRow, test: TestRow, executions: Iterable[Execution]) -> Since | None:
    """Return since when a test fails that failed in a run; None where it did not, or that is not known."""
    if test.status != _FAILED:
        return None
    first = failing_since(connection, row, test.case_id)
    if first is None or first > row.id:
        return None
    before = (each for each in executions if each.run_id < first and each.branch == row.branch)
    passed = next((each.run_id for each in before if each.status == _PASSED), None)
    return Since(first, find_run(connection, first), None if passed is None else find_run(connection, passed))


def commits_between(before: RunRow, after: RunRow) -> str | None:
    """Return the address that shows the commits between two runs, where the CI's address tells the repository's."""
    return compare_link(after.ci_build_url, before.commit_sha, after.commit_sha)


def compare_link(build: str | None, before: str | None, after: str | None) -> str | None:
    """Return the address of GitHub or GitLab that compares two commits, found from that of a build there."""
    if not build or not before or not after or not (_COMMIT.fullmatch(before) and _COMMIT.fullmatch(after)):
        return None
    for pattern, address in _REPOSITORIES:
        found = pattern.match(build)
        if found:
            return address.format(found[1], before, after)
    return None
