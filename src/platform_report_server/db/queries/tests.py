"""Results of tests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, FromClause, Integer, Row, Select, and_, bindparam, func, literal, select

from platform_report_server.db.queries.history import Place, stands_at
from platform_report_server.db.queries.search import search_results, status_is
from platform_report_server.db.schema import RESULT_STATUSES, case_stat, project, result, run, test_case

TestRow = Row[Any]
"""A row of `result` with `title`, `full_title`, `file_path`, `quarantined` of its test, its project's public id."""

CaseRow = Row[Any]
"""The number of a test as `case_id`, that of its project as `project_id`, the public id of its project as `project`."""

# built once: putting such a statement together takes longer than running it
_AT = (
    result.c.project_id == select(run.c.project_id).where(run.c.id == bindparam("in_run")).scalar_subquery(),
    result.c.run_id == bindparam("in_run"),
    result.c.seq == bindparam("at"),
)
_CASE_OF: Select[Any] = (
    select(result.c.project_id, result.c.case_id, project.c.public_id.label("project"))
    .join(project, project.c.id == result.c.project_id)
    .where(*_AT)
)
_CASE: Select[Any] = (
    select(test_case.c.project_id, test_case.c.id.label("case_id"), project.c.public_id.label("project"))
    .join(project, project.c.id == test_case.c.project_id)
    .where(test_case.c.id == bindparam("this"))
)


def find_test(connection: Connection, run_id: int, seq: int) -> TestRow | None:
    """Return one result."""
    return connection.execute(_one(connection.dialect.name), {"in_run": run_id, "at": seq}).first()


def find_case_of(connection: Connection, run_id: int, seq: int) -> CaseRow | None:
    """Return the test of one result."""
    return connection.execute(_CASE_OF, {"in_run": run_id, "at": seq}).first()


def newest_in_run(connection: Connection, project_id: int, run_id: int, case_id: int) -> int | None:
    """Return the number of a test's last result in a run."""
    of_run = and_(result.c.project_id == project_id, result.c.run_id == run_id)
    return connection.execute(select(func.max(result.c.seq)).where(of_run, result.c.case_id == case_id)).scalar()


def find_case(connection: Connection, case_id: int) -> CaseRow | None:
    """Return one test."""
    return connection.execute(_CASE, {"this": case_id}).first()


def list_tests(
    connection: Connection,
    project_id: int,
    *,
    run_id: int | None = None,
    status: str | None = None,
    search: str | None = None,
    limit: int,
    offset: int,
) -> tuple[list[TestRow], int]:
    """Return a page of results, the newest run's first and in a run in order of arrival, and how many there are."""
    number = None if status is None else RESULT_STATUSES.index(status)
    if search:
        places, total = search_results(connection, project_id, run_id, search, number, limit=limit, offset=offset)
        return tests_at(connection, project_id, places), total
    total = connection.execute(_counted(project_id, run_id, status)).scalar_one() or 0
    if run_id is None:
        return tests_at(connection, project_id, _newest(connection, project_id, status, limit, offset)), total
    page = select(result.c.project_id, result.c.run_id, result.c.seq)
    page = page.where(result.c.project_id == project_id, result.c.run_id == run_id, *status_is(number))
    page = page.order_by(result.c.run_id.desc(), result.c.seq).limit(limit).offset(offset)
    return list(connection.execute(_full(connection.dialect.name, page)).all()), total


def _newest(connection: Connection, project_id: int, status: str | None, limit: int, offset: int) -> list[Place]:
    """Return a page of the results of all runs: to find it by their order alone, all of them would be sorted."""
    count = run.c.next_seq if status is None else run.c[status]
    runs = select(run.c.id, count).where(run.c.project_id == project_id, count > 0).order_by(run.c.id.desc())
    number = None if status is None else RESULT_STATUSES.index(status)
    places: list[Place] = []
    for run_id, has in connection.execute(runs.limit(limit + offset)).all():
        if offset < has:
            of_run = (result.c.project_id == project_id, result.c.run_id == run_id)
            page = select(result.c.seq).where(*of_run, *status_is(number))
            page = page.order_by(result.c.seq).limit(limit - len(places)).offset(offset)
            places += [(run_id, seq) for seq in connection.execute(page).scalars()]
        offset = max(offset - has, 0)
        if len(places) == limit:
            break
    return places


def tests_at(connection: Connection, project_id: int, places: Sequence[Place]) -> list[TestRow]:
    """Return the results at some places, the newest run's first and in a run in order of arrival."""
    if not places:
        return []
    return list(connection.execute(_full(connection.dialect.name, _at(connection, project_id, places))).all())


def _at(connection: Connection, project_id: int, places: Sequence[Place]) -> Select[Any]:
    page = select(result.c.project_id, result.c.run_id, result.c.seq).where(result.c.project_id == project_id)
    if connection.dialect.name != "postgresql":
        return page.where(stands_at(places))
    from sqlalchemy.dialects.postgresql import ARRAY

    # a join, because PostgreSQL may read all results of the project to compare each with a list of places
    runs, numbers = map(list, zip(*places, strict=True))
    arrays = literal(runs, ARRAY(BigInteger)), literal(numbers, ARRAY(Integer))
    at = func.unnest(*arrays).table_valued("run_id", "seq").render_derived()
    return page.join(at, and_(result.c.run_id == at.c.run_id, result.c.seq == at.c.seq))


@cache
def _one(dialect: str) -> Select[Any]:
    return _full(dialect, select(result.c.project_id, result.c.run_id, result.c.seq).where(*_AT))


def _full(dialect: str, page: Select[Any]) -> Select[Any]:
    # the page first, then the joins: joined rows that an OFFSET skips cost a hundredfold
    found: FromClause
    if dialect == "postgresql":  # where the table's statistics are old, it joins whole runs with a page
        rows = found = page.with_only_columns(*result.c).subquery()
        columns = rows.c
    else:
        keys = page.subquery()
        found = keys.join(result, and_(*(result.c[column.name] == column for column in keys.c)))
        columns = result.c
    of_case = and_(test_case.c.project_id == columns.project_id, test_case.c.id == columns.case_id)
    of_stat = and_(case_stat.c.project_id == columns.project_id, case_stat.c.case_id == columns.case_id)
    query = select(
        *(column for column in columns if column.name != "title"),
        func.coalesce(columns.title, test_case.c.title).label("title"),
        test_case.c.full_title,
        test_case.c.file_path,
        project.c.public_id.label("project"),
        func.coalesce(case_stat.c.quarantined, 0).label("quarantined"),
    )
    query = query.select_from(found).join(test_case, of_case).outerjoin(case_stat, of_stat)
    return query.join(project, project.c.id == columns.project_id).order_by(columns.run_id.desc(), columns.seq)


def _counted(project_id: int, run_id: int | None, status: str | None) -> Select[Any]:
    query = select(func.sum(run.c.next_seq if status is None else run.c[status])).where(run.c.project_id == project_id)
    return query if run_id is None else query.where(run.c.id == run_id)
