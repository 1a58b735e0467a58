"""Suites."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, and_, insert, select, update

from platform_report_server.db.bulk import bulk_insert
from platform_report_server.db.schema import suite
from platform_report_server.errors import Invalid
from platform_report_server.ids import decode
from platform_report_server.ingest.runs import hold_run
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewSuite, NewTest
from platform_report_server.text import clean

_COLUMNS = ("project_id", "run_id", "id", "parent_id", "title", "file_path", "created_at", "updated_at")


def put_suite(write: Write, project_id: int, run_id: int, new: NewSuite) -> tuple[Row[Any], bool]:
    """Store a suite, or find the one with this place in its run; tell whether it was made."""
    hold_run(write, project_id, run_id)
    of_run = and_(suite.c.project_id == project_id, suite.c.run_id == run_id)
    parent_id = _parent(write, of_run, new.parent_suite_id)
    place = {"parent_id": parent_id, "file_path": clean(new.file_path or ""), "title": clean(new.title)}
    here = and_(of_run, *(suite.c[name] == value for name, value in place.items()))
    found = write.connection.execute(update(suite).where(here).values(updated_at=write.now)).rowcount
    if not found:
        values = {
            "project_id": project_id,
            "run_id": run_id,
            "id": write.ids(),
            "created_at": write.now,
            "updated_at": write.now,
        }
        write.connection.execute(insert(suite).values(values | place))
    return write.connection.execute(select(suite).where(here)).one(), not found


def add_suites(write: Write, project_id: int, run_id: int, tests: Iterable[NewTest]) -> None:
    """Make the suites that tests are in and that are not there; whoever calls this holds the run."""
    wanted = dict.fromkeys((test.file_path or "", tuple(test.suites)) for test in tests if test.suites)
    unknown = [place for place in wanted if not _are_known(write, run_id, *place)]
    if not unknown:
        return
    here = and_(suite.c.run_id == run_id, suite.c.file_path.in_({clean(file_path) for file_path, _ in unknown}))
    query = select(suite.c.parent_id, suite.c.file_path, suite.c.title, suite.c.id)
    found = write.connection.execute(query.where(suite.c.project_id == project_id, here))
    numbers = {(row.parent_id, row.file_path, row.title): row.id for row in found}
    new = []
    for file_path, titles in unknown:
        parent_id = 0
        for title in titles:
            place = parent_id, clean(file_path), clean(title)
            if place not in numbers:
                numbers[place] = write.ids()
                new.append((project_id, run_id, numbers[place], parent_id, place[2], place[1], write.now, write.now))
            write.memory.suites.note((run_id, *place), numbers[place])
            parent_id = numbers[place]
    bulk_insert(write.connection, suite, _COLUMNS, new)


def _are_known(write: Write, run_id: int, file_path: str, titles: Iterable[str]) -> bool:
    parent_id = 0
    for title in titles:
        number = write.memory.suites.get((run_id, parent_id, clean(file_path), clean(title)))
        if number is None:
            return False
        parent_id = number
    return True


def _parent(write: Write, of_run: Any, public_id: str | None) -> int:
    if public_id is None:
        return 0
    number = decode("suite", public_id)
    if (
        number is None
        or write.connection.execute(select(suite.c.id).where(of_run, suite.c.id == number)).first() is None
    ):
        raise Invalid.field_is("parentSuiteId", "is no suite of this run")
    return number
