"""The page of one's own account."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server.db.queries.people import list_teams
from platform_report_server.errors import Forbidden, Invalid, RateLimited
from platform_report_server.web import _chosen
from platform_report_server.web._flash import Notes
from platform_report_server.web._forms import Shown, shown_again
from platform_report_server.web._visit import Visit
from platform_report_server.web.entrance import new_password

_TEAMS = 100


async def show(visit: Visit, **forms: Shown) -> Response:
    if visit.person is None:
        return visit.to_login()

    def query(connection: Connection) -> list[Any]:
        roles = visit.caller.teams or {}
        return [(team, roles[team.id]) for team in list_teams(connection, roles)]

    teams = _chosen.part(visit.request, "teams", await visit.read(query), _TEAMS)
    return visit.page("account.html", teams=teams, forms=forms)


async def change_password(visit: Visit) -> Response:
    person, session, form = visit.person, visit.caller.session, visit.form
    if person is None or session is None:
        return visit.to_login()
    try:
        new = new_password(form)
        await visit.services.entrance.change_password(person.id, form.text("old_password"), new, session)
    except Forbidden as error:
        return await show(visit, password=shown_again(form, Forbidden(error.message, field="old_password")))
    except (Invalid, RateLimited) as error:
        return await show(visit, password=shown_again(form, error))
    return visit.go("/account", Notes(told="Your password is changed; every other session of yours has ended."))
