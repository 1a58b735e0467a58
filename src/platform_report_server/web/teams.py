"""The pages of teams: their projects, members and invitations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.accounts import invitations
from platform_report_server.accounts.people import check_name
from platform_report_server.accounts.teams import add_team, change_role, remove_member
from platform_report_server.auth.roles import ROLES, reaches
from platform_report_server.auth.visible import visible_invitation, visible_member, visible_team
from platform_report_server.clock import now_ms
from platform_report_server.db.queries.people import count_owners, list_invitations, list_members, list_teams
from platform_report_server.db.queries.projects import ProjectRow, projects_of
from platform_report_server.errors import Forbidden, Invalid, MailFailed
from platform_report_server.ingest.projects import add_project
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Role
from platform_report_server.web import _chosen
from platform_report_server.web._flash import Notes
from platform_report_server.web._forms import Form, Shown, shown_again
from platform_report_server.web._visit import Visit

_LONGEST, _LONG = 100, 40
"""Rows of one list: all of a page together stay below 200."""

_INVITED_AS: tuple[Role, ...] = ("viewer", "member", "admin")


async def index(visit: Visit) -> Response:
    teams = await visit.read(partial(list_teams, among=visit.caller.teams))
    if len(teams) == 1:
        return visit.go(f"/teams/{ids.encode('team', teams[0].id)}")
    listed = [(team, visit.caller.role_in_team(team.id)) for team in teams]
    shown = _chosen.part(visit.request, "offset", listed, _LONGEST)
    return visit.page("teams.html", teams=shown, may_make=visit.caller.strongest == "owner")


async def show_new(visit: Visit, **forms: Shown) -> Response:
    return visit.page("new_team.html", forms=forms)


async def make(visit: Visit) -> Response:
    form, owner = visit.form, visit.caller.user_id
    if owner is None and visit.caller.teams is not None:
        raise Forbidden("A team needs a person who owns it: no person made this key")
    try:
        name = check_name(form.required("name"))
    except Invalid as error:
        return await show_new(visit, team=shown_again(form, error))
    row = await visit.write(lambda write: add_team(write, name, owner))
    return visit.go(f"/teams/{ids.encode('team', row.id)}", Notes(told=f"The team {row.name} is made."))


async def show(visit: Visit) -> Response:
    return await _show(visit, visit.said("team_id"))


async def make_project(visit: Visit) -> Response:
    team_id, form = visit.said("team_id"), visit.form

    def job(write: Write) -> ProjectRow:
        team = visible_team(write.connection, visit.caller, team_id)
        return add_project(write, check_name(form.required("name")), team.id)

    try:
        row = await visit.write(job)
    except Invalid as error:
        return await _show(visit, team_id, project=shown_again(form, error))
    return visit.go(f"/projects/{ids.encode('proj', row.id)}", Notes(told=f"The project {row.name} is made."))


async def invite(visit: Visit) -> Response:
    team_id, form = visit.said("team_id"), visit.form

    def job(write: Write) -> tuple[Row[Any], str]:
        team = visible_team(write.connection, visit.caller, team_id)
        return invitations.invite(write, team.id, form.required("email"), chosen_role(form, _INVITED_AS))

    try:
        row, token = await visit.write(job)
    except Invalid as error:
        return await _show(visit, team_id, invite=shown_again(form, error))
    link, was_mailed, mail_failed = f"{visit.request.base_url}invitations/{token}", False, ""
    try:
        was_mailed = await visit.services.mailing.invite(row.email, row.team_id, visit.caller.user_id, link)
    except MailFailed as error:
        mail_failed = str(error)[:500]
    return visit.go(_path(row), Notes(invited=row.email, link=link, was_mailed=was_mailed, mail_failed=mail_failed))


async def withdraw_invitation(visit: Visit) -> Response:
    def job(write: Write) -> Row[Any]:
        row = visible_invitation(write.connection, visit.caller, visit.said("invitation_id"))
        invitations.withdraw(write, row.id)
        return row

    row = await visit.write(job)
    return visit.go(_path(row), Notes(told=f"The invitation of {row.email} is withdrawn."))


async def change_member(visit: Visit) -> Response:
    def change(write: Write, row: Row[Any]) -> str:
        role = chosen_role(visit.form, ROLES)
        visit.caller.grant(role, visit.caller.role_in_team(row.team_id))
        change_role(write, row, role)
        return f"{row.name} is {role} now."

    return await _with_member(visit, change)


async def remove_from_team(visit: Visit) -> Response:
    def remove(write: Write, row: Row[Any]) -> str:
        remove_member(write, row)
        return f"{row.name} is no longer in the team."

    return await _with_member(visit, remove)


async def _with_member(visit: Visit, work: Callable[[Write, Row[Any]], str]) -> Response:
    member_id = visit.said("member_id")
    row = await visit.read(partial(visible_member, caller=visit.caller, public_id=member_id))

    def job(write: Write) -> str:
        now = visible_member(write.connection, visit.caller, member_id)
        visit.caller.grant(now.role, visit.caller.role_in_team(now.team_id))
        return work(write, now)

    try:
        told = await visit.write(job)
    except Invalid as error:
        return await _show(visit, ids.encode("team", row.team_id), **{member_id: shown_again(visit.form, error)})
    return visit.go("/account" if row.user_id == visit.caller.user_id else _path(row), Notes(told=told))


async def _show(visit: Visit, team_id: str, **forms: Shown) -> Response:
    part = partial(_chosen.part, visit.request)

    def query(connection: Connection) -> dict[str, Any]:
        team = visible_team(connection, visit.caller, team_id)
        may_manage = reaches(visit.caller.role_in_team(team.id) or "viewer", "admin")
        invited = list_invitations(connection, team.id, now_ms()) if may_manage else []
        projects = [row for row in projects_of(connection, team.id) if visit.caller.may(row.public_id)]
        return {
            "team": team,
            "projects": part("projects", projects, _LONG),
            "members": part("members", list_members(connection, team.id), _LONGEST),
            "invitations": part("invitations", invited, _LONG),
            "has_owner": count_owners(connection, team.id) > 0,
            "may_manage": may_manage,
        }

    found = await visit.read(query)
    own = visit.caller.role_in_team(found["team"].id)
    may_make = visit.caller.strongest == "owner"
    return visit.page("team.html", **found, roles=given_by(own), invited_as=_INVITED_AS, may_make=may_make, forms=forms)


def given_by(own: Role | None) -> tuple[Role, ...]:
    """Return the roles that somebody may give."""
    return tuple(role for role in ROLES if own is not None and reaches(own, role))


def chosen_role(form: Form, among: tuple[Role, ...]) -> Role:
    """Return the role that was chosen."""
    chosen = form.required("role")
    for role in among:
        if role == chosen:
            return role
    raise Invalid.field_is("role", f"expected one of {', '.join(among)}, got {chosen[:80]!r}")


def _path(row: Row[Any]) -> str:
    return f"/teams/{ids.encode('team', row.team_id)}"
