"""Things by their public ids, as far as the caller may see them; what they may not see is not there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from platform_report_server import ids
from platform_report_server.auth.caller import Caller
from platform_report_server.clock import now_ms
from platform_report_server.db.queries.artifacts import ArtifactRow, find_artifact
from platform_report_server.db.queries.deliveries import DeliveryRow, find_delivery
from platform_report_server.db.queries.history import list_executions
from platform_report_server.db.queries.keys import KeyRow, find_key
from platform_report_server.db.queries.people import find_invitation, find_member, find_team
from platform_report_server.db.queries.projects import ProjectRow, load_project
from platform_report_server.db.queries.runs import RunRow, find_run
from platform_report_server.db.queries.tests import TestRow, find_case, find_case_of, find_test, newest_in_run
from platform_report_server.db.queries.webhooks import WebhookRow, find_webhook
from platform_report_server.errors import NotFound


def visible_run(connection: Connection, caller: Caller, public_id: str, project: str | None = None) -> RunRow:
    """Return a run, which must be in `project` where one is named."""
    number = ids.decode("run", public_id)
    row = None if number is None else find_run(connection, number)
    if row is None or not caller.may(row.project) or project not in (None, row.project):
        raise NotFound(f"There is no run {public_id!r}" + (f" in project {project!r}" if project else ""))
    caller.check(row.project)
    return row


def visible_test(connection: Connection, caller: Caller, public_id: str, run: RunRow | None = None) -> TestRow:
    """Return a result, of `run` where that is given; a test's own id stands for its newest result."""
    run_id, seq = _place(connection, caller, public_id, run)
    row = None if seq is None else find_test(connection, run_id, seq)
    found = _of_project(caller, row, f"There is no test {public_id!r}")
    if run is not None and found.run_id != run.id:
        raise NotFound(f"The test {public_id!r} is not in this run")
    return found


def visible_artifact(connection: Connection, caller: Caller, public_id: str) -> tuple[ArtifactRow, RunRow]:
    """Return a file, with its run."""
    run_id, number = ids.decode_pair("artifact", public_id) or (0, None)
    row = None if number is None else find_artifact(connection, run_id, number)
    run = None if row is None else find_run(connection, run_id)
    if row is None or run is None or not caller.may(run.project):
        raise NotFound(f"There is no file {public_id!r}")
    caller.check(run.project)
    return row, run


def visible_case(connection: Connection, caller: Caller, public_id: str) -> tuple[int, int]:
    """Return the numbers of a test and of its project; the id may be the test's own or one of its results'."""
    case_id = ids.decode("test", public_id)
    if case_id is None:
        run_id, seq = ids.decode_pair("test", public_id) or (0, None)
        found = None if seq is None else find_case_of(connection, run_id, seq)
    else:
        found = find_case(connection, case_id)
    row = _of_project(caller, found, f"There is no test {public_id!r}")
    return row.project_id, row.case_id


def visible_project(connection: Connection, caller: Caller, public_id: str) -> ProjectRow:
    """Return a project."""
    row = load_project(connection, public_id) if caller.may(public_id) else None
    if row is None:
        raise NotFound(f"There is no project {public_id!r}")
    caller.check(public_id)
    return row


def visible_team(connection: Connection, caller: Caller, public_id: str) -> Row[Any]:
    """Return a team."""
    number = ids.decode("team", public_id)
    role = None if number is None else caller.role_in_team(number)
    row = None if number is None or role is None else find_team(connection, number)
    if row is None or role is None:
        raise NotFound(f"There is no team {public_id!r}")
    caller.require(role)
    return row


def visible_member(connection: Connection, caller: Caller, public_id: str) -> Row[Any]:
    """Return a member of a team."""
    number = ids.decode("member", public_id)
    row = None if number is None else find_member(connection, number)
    return _of_team(caller, row, f"There is no member {public_id!r}")


def visible_invitation(connection: Connection, caller: Caller, public_id: str) -> Row[Any]:
    """Return an invitation that waits."""
    number = ids.decode("invite", public_id)
    row = None if number is None else find_invitation(connection, number, now_ms())
    return _of_team(caller, row, f"There is no invitation {public_id!r} that waits")


def visible_key(connection: Connection, caller: Caller, public_id: str) -> KeyRow:
    """Return an API key."""
    number = ids.decode("key", public_id)
    row = None if number is None else find_key(connection, number)
    return _of_project(caller, row, f"There is no API key {public_id!r}")


def visible_webhook(connection: Connection, caller: Caller, public_id: str) -> WebhookRow:
    """Return a webhook."""
    number = ids.decode("wh", public_id)
    row = None if number is None else find_webhook(connection, number)
    return _of_project(caller, row, f"There is no webhook {public_id!r}")


def visible_delivery(connection: Connection, caller: Caller, webhook_id: str, public_id: str) -> DeliveryRow:
    """Return a delivery of a webhook."""
    hook, number = visible_webhook(connection, caller, webhook_id), ids.decode("dlv", public_id)
    row = None if number is None else find_delivery(connection, hook.project_id, number)
    if row is None or row.webhook_id != hook.id:
        raise NotFound(f"There is no delivery {public_id!r} of webhook {webhook_id!r}")
    return row


def _place(connection: Connection, caller: Caller, public_id: str, run: RunRow | None) -> tuple[int, int | None]:
    if ids.decode("test", public_id) is None:
        return ids.decode_pair("test", public_id) or (0, None)
    project_id, case_id = visible_case(connection, caller, public_id)
    if run is not None:
        return run.id, newest_in_run(connection, run.project_id, run.id, case_id)
    executions, _ = list_executions(connection, project_id, case_id, 1)
    return (executions[0].run_id, executions[0].seq) if executions else (0, None)


def _of_project(caller: Caller, row: Row[Any] | None, missing: str) -> Row[Any]:
    if row is None or not caller.may(row.project):
        raise NotFound(missing)
    caller.check(row.project)
    return row


def _of_team(caller: Caller, row: Row[Any] | None, missing: str) -> Row[Any]:
    role = None if row is None else caller.role_in_team(row.team_id)
    if row is None or role is None:
        raise NotFound(missing)
    caller.require(role)
    return row
