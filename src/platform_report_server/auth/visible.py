"""Runs and tests by their public ids, as far as the caller may see them; what they may not see is not there."""

from __future__ import annotations

from sqlalchemy import Connection

from platform_report_server import ids
from platform_report_server.auth.caller import Caller
from platform_report_server.db.queries.runs import RunRow, find_run
from platform_report_server.db.queries.tests import TestRow, find_case, find_test
from platform_report_server.errors import NotFound


def visible_run(connection: Connection, caller: Caller, public_id: str, project: str | None = None) -> RunRow:
    """Return a run, which must be in `project` where one is named."""
    number = ids.decode("run", public_id)
    row = None if number is None else find_run(connection, number)
    if row is None or not caller.may(row.project) or project not in (None, row.project):
        raise NotFound(f"There is no run {public_id!r}" + (f" in project {project!r}" if project else ""))
    caller.check(row.project)
    return row


def visible_test(connection: Connection, caller: Caller, public_id: str) -> TestRow:
    """Return a result."""
    run_id, seq = ids.decode_pair("test", public_id) or (0, None)
    row = None if seq is None else find_test(connection, run_id, seq)
    if row is None or not caller.may(row.project):
        raise NotFound(f"There is no test {public_id!r}")
    caller.check(row.project)
    return row


def visible_case(connection: Connection, caller: Caller, public_id: str) -> tuple[int, int]:
    """Return the numbers of a test and of its project; the id may be the test's own or one of its results'."""
    case_id = ids.decode("test", public_id)
    if case_id is None:
        row = visible_test(connection, caller, public_id)
        return row.project_id, row.case_id
    case = find_case(connection, case_id)
    if case is None or not caller.may(case[1]):
        raise NotFound(f"There is no test {public_id!r}")
    caller.check(case[1])
    return case[0], case_id
