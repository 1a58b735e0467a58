"""Suites."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, and_, insert, select, update

from platform_report_server.db.schema import suite
from platform_report_server.errors import Invalid
from platform_report_server.ids import decode
from platform_report_server.ingest.runs import hold_run
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewSuite
from platform_report_server.text import clean


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
