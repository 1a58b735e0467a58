"""Failures of a run: grouped by what they say, and since when their tests fail on the branch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from platform_report_server.db.queries.failures import failure_groups, results_of_group
from platform_report_server.db.schema import failing, failure_group, result, test_case
from platform_report_server.ingest.runs import delete_run
from platform_report_server.model import NewTest, TestError
from platform_report_server.settings import Settings
from platform_report_server.signature import generalized, signature
from server.ledger import Ledger, writing


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AssertionError: assert 3 == 4", "AssertionError: assert 17 == 1,000.5"),
        ("no such file: '/tmp/pytest-of-root/pytest-12/x.txt'", "no such file: '/tmp/pytest-of-ci/pytest-3/x/y.txt'"),
        (r"C:\Users\me\a.py:3: E", r"D:\jobs\17\b\a.py:88: E"),
        ("<Foo object at 0x7f3b2c> is not None", "<Foo object at 0x10aab> is not None"),
        ("at 2026-11-25T10:00:00.123Z took 3.5s", "at 2027-01-02T23:59:59+01:00 took 12s"),
        ("since 10:22", "since 9:01:59.5"),
        ("job 550e8400-e29b-41d4-a716-446655440000", "job 6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("commit 3fa9c01d2b is gone", "commit deadbeef1 is gone"),
        ("\x1b[31mE  boom\x1b[0m\n  at 1", "E boom at 2"),
        (None, ""),
    ],
)
def test_what_differs_each_time_is_no_part_of_a_signature(one: str | None, other: str | None) -> None:
    assert signature(one) == signature(other)


def test_words_are(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        "KeyError: 'user'",
        "KeyError: 'name'",
        "decade and/or facade",
        "a-b_c.d",
        "\ud800 surrogate",
        "assert [] == [1]",
    ]
    assert len({signature(each) for each in said}) == len(said)
    assert generalized("decade and/or facade") == "decade and/or facade"
    assert generalized("HTTP 503 from http://shop/api") == "HTTP <number> from http://shop/api"


class Branches(Ledger):
    """Runs that end at once."""

    def add(self, run: int, results: dict[str, str | None]) -> None:
        """Add results: what each test says that fails, None for those that pass."""
        tests = [
            NewTest("", "p", title, title, "failed" if said else "passed", 1, error=TestError(said) if said else None)
            for title, said in results.items()
        ]
        self.store(run, tests)

    def ended(self, branch: str | None, results: dict[str, str | None]) -> int:
        run = self.begin(branch=branch)
        self.add(run, results)
        self.tell(run, "failed")
        return run

    def groups(self, run: int) -> list[tuple[str | None, int, int, int]]:
        """Return message, tests, new ones and the run of each group."""
        groups = failure_groups(self.connection, self.row(run))
        return [(group.message, group.tests, group.new, group.since_run) for group in groups]

    def titles(self, run: int, said: str) -> list[str]:
        row = self.row(run)
        numbers = results_of_group(self.connection, row, signature(said))
        named = select(test_case.c.title).join(result, result.c.case_id == test_case.c.id).order_by(result.c.seq)
        return list(
            self.connection.execute(named.where(result.c.run_id == row.id, result.c.seq.in_(numbers))).scalars()
        )

    def count(self, table: Any) -> int:
        return self.connection.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.fixture
def branches(settings: Settings) -> Iterator[Branches]:
    with writing(settings) as connection:
        yield Branches(connection)


@pytest.mark.both_stores
def test_groups_say_since_when(branches: Branches) -> None:
    first = branches.ended("main", {"a": "assert 1 == 2", "b": "assert 3 == 4", "c": "boom", "d": None})
    assert branches.groups(first) == [("assert 1 == 2", 2, 2, first), ("boom", 1, 1, first)]
    assert branches.titles(first, "assert 9 == 9") == ["a", "b"]

    second = branches.ended("main", {"a": "assert 5 == 6", "b": None, "d": "assert 7 == 8"})
    assert branches.groups(second) == [("assert 5 == 6", 2, 1, first)]

    other = branches.ended("other", {"a": "assert 5 == 6", "c": "boom"})
    assert branches.groups(other) == [("assert 5 == 6", 1, 1, other), ("boom", 1, 1, other)]

    # a test that was not run is neither mended nor new
    third = branches.ended("main", {"a": None, "c": "boom"})
    assert branches.groups(third) == [("boom", 1, 0, first)]
    fourth = branches.ended("main", {"a": "assert 0", "c": None, "d": None})
    assert branches.groups(fourth) == [("assert 0", 1, 1, fourth)]
    # what was said of the runs before stays
    assert branches.groups(second) == [("assert 5 == 6", 2, 1, first)]
    assert branches.groups(branches.ended(None, {"a": "assert 0"}))[0][2] == 1


@pytest.mark.both_stores
def test_a_run_that_goes_on_and_results_that_come_late(branches: Branches) -> None:
    first = branches.ended("main", {"a": "boom 1"})
    run = branches.begin(branch="main")
    branches.add(run, {"a": "boom 2"})
    branches.add(run, {"b": "boom 3"})
    assert branches.groups(run) == [("boom 2", 2, 1, first)]
    branches.tell(run, "failed")
    assert branches.groups(run) == [("boom 2", 2, 1, first)]
    branches.add(run, {"c": "boom 4", "d": "bang"})
    assert branches.groups(run) == [("boom 2", 3, 2, first), ("bang", 1, 1, run)]
    branches.add(run, {"c": None})  # it passes in the end
    assert branches.groups(run) == [("boom 2", 2, 1, first), ("bang", 1, 1, run)]


@pytest.mark.both_stores
def test_what_goes_with_its_run(branches: Branches) -> None:
    first = branches.ended("main", {"a": "boom", "b": "boom"})
    second = branches.ended("main", {"a": "boom"})
    assert (branches.count(failing), branches.count(failure_group)) == (2, 2)
    delete_run(branches.write, branches.row(first))
    assert (branches.count(failing), branches.count(failure_group)) == (1, 1)  # nobody has run b since
    assert branches.groups(second) == [("boom", 1, 0, first)]
    delete_run(branches.write, branches.row(second))
    assert (branches.count(failing), branches.count(failure_group)) == (0, 0)
