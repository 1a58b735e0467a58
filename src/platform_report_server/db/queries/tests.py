"""Results of tests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, and_, exists, func, or_, select

from platform_report_server.db.schema import RESULT_STATUSES, case_stat, project, result, run, test_case

TestRow = Row[Any]
"""A row of `result` with `title`, `full_title`, `file_path`, `quarantined` of its test, its project's public id."""

_TITLE = func.coalesce(result.c.title, test_case.c.title)
_CASE = and_(test_case.c.project_id == result.c.project_id, test_case.c.id == result.c.case_id)


def find_test(connection: Connection, run_id: int, seq: int) -> TestRow | None:
    """Return one result."""
    owner = select(run.c.project_id).where(run.c.id == run_id).scalar_subquery()
    page = select(result.c.project_id, result.c.run_id, result.c.seq).where(
        result.c.project_id == owner, result.c.run_id == run_id, result.c.seq == seq
    )
    return connection.execute(_full(connection, page)).first()


def newest_in_run(connection: Connection, project_id: int, run_id: int, case_id: int) -> int | None:
    """Return the number of a test's last result in a run."""
    of_run = and_(result.c.project_id == project_id, result.c.run_id == run_id)
    return connection.execute(select(func.max(result.c.seq)).where(of_run, result.c.case_id == case_id)).scalar()


def find_case(connection: Connection, case_id: int) -> tuple[int, str] | None:
    """Return the number and the public id of the project that a test belongs to."""
    query = select(test_case.c.project_id, project.c.public_id).join(project, project.c.id == test_case.c.project_id)
    row = connection.execute(query.where(test_case.c.id == case_id)).first()
    return None if row is None else (row.project_id, row.public_id)


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
    where = [result.c.project_id == project_id]
    if run_id is not None:
        where.append(result.c.run_id == run_id)
    if status is not None:
        where += _status_is(status)
    if search:
        by = _found_by_index if connection.dialect.name == "postgresql" else _found_by
        where.append(by(project_id, search))
    page = select(result.c.project_id, result.c.run_id, result.c.seq).where(*where)
    newest = page.order_by(result.c.run_id.desc(), result.c.seq).limit(limit).offset(offset)
    rows = list(connection.execute(_full(connection, newest)).all())
    if not search:
        return rows, connection.execute(_counted(project_id, run_id, status)).scalar_one() or 0
    if not offset and len(rows) < limit:
        return rows, len(rows)
    return rows, connection.execute(select(func.count()).select_from(page.subquery())).scalar_one()


def _full(connection: Connection, page: Select[Any]) -> Select[Any]:
    # the page first, then the joins: joined rows that an OFFSET skips cost a hundredfold
    found: FromClause
    if connection.dialect.name == "postgresql":  # where the table's statistics are old, it joins whole runs with a page
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


def _status_is(status: str) -> list[ColumnElement[bool]]:
    number = RESULT_STATUSES.index(status)
    # the partial index is used only where its own condition stands in the query
    return [result.c.status == number] if number == 0 else [result.c.status != 0, result.c.status == number]


def _found_by(project_id: int, search: str) -> ColumnElement[bool]:
    titles = test_case.c.full_title + "\n" + _TITLE
    # not a join, or the planner may begin with every test of the project
    return exists().where(_CASE, titles.icontains(search, autoescape=True)).correlate(result)


def _found_by_index(project_id: int, search: str) -> ColumnElement[bool]:
    # tests by their index, once; then the results by what they refer to
    titles = (test_case.c.full_title, test_case.c.title)
    found = or_(*(title.icontains(search, autoescape=True) for title in titles))
    cases = select(test_case.c.id).where(test_case.c.project_id == project_id, found)
    return or_(result.c.case_id.in_(cases), result.c.title.icontains(search, autoescape=True))


def _counted(project_id: int, run_id: int | None, status: str | None) -> Select[Any]:
    query = select(func.sum(run.c.next_seq if status is None else run.c[status])).where(run.c.project_id == project_id)
    return query if run_id is None else query.where(run.c.id == run_id)
