"""Every page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from platform_report_server.auth.addresses import network_of
from platform_report_server.auth.caller import NOBODY
from platform_report_server.files import zipped
from platform_report_server.model import Role
from platform_report_server.services import Services
from platform_report_server.web import (
    account,
    artifacts,
    badges,
    changes,
    entrance,
    flaky,
    keys,
    live,
    projects,
    quarantine,
    run,
    runs,
    search,
    slowest,
    suites,
    teams,
    test,
    timeline,
    trends,
    webhooks,
)
from platform_report_server.web._forms import read_form
from platform_report_server.web._render import STATIC, VENDORED
from platform_report_server.web._visit import Visit
from platform_report_server.web.refuse import refuse_page

_CACHED = {"cache-control": "max-age=3600"}

_Handler = Callable[[Visit], Awaitable[Response]]


class PageRoute(Route):
    """The route of a page, or of a form on one, with the weakest role that may use it; None: whoever comes."""

    def __init__(self, method: str, path: str, needs: Role | None, handler: _Handler) -> None:
        self.needs = needs
        self._handler = handler
        super().__init__(path, self._answer, methods=[method])

    async def _answer(self, request: Request) -> Response:
        services: Services = request.app.state.services
        visit = Visit(request, services)
        try:
            visit = await Visit.begin(request, services)
            if request.method == "POST":
                allowance = await services.count(visit.caller.identity or network_of(request), "forms")
                if allowance is not None:
                    allowance.check()
            if self.needs is not None:
                token = request.query_params.get("token")
                if token is not None:
                    return await entrance.enter_by_link(visit, token)
                if visit.caller is NOBODY:
                    return visit.to_login()
                visit = replace(visit, caller=visit.caller.calling(self.needs))
            if request.method == "POST":
                form = await read_form(request)
                services.access.check_form(request, form.text("form_token"))
                visit = replace(visit, form=form)
            return await self._handler(visit)
        except Exception as error:
            return refuse_page(error, visit)


def web_routes() -> list[Route]:
    """Return the routes of the dashboard."""
    return [
        _show("/", "viewer", runs.show_runs),
        _show("/runs/{run_id}", "viewer", run.show),
        _show("/search", "viewer", search.show),
        _show("/runs/{run_id}/changes", "viewer", changes.show),
        _show("/runs/{run_id}/slowest", "viewer", slowest.show),
        _show("/runs/{run_id}/suites", "viewer", suites.show),
        _show("/runs/{run_id}/timeline", "viewer", timeline.show),
        _show("/live", "viewer", live.follow_runs),
        _show("/runs/{run_id}/live", "viewer", live.follow_run),
        _show("/tests/{test_id}", "viewer", test.show),
        _show("/artifacts/{artifact_id}", "viewer", artifacts.show),
        _show("/artifacts/{trace_id}/trace", "viewer", artifacts.open_trace),
        _show("/artifacts/{artifact_id}/compare/{other_id}", "viewer", artifacts.compare),
        _send("/tests/{test_id}/quarantine", "member", quarantine.put_one),
        _send("/tests/{test_id}/release", "member", quarantine.release_one),
        _show("/login", None, entrance.show_login),
        _send("/login", None, entrance.log_in),
        _send("/logout", None, entrance.log_out),
        _show("/first-owner", None, entrance.show_first_owner),
        _send("/first-owner", None, entrance.make_first_owner),
        _show("/invitations/{token}", None, entrance.show_invitation),
        _send("/invitations/{token}", None, entrance.accept_invitation),
        _show("/account", None, account.show),
        _send("/account/password", None, account.change_password),
        _show("/teams", "viewer", teams.index),
        _show("/teams/new", "owner", teams.show_new),
        _send("/teams", "owner", teams.make),
        _show("/teams/{team_id}", "viewer", teams.show),
        _send("/teams/{team_id}/projects", "admin", teams.make_project),
        _send("/teams/{team_id}/invitations", "admin", teams.invite),
        _send("/invitations/{invitation_id}/withdraw", "admin", teams.withdraw_invitation),
        _send("/members/{member_id}/role", "admin", teams.change_member),
        _send("/members/{member_id}/remove", "admin", teams.remove_from_team),
        _show("/projects/{project_id}", "viewer", projects.show),
        _show("/projects/{project_id}/trends", "viewer", trends.show),
        _show("/projects/{project_id}/movers", "viewer", trends.show_movers),
        _show("/projects/{project_id}/flaky", "viewer", flaky.show),
        _send("/projects/{project_id}/quarantine", "member", quarantine.put_many),
        _send("/projects/{project_id}/release", "member", quarantine.release_many),
        _send("/projects/{project_id}/name", "admin", projects.rename),
        _send("/projects/{project_id}/settings", "admin", projects.change),
        _send("/projects/{project_id}/badges", "admin", badges.make),
        _send("/projects/{project_id}/badges/revoke", "admin", badges.take_back),
        Route("/badges/{project_id}/{token}/{name}.svg", badges.show),
        _send("/projects/{project_id}/delete", "owner", projects.delete),
        _send("/projects/{project_id}/keys", "admin", keys.make),
        _send("/keys/{key_id}/switch", "admin", keys.switch),
        _send("/keys/{key_id}/delete", "admin", keys.delete),
        _send("/projects/{project_id}/webhooks", "admin", webhooks.make),
        _show("/webhooks/{webhook_id}", "admin", webhooks.show),
        _send("/webhooks/{webhook_id}/switch", "admin", webhooks.switch),
        _send("/webhooks/{webhook_id}/test", "admin", webhooks.test),
        _send("/webhooks/{webhook_id}/delete", "admin", webhooks.delete),
        _send("/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", "admin", webhooks.replay),
        _file("style.css", "text/css"),
        _file("live.js", "text/javascript"),
        _file("pictures.js", "text/javascript"),
        Route("/static/htmx.js", _send_htmx),
        _file("icon.svg", "image/svg+xml"),
    ]


def _show(path: str, needs: Role | None, handler: _Handler) -> PageRoute:
    return PageRoute("GET", path, needs, handler)


def _send(path: str, needs: Role | None, handler: _Handler) -> PageRoute:
    return PageRoute("POST", path, needs, handler)


async def _send_htmx(request: Request) -> Response:
    return await zipped(request, VENDORED / "htmx.min.js.gz", "text/javascript", _CACHED)


def _file(name: str, kind: str) -> Route:
    async def send(request: Request) -> Response:
        return FileResponse(STATIC / name, media_type=kind, headers=_CACHED)

    return Route(f"/static/{name}", send)
