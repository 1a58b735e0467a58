"""Which tests fail on a branch, and since which run: kept when a run ends, from the results just counted."""

from __future__ import annotations

from dataclasses import astuple

from sqlalchemy import and_, delete, exists, insert, literal, select

from platform_report_server.db.portable import upsert
from platform_report_server.db.queries.failures import group_failures
from platform_report_server.db.queries.runs import RunRow, find_run
from platform_report_server.db.schema import RESULT_STATUSES, case_stat, failing, failure_group, result
from platform_report_server.ingest.writer import Write

_FAILED = RESULT_STATUSES.index("failed")


def note_failures(write: Write, run_id: int) -> None:
    """Note what fails and what does not any more on the branch of a run whose results were just counted."""
    row = find_run(write.connection, run_id)
    if row is None:
        return
    _forget_mended(write, row)
    if row.failed:
        _note_failing(write, row)
        _store_groups(write, row)


def forget_failures(write: Write, row: RunRow) -> None:
    """Delete what is known of the failures of a run that goes."""
    _forget_groups(write, row)
    # nobody has run them on this branch since: a branch that is dead leaves nothing behind
    left = and_(failing.c.project_id == row.project_id, failing.c.last_run == row.id)
    write.connection.execute(delete(failing).where(left))


def _forget_mended(write: Write, row: RunRow) -> None:
    ended_well = exists().where(
        case_stat.c.project_id == failing.c.project_id,
        case_stat.c.case_id == failing.c.case_id,
        case_stat.c.last_run == row.id,
        case_stat.c.last_status != _FAILED,
    )
    on_branch = and_(failing.c.project_id == row.project_id, failing.c.branch == (row.branch or ""))
    write.connection.execute(delete(failing).where(on_branch, ended_well))


def _note_failing(write: Write, row: RunRow) -> None:
    of_case = and_(case_stat.c.project_id == result.c.project_id, case_stat.c.case_id == result.c.case_id)
    names = [column.name for column in failing.c]
    rows = (
        select(result.c.project_id, literal(row.branch or ""), result.c.case_id, literal(row.id), literal(row.id))
        .select_from(result.join(case_stat, of_case))
        .where(result.c.project_id == row.project_id, result.c.run_id == row.id)
        .where(result.c.status != 0, result.c.status == _FAILED)  # as the partial index has it
        .where(case_stat.c.last_run == row.id, case_stat.c.last_status == _FAILED)
        .group_by(result.c.project_id, result.c.case_id)
    )
    new = upsert(write.connection.dialect.name, failing).from_select(names, rows)
    known = {"last_run": new.excluded.last_run}
    write.connection.execute(new.on_conflict_do_update(index_elements=["project_id", "branch", "case_id"], set_=known))


def _store_groups(write: Write, row: RunRow) -> None:
    _forget_groups(write, row)  # those before a late result
    names = [column.name for column in failure_group.c]
    groups = [
        dict(zip(names, (row.project_id, row.id, *astuple(group)), strict=True))
        for group in group_failures(write.connection, row)
    ]
    if groups:
        write.connection.execute(insert(failure_group), groups)


def _forget_groups(write: Write, row: RunRow) -> None:
    groups = and_(failure_group.c.project_id == row.project_id, failure_group.c.run_id == row.id)
    write.connection.execute(delete(failure_group).where(groups))
