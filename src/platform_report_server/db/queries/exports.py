"""All of a run, in the order in which it arrived, a part at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, not_, or_, select

from platform_report_server.db.queries.artifacts import ArtifactRow
from platform_report_server.db.queries.tests import TestRow
from platform_report_server.db.schema import artifact, case_stat, project, result, run, test_case, thumbnail

_AT_ONCE = 500


def newest_run(connection: Connection, public_id: str) -> int | None:
    """Return the number of a project's newest run."""
    query = select(func.max(run.c.id)).join(project, project.c.id == run.c.project_id)
    return connection.execute(query.where(project.c.public_id == public_id)).scalar()


def each_result(connection: Connection, project_id: int, run_id: int, status: int | None = None) -> Iterator[TestRow]:
    """Give out a run's results, all or those of one status."""
    of_case = and_(test_case.c.project_id == result.c.project_id, test_case.c.id == result.c.case_id)
    of_stat = and_(case_stat.c.project_id == result.c.project_id, case_stat.c.case_id == result.c.case_id)
    query: Select[Any] = (
        select(
            *(column for column in result.c if column.name != "title"),
            func.coalesce(result.c.title, test_case.c.title).label("title"),
            test_case.c.full_title,
            test_case.c.file_path,
            func.coalesce(case_stat.c.quarantined, 0).label("quarantined"),
        )
        .join(test_case, of_case)
        .outerjoin(case_stat, of_stat)
        .where(result.c.project_id == project_id, result.c.run_id == run_id)
        .order_by(result.c.seq)
    )
    if status is not None:  # the partial index is used only where its own condition stands in the query
        query = query.where(result.c.status != 0, result.c.status == status)
    yield from connection.execute(query.execution_options(yield_per=_AT_ONCE))


def artifacts_of_results(
    connection: Connection, project_id: int, run_id: int, numbers: Collection[int]
) -> Iterator[ArtifactRow]:
    """Give out the artifacts of some results of a run, in order of arrival."""
    of_run = and_(artifact.c.project_id == project_id, artifact.c.run_id == run_id)
    yield from connection.execute(select(artifact).where(of_run, artifact.c.seq.in_(numbers)).order_by(artifact.c.id))


def artifacts_of_run(connection: Connection, project_id: int, run_id: int) -> Iterator[ArtifactRow]:
    """Give out the artifacts of a run that are of no result, in order of arrival."""
    of_run = and_(artifact.c.project_id == project_id, artifact.c.run_id == run_id)
    query = select(artifact).where(of_run, artifact.c.seq.is_(None)).order_by(artifact.c.id)
    yield from connection.execute(query.execution_options(yield_per=_AT_ONCE))


def pictures_of(
    connection: Connection,
    project_id: int,
    run_id: int,
    *,
    statuses: Collection[int],
    kinds: Collection[str],
    largest: int,
    limit: int,
) -> list[Row[Any]]:
    """Return digest, size and media type of the first pictures that belong to results of some statuses.

    Those that are too large, or of other types, are there only where they have a thumbnail, which comes with them.
    """
    is_shown = and_(artifact.c.mime.in_(kinds), artifact.c.size <= largest)
    of_content = and_(thumbnail.c.sha256 == artifact.c.sha256, not_(is_shown))
    of_result = and_(
        result.c.project_id == artifact.c.project_id,
        result.c.run_id == artifact.c.run_id,
        result.c.seq == artifact.c.seq,
    )
    query: Select[Any] = (
        select(artifact.c.sha256, artifact.c.size, artifact.c.mime, thumbnail.c.data)
        .join(result, of_result)
        .outerjoin(thumbnail, of_content)
        .where(artifact.c.project_id == project_id, artifact.c.run_id == run_id, result.c.status.in_(statuses))
        .where(or_(is_shown, thumbnail.c.data.is_not(None)))
        .order_by(artifact.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).all())
