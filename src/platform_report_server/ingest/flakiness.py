"""Flakiness: what the results of a run that has ended add to the statistics of their tests, and quarantine.

A test has one execution a run, whatever the number of its results: skipped ones are none, the last of the others says
how it ended, and it is flaky where one of them is, or passed after one that failed. Executions stand in the order in
which their runs ended. A run's results are counted once, by their numbers; what comes after its end is counted with
its batch, and changes the execution that the run already has, as long as that is the test's newest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Exists,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
    update,
)

from platform_report_server.db.portable import BitCount, upsert
from platform_report_server.db.queries.flakiness import LEAST, WINDOW
from platform_report_server.db.queries.history import executed_before
from platform_report_server.db.schema import NO_SCORE, RESULT_STATUSES, case_stat, project, result, run
from platform_report_server.ingest.writer import Write
from platform_report_server.text import clean

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

RELEASED_AFTER = 20
"""Executions in a row without a failure after which a test that was quarantined automatically is released."""

_ENDED_TOGETHER = 500

_PASSED, _FAILED, _SKIPPED, _FLAKY = map(RESULT_STATUSES.index, ("passed", "failed", "skipped", "flaky"))
_RING = 2**WINDOW - 1
_NEWEST = 2**RELEASED_AFTER - 1

_PROJECT, _RUN = bindparam("in_project", type_=BigInteger), bindparam("in_run", type_=BigInteger)
_BUCKET, _SINCE, _NOW = (
    bindparam("in_bucket", type_=Integer),
    bindparam("since", type_=Integer),
    bindparam("now", type_=BigInteger),
)
_IS_AUTOMATIC, _THRESHOLD = bindparam("is_automatic", type_=Integer), bindparam("threshold", type_=Double)


def count_results(write: Write, project_id: int, run_id: int) -> bool:
    """Count what is not counted yet of a run that has ended and is folded; tell whether there was anything."""
    this_run = (run.c.project_id == project_id, run.c.id == run_id)
    state = write.connection.execute(select(run.c.next_seq, run.c.counted_seq, run.c.bucket).where(*this_run)).one()
    if state.counted_seq == state.next_seq:
        return False
    rules = _lock(write, project_id)
    write.connection.execute(
        _counting(write.connection.dialect.name, bool(state.counted_seq)),
        {
            "in_project": project_id,
            "in_run": run_id,
            "in_bucket": state.bucket,
            "since": state.counted_seq,
            "now": write.now,
            "is_automatic": rules.auto_quarantine,
            "threshold": rules.flakiness_threshold,
        },
    )
    write.connection.execute(update(run).where(*this_run).values(counted_seq=state.next_seq))
    return True


@dataclass(frozen=True)
class Terms:
    """Why a test is in quarantine, who looks after it, and when that ends."""

    why: str | None = None
    owner: str | None = None
    until: int | None = None


def quarantine(write: Write, project_id: int, cases: Iterable[int], terms: Terms) -> None:
    """Put tests into quarantine by hand."""
    _decide(write, project_id, cases, True, terms)


def release(write: Write, project_id: int, cases: Iterable[int]) -> None:
    """Take tests out of quarantine by hand."""
    _decide(write, project_id, cases, False, Terms())


def end_quarantines(write: Write) -> bool:
    """Release some of the tests whose quarantine has ended; tell whether there were any."""
    is_over = case_stat.c.quarantined_until <= write.now
    first = select(case_stat.c.project_id).where(is_over).order_by(case_stat.c.quarantined_until).limit(1)
    project_id = write.connection.execute(first).scalar()
    if project_id is None:
        return False
    _lock(write, project_id)
    # by the index of those that end: SQLite would rather read all tests of the project
    some = select(case_stat.c.case_id).where(is_over, case_stat.c.project_id + 0 == project_id)
    release(write, project_id, write.connection.execute(some.limit(_ENDED_TOGETHER)).scalars().all())
    return True


def _decide(write: Write, project_id: int, cases: Iterable[int], is_quarantined: bool, terms: Terms) -> None:
    _lock(write, project_id)
    state = {
        "quarantined": int(is_quarantined),
        "quarantined_by": "manual",
        "quarantined_why": clean(terms.why),
        "quarantined_at": write.now,
        "quarantined_owner": clean(terms.owner),
        "quarantined_until": terms.until,
    }
    new = upsert(write.connection.dialect.name, case_stat)
    changed = new.on_conflict_do_update(
        index_elements=["project_id", "case_id"], set_={name: new.excluded[name] for name in state}
    )
    rows = [{"project_id": project_id, "case_id": case_id} | state for case_id in cases]
    if rows:
        write.connection.execute(changed, rows)


def _lock(write: Write, project_id: int) -> Any:
    """Return the project's rules; what follows is computed from rows that nobody else may change meanwhile."""
    rules = select(project.c.auto_quarantine, project.c.flakiness_threshold).where(project.c.id == project_id)
    return write.connection.execute(rules.with_for_update(key_share=True)).one()


@cache  # putting it together costs more than running it
def _counting(dialect: str, is_late: bool) -> sqlite.Insert | postgresql.Insert:
    """Return the statement; each step of its query names what the next one computes with."""
    executions = _executions()
    known = executed_before(dialect, executions.c.case_id, _PROJECT, _RUN, _BUCKET, _SINCE) if is_late else None
    rows = _quarantined(_scored(_counted(executions, known)))
    if dialect == "postgresql":
        # a sort, so that all is read before the first row is written: planned for a table that is still empty, the
        # look-up of each test's old row would go through all that this statement has written so far
        rows = rows.order_by(None).order_by(rows.selected_columns.case_id + 0)
    names = [column.name for column in rows.selected_columns]
    new = upsert(dialect, case_stat).from_select(names, rows)
    return new.on_conflict_do_update(
        index_elements=["project_id", "case_id"], set_={name: new.excluded[name] for name in names}
    )


def _executions() -> Subquery:
    status, seq = result.c.status, result.c.seq
    is_flaky = or_(result.c.flaky != 0, status == _FLAKY)
    results = select(
        result.c.case_id,
        (func.max(seq * 4 + status) % 4).label("status"),  # that of the last one
        func.max(_bit(is_flaky)).label("flaky"),
        func.min(case((status == _FAILED, seq))).label("first_failed"),
        func.max(case((status == _PASSED, seq))).label("last_passed"),
        func.max(result.c.created_at).label("at"),
    )
    here = (result.c.project_id == _PROJECT, result.c.run_id == _RUN, result.c.seq >= _SINCE, status != _SKIPPED)
    return results.where(*here).group_by(result.c.case_id).subquery("execution")


def _counted(new: Subquery, is_known: Exists | None) -> Subquery:
    old = case_stat.alias("old")
    is_again = old.c.last_run == _RUN

    def was(name: str) -> ColumnElement[int]:
        return case((is_again, old.c[name].bitwise_and(1)), else_=0)

    has_failed = new.c.status == _FAILED
    is_flaky = or_(
        new.c.flaky == 1,
        new.c.first_failed < new.c.last_passed,
        was("bits_flaky") == 1,
        and_(was("bits_fail") == 1, new.c.last_passed.is_not(None)),
    )

    def ring(name: str, is_set: ColumnElement[bool]) -> ColumnElement[int]:
        bits = old.c[name]
        others = case((is_again, bits - bits.bitwise_and(1)), else_=func.coalesce(bits, 0) * 2)
        return others.bitwise_or(_bit(is_set)).bitwise_and(_RING).label(name)

    def count(name: str, ring: str, is_set: ColumnElement[bool]) -> ColumnElement[int]:
        return (func.coalesce(old.c[name], 0) - was(ring) + _bit(is_set)).label(name)

    rows = select(
        new.c.case_id,
        (func.coalesce(old.c.runs, 0) + case((is_again, 0), else_=1)).label("runs"),
        count("fails", "bits_fail", has_failed),
        count("flakes", "bits_flaky", is_flaky),
        ring("bits_fail", has_failed),
        ring("bits_flaky", is_flaky),
        new.c.status.label("last_status"),
        case((is_flaky, new.c.at), else_=old.c.last_flaky_at).label("last_flaky_at"),
        func.coalesce(old.c.quarantined, 0).label("was_quarantined"),
        old.c.quarantined_by,
        old.c.quarantined_why,
        old.c.quarantined_at,
        old.c.quarantined_owner,
        old.c.quarantined_until,
    ).select_from(new.outerjoin(old, and_(old.c.project_id == _PROJECT, old.c.case_id == new.c.case_id)))
    if is_known is not None:
        rows = rows.where(or_(is_again, ~is_known))
    return rows.subquery("counted")


def _scored(rows: Subquery) -> Subquery:
    executions = case((rows.c.runs < WINDOW, rows.c.runs), else_=WINDOW)
    score = cast(BitCount(rows.c.bits_flaky), Double) / executions
    bad = rows.c.bits_flaky.bitwise_or(rows.c.bits_fail)
    is_clean = and_(rows.c.runs >= RELEASED_AFTER, bad.bitwise_and(_NEWEST) == 0)
    return select(
        *rows.c, case((rows.c.runs >= LEAST, score), else_=NO_SCORE).label("score"), _bit(is_clean).label("is_clean")
    ).subquery("scored")


def _quarantined(rows: Subquery) -> Select[Any]:
    is_automatic = rows.c.quarantined_by == "auto"
    leaves = and_(rows.c.was_quarantined == 1, is_automatic, rows.c.is_clean == 1)
    enters = and_(
        _IS_AUTOMATIC == 1,
        rows.c.was_quarantined == 0,
        rows.c.score > _THRESHOLD,
        rows.c.is_clean == 0,
        # who was released by hand comes in again by being flaky again, not by what was known then
        or_(rows.c.quarantined_by.is_(None), is_automatic, rows.c.bits_flaky.bitwise_and(1) == 1),
    )
    changes = or_(leaves, enters)
    kept = [column for column in rows.c if column.name in case_stat.c and not column.name.startswith("quarantined_")]
    return select(
        _PROJECT.label("project_id"),
        *kept,
        _RUN.label("last_run"),
        case((leaves, 0), (enters, 1), else_=rows.c.was_quarantined).label("quarantined"),
        case((changes, "auto"), else_=rows.c.quarantined_by).label("quarantined_by"),
        case((changes, None), else_=rows.c.quarantined_why).label("quarantined_why"),
        case((changes, _NOW), else_=rows.c.quarantined_at).label("quarantined_at"),
        case((changes, None), else_=rows.c.quarantined_owner).label("quarantined_owner"),
        case((changes, None), else_=rows.c.quarantined_until).label("quarantined_until"),
    ).order_by(rows.c.case_id)


def _bit(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)
