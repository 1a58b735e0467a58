"""The pages at the door: log in and out, the first owner, invitations."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from platform_report_server.accounts.invitations import invited
from platform_report_server.auth.addresses import network_of
from platform_report_server.clock import now_ms
from platform_report_server.db.queries.people import find_account_by_email, has_accounts
from platform_report_server.errors import Invalid, RateLimited, Unauthorized
from platform_report_server.web._flash import Notes
from platform_report_server.web._forms import Form, Shown, shown_again
from platform_report_server.web._visit import Visit, local


async def enter_by_link(visit: Visit, token: str) -> Response:
    """Let a browser in, and take the token out of its address."""
    return _let_in(visit, await visit.services.entrance.enter_by_link(token), visit.request.url.path)


async def show_login(visit: Visit, **forms: Shown) -> Response:
    asked = visit.form.text("next") or visit.request.query_params.get("next")
    if visit.person is not None:
        return visit.go(local(asked))
    return visit.page("login.html", next=local(asked), has_accounts=await visit.read(has_accounts), forms=forms)


async def log_in(visit: Visit) -> Response:
    form, network = visit.form, network_of(visit.request)
    try:
        email, password = form.required("email"), _password(form)
        session = await visit.services.entrance.log_in(email, password, network)
    except (Invalid, Unauthorized, RateLimited) as error:
        return await show_login(visit, login=shown_again(form, error))
    return _let_in(visit, session, local(form.text("next")))


async def log_out(visit: Visit) -> Response:
    if visit.caller.session is not None:
        await visit.services.entrance.log_out(visit.caller.session)
    response = visit.go("/login")
    visit.services.access.take_cookie(visit.request, response)
    return response


async def show_first_owner(visit: Visit, **forms: Shown) -> Response:
    token = visit.form.text("token") or visit.request.query_params.get("token", "")
    await visit.services.entrance.check_owner_link(token)
    return visit.page("first_owner.html", token=token, forms=forms)


async def make_first_owner(visit: Visit) -> Response:
    form, entrance = visit.form, visit.services.entrance
    try:
        email, name = form.required("email"), form.required("name")
        session = await entrance.make_first_owner(form.text("token"), email, name, new_password(form))
    except (Invalid, RateLimited) as error:
        return await show_first_owner(visit, account=shown_again(form, error))
    return _let_in(visit, session, "/teams")


async def show_invitation(visit: Visit, **forms: Shown) -> Response:
    token = visit.said("token")

    def query(connection: Connection) -> dict[str, Any]:
        invitation = invited(connection, token, now_ms())
        return {
            "invitation": invitation,
            "has_account": find_account_by_email(connection, invitation.email) is not None,
        }

    to_login = "/login?" + urlencode({"next": f"/invitations/{token}"})
    return visit.page("invitation.html", **await visit.read(query), token=token, to_login=to_login, forms=forms)


async def accept_invitation(visit: Visit) -> Response:
    form, token, entrance = visit.form, visit.said("token"), visit.services.entrance
    invitation = await visit.read(partial(invited, token=token, now=now_ms()))
    if visit.person is not None and visit.person.email == invitation.email:
        await entrance.accept_as(token, visit.person.id)
        return visit.go("/", Notes(told=f"You are now in the team {invitation.team}."))
    try:
        session = await entrance.accept_anew(token, form.required("name"), new_password(form))
    except (Invalid, RateLimited) as error:
        return await show_invitation(visit, account=shown_again(form, error))
    return _let_in(visit, session, "/")


def new_password(form: Form) -> str:
    """Return a password that was typed the same way twice."""
    password = _password(form)
    if password != form.text("password_again"):
        raise Invalid.field_is("password_again", "is not the same")
    return password


def _password(form: Form) -> str:
    password = form.text("password")
    if not password:
        raise Invalid.field_is("password", "required")
    return password


def _let_in(visit: Visit, session: str, path: str) -> Response:
    response = RedirectResponse(path, 303)
    visit.services.access.give_cookie(visit.request, response, session)
    return response
