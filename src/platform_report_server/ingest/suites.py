"""Suites."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, and_, insert, select, update

from platform_report_server.db.schema import suite
from platform_report_server.errors import Invalid
from platform_report_server.ids import decode
from platform_report_server.ingest.runs import hold_run
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewSuite, NewTest
from platform_report_server.text import clean

_PLACE = ("parent_id", "file_path", "title")


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
    files = {clean(file_path) for file_path, _ in unknown}
    of_files = (suite.c.project_id == project_id, suite.c.run_id == run_id, suite.c.file_path.in_(files))
    found = write.connection.execute(select(suite.c.id, *(suite.c[name] for name in _PLACE)).where(*of_files))
    numbers = {tuple(place): number for number, *place in found}
    own = {"project_id": project_id, "run_id": run_id, "created_at": write.now, "updated_at": write.now}
    new = []
    for file_path, titles in unknown:
        parent_id = 0
        for title in titles:
            place = parent_id, clean(file_path), clean(title)
            if place not in numbers:
                numbers[place] = write.ids()
                here = dict(zip(_PLACE, place, strict=True))
                new.append({**own, **here, "id": numbers[place]})
            write.memory.suites.note((run_id, *place), numbers[place])
            parent_id = numbers[place]
    if new:  # where another process has made one meanwhile, the database refuses them, and the writer tries again
        write.connection.execute(insert(suite), new)


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
