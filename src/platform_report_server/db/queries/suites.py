"""Suites."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from platform_report_server.db.schema import RESULT_STATUSES, result, suite, test_case

SHARDS = "shards"
"""The suite, without a file, in which shards leave word."""

_MOST_WORDS = 5000
_DEEPEST = 100
_WITHIN = " > "
"""Between the titles of a test's suites and its own, in its full title."""


@dataclass
class SuiteTests:
    """How many tests of a suite, and of those below it, came to what."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    flaky: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.skipped + self.flaky


@dataclass
class Branch:
    """A suite with those below it."""

    suite: Row[Any]
    children: list[Branch] = field(default_factory=list)


def suite_tree(connection: Connection, project_id: int, run_id: int) -> list[Branch]:
    """Return the suites at the top of a run, in order of arrival."""
    query = select(suite).where(suite.c.project_id == project_id, suite.c.run_id == run_id).order_by(suite.c.id)
    branches = {row.id: Branch(row) for row in connection.execute(query)}
    top: list[Branch] = []
    for branch in branches.values():
        parent = branches.get(branch.suite.parent_id)
        (top if parent is None else parent.children).append(branch)
    return top


def find_suite(connection: Connection, project_id: int, run_id: int, suite_id: int) -> Row[Any] | None:
    """Return a suite of a run."""
    this = (suite.c.project_id == project_id, suite.c.run_id == run_id, suite.c.id == suite_id)
    return connection.execute(select(suite).where(*this)).first()


def suites_below(
    connection: Connection, project_id: int, run_id: int, parent_id: int, *, limit: int, offset: int
) -> tuple[list[tuple[Row[Any], int]], int]:
    """Return a page of the suites right below one (0: at the top) by file and title, and how many there are.

    With each comes how many suites are right below it.
    """
    of_run = (suite.c.project_id == project_id, suite.c.run_id == run_id)
    here = (*of_run, suite.c.parent_id == parent_id)
    page = select(suite).where(*here).order_by(suite.c.file_path, suite.c.title).limit(limit).offset(offset)
    rows = connection.execute(page).all()
    total = connection.execute(select(func.count()).select_from(suite).where(*here)).scalar_one()
    inner = select(suite.c.parent_id, func.count()).where(*of_run, suite.c.parent_id.in_([row.id for row in rows]))
    below: dict[int, int] = dict(map(tuple, connection.execute(inner.group_by(suite.c.parent_id))))
    return [(row, below.get(row.id, 0)) for row in rows], total


def titles_down_to(connection: Connection, found: Row[Any] | None) -> list[str]:
    """Return the titles of the suites from the top down to one, its own the last; none for None."""
    titles: list[str] = []
    while found is not None and len(titles) < _DEEPEST:
        titles.append(found.title)
        found = find_suite(connection, found.project_id, found.run_id, found.parent_id) if found.parent_id else None
    return titles[::-1]


def tests_of(
    connection: Connection, project_id: int, run_id: int, above: Sequence[str], suites: Sequence[Row[Any]]
) -> list[SuiteTests]:
    """Count the tests of some suites right below those with the titles `above`.

    Tests are not told to belong to suites: their full titles begin with those of their suites, in the same file. A
    suite of no file has its tests in any.
    """
    counts = [SuiteTests() for _ in suites]
    wanted: dict[str, list[tuple[str, SuiteTests]]] = defaultdict(list)
    for each, count in zip(suites, counts, strict=True):
        wanted[each.file_path].append((_WITHIN.join((*above, each.title, "")), count))
    if not suites:
        return counts
    for file_path, within, status, tests in _tests_by_place(connection, project_id, run_id, wanted):
        for begin, count in (*wanted.get(file_path, ()), *(wanted.get("", ()) if file_path else ())):
            if within.startswith(begin):
                name = RESULT_STATUSES[status]
                setattr(count, name, getattr(count, name) + tests)
    return counts


def _tests_by_place(connection: Connection, project_id: int, run_id: int, files: Collection[str]) -> Iterable[Any]:
    """Count the tests of files, or of all if "" is among them, by file, full title without their own, and status."""
    file_path, full, title = func.coalesce(test_case.c.file_path, ""), test_case.c.full_title, test_case.c.title
    own = func.length(full) - func.length(title)
    # whoever names tests otherwise than their full title ends is counted test by test
    within = case((func.substr(full, own + 1) == title, func.substr(full, 1, own)), else_=full)
    of_run = (result.c.project_id == project_id, result.c.run_id == run_id)
    of_case = (test_case.c.project_id == result.c.project_id) & (test_case.c.id == result.c.case_id)
    query = select(file_path, within.label("within"), result.c.status, func.count())
    query = query.select_from(result).join(test_case, of_case).where(*of_run)
    if "" not in files:
        query = query.where(test_case.c.file_path.in_(files))
    return connection.execute(query.group_by(file_path, "within", result.c.status))


def has_suites(connection: Connection, project_id: int, run_id: int) -> bool:
    """Tell whether a run has a suite."""
    of_run = (suite.c.project_id == project_id, suite.c.run_id == run_id)
    return connection.execute(select(suite.c.id).where(*of_run).limit(1)).first() is not None


def words_of_shards(connection: Connection, project_id: int, run_id: int) -> list[str]:
    """Return what the shards of a run have left word of."""
    of_run = (suite.c.project_id == project_id, suite.c.run_id == run_id)
    place = (suite.c.parent_id == 0, suite.c.file_path == "", suite.c.title == SHARDS)
    parent = select(suite.c.id).where(*of_run, *place).scalar_subquery()
    words = select(suite.c.title).where(*of_run, suite.c.parent_id == parent).limit(_MOST_WORDS)
    return list(connection.execute(words).scalars())
