"""How flaky tests are, and which are in quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Subquery, and_, func, literal_column, select

from platform_report_server.db.queries.search import has_text, has_title
from platform_report_server.db.schema import NO_SCORE, case_stat, test_case
from platform_report_server.model import FlakinessBand

WINDOW = 50
"""Executions that a score is made of, the newest."""

LEAST = 5
"""Executions that a score needs."""

SEARCHED = 5000
"""Tests among which those with some words are looked for, the flakiest."""

StatRow = Row[Any]
"""A row of `case_stat` with `title`, `full_title` and `file_path` of its test."""

_BANDS: tuple[tuple[float, FlakinessBand], ...] = ((0.0, "stable"), (0.3, "low"), (0.7, "moderate"))


@dataclass(frozen=True)
class Wanted:
    """Which tests are listed; all where nothing is said."""

    min_score: float | None = None
    band: FlakinessBand | None = None
    is_flaky: bool = False
    """Whether only tests with a flaky execution are."""
    quarantined: bool | None = None
    search: str | None = None
    """Words in a title."""
    file: str | None = None
    """Words in the path of the file."""


@dataclass(frozen=True)
class Summary:
    """A project's flaky tests together."""

    flaky: int
    quarantined: int
    average: float
    """Of the scores of those that are flaky."""


def band_of(score: float) -> FlakinessBand | None:
    """Return the word for a score; None for the lack of one."""
    if score == NO_SCORE:
        return None
    return next((word for most, word in _BANDS if score <= most), "high")


def list_flakiness(
    connection: Connection, project_id: int, wanted: Wanted, *, limit: int, offset: int
) -> tuple[list[StatRow], int]:
    """Return a page of tests, the flakiest first, and how many there are."""
    where = [case_stat.c.project_id == project_id, *_scored(wanted)]
    score: ColumnElement[float] = case_stat.c.score
    if wanted.quarantined is not None:
        where.append(_is_quarantined(wanted.quarantined))
    if wanted.quarantined:
        # those few are looked up and sorted, or all tests would be read in this order
        few = case_stat.alias("few")
        its_own = select(few.c.case_id).where(few.c.project_id == project_id, few.c.quarantined == literal_column("1"))
        where.append(case_stat.c.case_id.in_(its_own))
        score = score + 0
    found = select(case_stat).where(*where).order_by(score.desc(), case_stat.c.case_id)
    if wanted.search or wanted.file:
        found = _with_words(connection, found.limit(SEARCHED).subquery("first"), wanted)
    keys = found.limit(limit).offset(offset).subquery()
    query = select(keys, test_case.c.title, test_case.c.full_title, test_case.c.file_path).join(test_case, _is_of(keys))
    rows = connection.execute(query.order_by(keys.c.score.desc(), keys.c.case_id)).all()
    total = connection.execute(select(func.count()).select_from(found.order_by(None).subquery())).scalar_one()
    return list(rows), total


def _scored(wanted: Wanted) -> list[ColumnElement[bool]]:
    score = case_stat.c.score
    if wanted.band is not None:
        bounds = [most for most, _ in _BANDS] + [1.0]
        place = [*(word for _, word in _BANDS), "high"].index(wanted.band)
        return [score > bounds[place - 1], score <= bounds[place]] if place else [score == 0]
    if wanted.min_score is not None:
        return [score >= wanted.min_score]
    return [score > 0] if wanted.is_flaky else []


def _with_words(connection: Connection, first: Subquery, wanted: Wanted) -> Select[Any]:
    found = select(first).join(test_case, _is_of(first))
    if wanted.search:
        found = found.where(has_title(connection, wanted.search))
    if wanted.file:
        found = found.where(has_text(connection, test_case.c.file_path, wanted.file))
    return found.order_by(first.c.score.desc(), first.c.case_id)


def _is_of(keys: Subquery) -> ColumnElement[bool]:
    return and_(test_case.c.project_id == keys.c.project_id, test_case.c.id == keys.c.case_id)


def find_stat(connection: Connection, project_id: int, case_id: int) -> Row[Any] | None:
    """Return the statistics of one test; None before its first execution."""
    query = select(case_stat).where(case_stat.c.project_id == project_id, case_stat.c.case_id == case_id)
    return connection.execute(query).first()


def summarize(connection: Connection, project_id: int) -> Summary:
    """Return what is to say of all tests of a project."""
    in_project = case_stat.c.project_id == project_id
    scores = select(func.count(), func.avg(case_stat.c.score)).where(in_project, case_stat.c.score > 0)
    flaky, average = connection.execute(scores).one()
    in_quarantine = select(func.count()).select_from(case_stat).where(in_project, _is_quarantined(True))
    return Summary(flaky, connection.execute(in_quarantine).scalar_one(), round(average or 0.0, 4))


def _is_quarantined(value: bool) -> ColumnElement[bool]:
    # the partial index is used only where its own condition stands in the query, value included
    return case_stat.c.quarantined == literal_column("1" if value else "0")
