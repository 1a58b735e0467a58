"""What failed in a run, grouped by what the failures say, and since when it does on the run's branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from platform_report_server.db.queries.runs import RunRow
from platform_report_server.db.schema import RESULT_STATUSES, case_stat, failing, failure_group, result
from platform_report_server.signature import signature

MOST_FAILURES = 20_000
"""Failed results of one run that are grouped; a run with more has one cause, which these show."""

_MOST_GROUPS = 200
_FAILED = RESULT_STATUSES.index("failed")


@dataclass(frozen=True)
class FailureGroup:
    """Failures of a run with one signature."""

    signature: bytes
    tests: int
    new: int
    """Of them, those that did not fail on the branch before."""
    flaky: int
    """Of them, those that were flaky in one of their last executions."""
    quarantined: int
    since_run: int
    """The run since which the first of them fails."""
    seq: int
    """The number of the first result."""
    message: str | None
    """Its message."""


def failure_groups(connection: Connection, row: RunRow) -> list[FailureGroup]:
    """Return the groups of a run, those with new failures before the others, the largest first."""
    here = (failure_group.c.project_id == row.project_id, failure_group.c.run_id == row.id)
    columns = [column for column in failure_group.c if column.name not in ("project_id", "run_id")]
    found = connection.execute(select(*columns).where(*here)).all() if row.finished_at is not None else []
    groups = [FailureGroup(*each) for each in found] or group_failures(connection, row)
    return sorted(groups, key=lambda group: (not group.new, -group.tests, group.seq))


def failing_since(connection: Connection, row: RunRow, case_id: int) -> int | None:
    """Return the run since which a test fails on a run's branch; None where its last execution there did not."""
    series = (failing.c.project_id == row.project_id, failing.c.branch == (row.branch or ""))
    return connection.execute(select(failing.c.since_run).where(*series, failing.c.case_id == case_id)).scalar()


def results_of_group(connection: Connection, row: RunRow, wanted: bytes) -> list[int]:
    """Return the numbers of the results that a group has, one of each test."""
    return [failure.seq for failure in _failures(connection, row) if signature(failure.message) == wanted]


def group_failures(connection: Connection, row: RunRow) -> list[FailureGroup]:
    """Return the groups as the results have them now."""
    groups: dict[bytes, list[Row[Any]]] = {}
    for failure in _failures(connection, row):
        groups.setdefault(signature(failure.message), []).append(failure)
    largest = sorted(groups.items(), key=lambda item: -len(item[1]))[:_MOST_GROUPS]
    return [_group(signed, members, row.id) for signed, members in largest]


def _failures(connection: Connection, row: RunRow) -> Iterator[Row[Any]]:
    """Yield the first failed result of each test that failed in the end."""
    known: set[int] = set()
    for failure in connection.execute(_failed(row).limit(MOST_FAILURES)):
        if failure.case_id not in known:
            known.add(failure.case_id)
            yield failure


def _failed(row: RunRow) -> Select[Any]:
    of_case = and_(case_stat.c.project_id == result.c.project_id, case_stat.c.case_id == result.c.case_id)
    on_branch = and_(
        failing.c.project_id == result.c.project_id,
        failing.c.branch == (row.branch or ""),
        failing.c.case_id == result.c.case_id,
    )
    passed_after = and_(case_stat.c.last_run == row.id, case_stat.c.last_status != _FAILED)
    return (
        select(
            result.c.seq,
            result.c.case_id,
            result.c.message,
            func.coalesce(case_stat.c.bits_flaky, 0).label("bits_flaky"),
            func.coalesce(case_stat.c.quarantined, 0).label("quarantined"),
            failing.c.since_run,
        )
        .select_from(result.outerjoin(case_stat, of_case).outerjoin(failing, on_branch))
        .where(result.c.project_id == row.project_id, result.c.run_id == row.id)
        .where(result.c.status != 0, result.c.status == _FAILED)  # as the partial index has it
        .where(or_(case_stat.c.case_id.is_(None), ~passed_after))
        .order_by(result.c.seq)
    )


def _group(signed: bytes, members: list[Row[Any]], run_id: int) -> FailureGroup:
    # what began after this run, as seen from an old one, says nothing about it
    since = [run_id if each.since_run is None else min(each.since_run, run_id) for each in members]
    return FailureGroup(
        signed,
        tests=len(members),
        new=since.count(run_id),
        flaky=sum(each.bits_flaky != 0 for each in members),
        quarantined=sum(each.quarantined for each in members),
        since_run=min(since),
        seq=members[0].seq,
        message=members[0].message,
    )
