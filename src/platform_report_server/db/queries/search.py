"""Results of tests by a part of their titles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, or_, select, union

from platform_report_server.db.queries.history import Place, in_buckets, unfolded_runs
from platform_report_server.db.schema import history, result, run, test_case

FEW = 400
"""Tests whose results are looked up; where more are found, the results of runs are held against all of them."""

COUNTED = 500
"""Results beyond the page that are counted: to count them all would take seconds."""

_MOST_RUNS = 100
_PROBED = 3000
"""Results, the newest run's first ones, that are held each against its own test: often that is all there is to do."""


def search_results(
    connection: Connection,
    project_id: int,
    run_id: int | None,
    search: str,
    status: int | None,
    *,
    limit: int,
    offset: int,
) -> tuple[list[Place], int]:
    """Return a page of results, of all runs where none is named, the newest run's first, and how many there are."""
    cases = connection.execute(cases_with(connection, project_id, search).limit(FEW + 1)).scalars().all()
    is_few = len(cases) <= FEW
    most = offset + limit + COUNTED
    if not is_few and most <= _PROBED // 2:
        places = _probed(connection, project_id, run_id, search, status, most)
        if len(places) == most:
            return places[offset : offset + limit], most
    total, places = 0, []
    first = most // (len(cases) or 1) + 1 if is_few else 1
    runs = _newest(connection, project_id, first) if run_id is None else [run_id]
    while runs and total < most:
        if is_few:
            found = _few(connection, project_id, runs, cases, search, status)
        else:
            found = _many(connection, project_id, runs, search, status)
        of_run, seq = found.selected_columns
        rows = connection.execute(found.order_by(of_run.desc(), seq).limit(most - total)).all()
        places += [(row.run_id, row.seq) for row in rows[max(offset - total, 0) : max(offset + limit - total, 0)]]
        total += len(rows)
        if run_id is not None:
            break
        # as many runs as should have what is missing, at the rate of those before
        more = (most - total) * len(runs) // len(rows) + 1 if rows else len(runs) * 4
        runs = _newest(connection, project_id, more if is_few else min(more, _MOST_RUNS), runs[-1])
    return places, total


def _probed(
    connection: Connection, project_id: int, run_id: int | None, search: str, status: int | None, most: int
) -> list[Place]:
    runs = _newest(connection, project_id, 1) if run_id is None else [run_id]
    if not runs:
        return []
    rows = select(result.c.project_id, result.c.run_id, result.c.seq, result.c.case_id, result.c.title)
    rows = rows.where(result.c.project_id == project_id, result.c.run_id == runs[0], *status_is(status))
    first = rows.order_by(result.c.seq).limit(_PROBED).subquery()
    same = and_(test_case.c.project_id == first.c.project_id, test_case.c.id == first.c.case_id)
    # a value and no join, which might begin with all the tests
    has_words = select(has_title(connection, search)).where(same).scalar_subquery()
    found = select(first.c.run_id, first.c.seq).where(or_(has_words, _has_own(connection, first.c.title, search)))
    return [(row.run_id, row.seq) for row in connection.execute(found.order_by(first.c.seq).limit(most))]


def _newest(connection: Connection, project_id: int, count: int, before: int | None = None) -> list[int]:
    newest = select(run.c.id).where(run.c.project_id == project_id, run.c.next_seq > 0).order_by(run.c.id.desc())
    if before is not None:
        newest = newest.where(run.c.id < before)
    return list(connection.execute(newest.limit(count)).scalars())


def _many(connection: Connection, project_id: int, runs: Sequence[int], search: str, status: int | None) -> Select[Any]:
    of_runs = (result.c.project_id == project_id, _is_among(result.c.run_id, runs))
    has_words = or_(result.c.case_id.in_(cases_with(connection, project_id, search)), _own_title(connection, search))
    return select(result.c.run_id, result.c.seq).where(*of_runs, *status_is(status), has_words)


def _is_among(column: ColumnElement[int], runs: Sequence[int]) -> ColumnElement[bool]:
    # one run alone is read in its order, and no further than it must
    return column == runs[0] if len(runs) == 1 else column.in_(runs)


def _few(
    connection: Connection,
    project_id: int,
    runs: Sequence[int],
    cases: Sequence[int],
    search: str,
    status: int | None,
) -> Select[Any]:
    of_project: ColumnElement[int] = result.c.project_id
    if connection.dialect.name == "sqlite":  # which would rather read all results of the project than that index
        of_project = result.c.project_id + 0
    own = select(result.c.run_id, result.c.seq).where(of_project == project_id, _own_title(connection, search))
    own = own.where(_between(result.c.run_id + 0, runs))  # the same for the runs
    parts = [own, *(part(connection, project_id, runs, cases) for part in _PARTS[connection.dialect.name])]
    keys = union(*(_with_status(part, status) for part in parts)).subquery()
    return select(keys.c.run_id, keys.c.seq)


def _with_status(part: Select[Any], status: int | None) -> Select[Any]:
    if status is None:
        return part
    if part.selected_columns.run_id.table is result:
        return part.where(result.c.status + 0 == status)  # not by the index of all the results of that status
    # a value and no join, which would begin with those as well
    same = and_(*(result.c[name] == history.c[name] for name in ("project_id", "run_id", "seq")))
    return part.where(select(result.c.status).where(same).scalar_subquery() == status)


def _between(run_id: ColumnElement[int], runs: Sequence[int]) -> ColumnElement[bool]:
    return run_id.between(runs[-1], runs[0])


def status_is(status: int | None) -> list[ColumnElement[bool]]:
    """Return the conditions that a result has a status, where one is asked for."""
    if status is None:
        return []
    # the partial index is used only where its own condition stands in the query
    return [result.c.status == 0] if status == 0 else [result.c.status != 0, result.c.status == status]


def _indexed(_: Connection, project_id: int, runs: Sequence[int], cases: Sequence[int]) -> Select[Any]:
    of_cases = (result.c.project_id == project_id, result.c.case_id.in_(cases))
    return select(result.c.run_id, result.c.seq).where(*of_cases, _between(result.c.run_id, runs))


def _folded(connection: Connection, project_id: int, runs: Sequence[int], cases: Sequence[int]) -> Select[Any]:
    of_cases = (history.c.project_id == project_id, history.c.case_id.in_(cases), in_buckets(connection, project_id))
    return select(history.c.run_id, history.c.seq).where(*of_cases, _between(history.c.run_id, runs))


def _unfolded(_: Connection, project_id: int, runs: Sequence[int], cases: Sequence[int]) -> Select[Any]:
    in_open_runs = (result.c.run_id.in_(unfolded_runs(project_id)), _between(result.c.run_id + 0, runs))
    return select(result.c.run_id, result.c.seq).where(
        result.c.project_id == project_id, *in_open_runs, result.c.case_id.in_(cases)
    )


_PARTS = {"postgresql": (_indexed,), "sqlite": (_folded, _unfolded)}


def cases_with(connection: Connection, project_id: int, search: str) -> Select[Any]:
    """Return the query of the numbers of the tests that have some words in their titles."""
    return select(test_case.c.id).where(test_case.c.project_id == project_id, has_title(connection, search))


def _own_title(connection: Connection, search: str) -> ColumnElement[bool]:
    return _has_own(connection, result.c.title, search)


def _has_own(connection: Connection, title: ColumnElement[Any], search: str) -> ColumnElement[bool]:
    # hardly any result has one; the index of those that do needs the condition as it stands
    return and_(title.is_not(None), has_text(connection, title, search))


def has_title(connection: Connection, search: str) -> ColumnElement[bool]:
    """Return the condition that a test has these words in one of its titles."""
    full, own = test_case.c.full_title, test_case.c.title
    has_own = has_text(connection, own, search)
    if connection.dialect.name == "postgresql":  # whose index of titles lacks those that are a part of the full title
        has_own = and_(func.strpos(full, own) == literal_column("0"), has_own)
    return or_(has_text(connection, full, search), has_own)


def has_text(connection: Connection, title: ColumnElement[Any], search: str) -> ColumnElement[bool]:
    """Return the condition that a text has some words in it, in whatever case."""
    if connection.dialect.name == "sqlite" and search.isascii():
        # LIKE of SQLite is without case for ASCII, and thirty times as fast as a function of Python's
        return title.contains(search, autoescape=True)
    return title.icontains(search, autoescape=True)
