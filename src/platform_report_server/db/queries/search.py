"""Results of tests by a part of their titles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, or_, select, union

from platform_report_server.db.queries.history import BUCKET_ROWS, Place, unfolded_runs
from platform_report_server.db.schema import history, project, result, run, test_case

FEW = 200
"""Tests of which all results are looked up; where more are found, the runs are gone through, newest first."""

COUNTED = 1000
"""Results beyond the page that are counted of so many tests: to count them all would take seconds."""


def search_results(
    connection: Connection,
    project_id: int,
    run_id: int | None,
    search: str,
    status: Sequence[ColumnElement[bool]],
    *,
    limit: int,
    offset: int,
) -> tuple[list[Place], int]:
    """Return a page of results, of all runs where none is named, the newest run's first, and how many there are."""
    if run_id is not None:
        # tests once; then the results by what they refer to
        of_cases = result.c.case_id.in_(_cases(connection, project_id, search))
        has_words = or_(of_cases, _own_title(connection, search))
        return _page(connection, _in_run(project_id, run_id).where(*status, has_words), limit, offset)
    cases = connection.execute(_cases(connection, project_id, search).limit(FEW + 1)).scalars().all()
    if len(cases) > FEW:
        return _many(connection, project_id, search, status, limit, offset)
    return _page(connection, _few(connection, project_id, cases, search, status), limit, offset)


def _page(connection: Connection, found: Select[Any], limit: int, offset: int) -> tuple[list[Place], int]:
    run_id, seq = found.selected_columns
    page = found.add_columns(func.count().over().label("total")).order_by(run_id.desc(), seq)
    rows = connection.execute(page.limit(limit).offset(offset)).all()
    total = rows[0].total if rows else _count(connection, found) if offset else 0
    return [(row.run_id, row.seq) for row in rows], total


def _count(connection: Connection, found: Select[Any]) -> int:
    return connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()


def _many(
    connection: Connection,
    project_id: int,
    search: str,
    status: Sequence[ColumnElement[bool]],
    limit: int,
    offset: int,
) -> tuple[list[Place], int]:
    # each result is held against its own test, until there are enough: to find all the tests first would take longer
    has_words = or_(_cases_title(connection, search), _own_title(connection, search))
    newest = select(run.c.id).where(run.c.project_id == project_id, run.c.next_seq > 0).order_by(run.c.id.desc())
    total, most, places = 0, offset + limit + COUNTED, []
    for run_id in connection.execute(newest).scalars().all():
        found = _in_run(project_id, run_id).where(*status, has_words).order_by(result.c.seq).limit(most - total)
        rows = connection.execute(found).all()
        places += [(row.run_id, row.seq) for row in rows[max(offset - total, 0) : max(offset + limit - total, 0)]]
        total += len(rows)
        if total == most:
            break
    return places, total


def _in_run(project_id: int, run_id: int) -> Select[Any]:
    of_run = (result.c.project_id == project_id, result.c.run_id == run_id)
    return select(result.c.run_id, result.c.seq).where(*of_run)


def _few(
    connection: Connection,
    project_id: int,
    cases: Sequence[int],
    search: str,
    status: Sequence[ColumnElement[bool]],
) -> Select[Any]:
    of_project: ColumnElement[int] = result.c.project_id
    if connection.dialect.name == "sqlite":  # which would rather read all results of the project than that index
        of_project = result.c.project_id + 0
    own = select(result.c.run_id, result.c.seq).where(of_project == project_id, _own_title(connection, search))
    parts = [own, *(part(connection, project_id, cases) for part in _PARTS[connection.dialect.name])]
    keys = union(*parts).subquery()
    found = select(keys.c.run_id, keys.c.seq)
    if not status:
        return found
    same = and_(result.c.project_id == project_id, result.c.run_id == keys.c.run_id, result.c.seq == keys.c.seq)
    return found.join(result, same).where(*status)


def _indexed(_: Connection, project_id: int, cases: Sequence[int]) -> Select[Any]:
    of_cases = (result.c.project_id == project_id, result.c.case_id.in_(cases))
    return select(result.c.run_id, result.c.seq).where(*of_cases)


def _folded(connection: Connection, project_id: int, cases: Sequence[int]) -> Select[Any]:
    folded = connection.execute(select(project.c.folded).where(project.c.id == project_id)).scalar() or 0
    buckets = history.c.bucket.in_(range(folded // BUCKET_ROWS + 1))
    of_cases = (history.c.project_id == project_id, buckets, history.c.case_id.in_(cases))
    return select(history.c.run_id, history.c.seq).where(*of_cases)


def _unfolded(_: Connection, project_id: int, cases: Sequence[int]) -> Select[Any]:
    in_open_runs = result.c.run_id.in_(unfolded_runs(project_id))
    return select(result.c.run_id, result.c.seq).where(
        result.c.project_id == project_id, in_open_runs, result.c.case_id.in_(cases)
    )


_PARTS = {"postgresql": (_indexed,), "sqlite": (_folded, _unfolded)}


def _cases(connection: Connection, project_id: int, search: str) -> Select[Any]:
    return select(test_case.c.id).where(test_case.c.project_id == project_id, _has_title(connection, search))


def _cases_title(connection: Connection, search: str) -> ColumnElement[bool]:
    same = and_(test_case.c.project_id == result.c.project_id, test_case.c.id == result.c.case_id)
    # a value and no EXISTS, which PostgreSQL would answer by reading all tests
    return select(_has_title(connection, search)).where(same).correlate(result).scalar_subquery()


def _own_title(connection: Connection, search: str) -> ColumnElement[bool]:
    # hardly any result has one; the index of those that do needs the condition as it stands
    return and_(result.c.title.is_not(None), _has(connection, result.c.title, search))


def _has_title(connection: Connection, search: str) -> ColumnElement[bool]:
    full, own = test_case.c.full_title, test_case.c.title
    has_own = _has(connection, own, search)
    if connection.dialect.name == "postgresql":  # whose index of titles lacks those that are a part of the full title
        has_own = and_(func.strpos(full, own) == literal_column("0"), has_own)
    return or_(_has(connection, full, search), has_own)


def _has(connection: Connection, title: ColumnElement[Any], search: str) -> ColumnElement[bool]:
    if connection.dialect.name == "sqlite" and search.isascii():
        # LIKE of SQLite is without case for ASCII, and thirty times as fast as a function of Python's
        return title.contains(search, autoescape=True)
    return title.icontains(search, autoescape=True)
