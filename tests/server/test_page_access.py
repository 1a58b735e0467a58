"""Who may see which page and send which form; every page is in the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from platform_report_server.auth.roles import ROLES
from platform_report_server.model import Role
from platform_report_server.settings import Settings
from platform_report_server.web.routes import PageRoute, web_routes
from server.browsing import Page
from server.cast import Cast, Who, casting
from server.support import served_settings, serving
from server.test_access import World
from server.viewers import make_viewer

# (method, path) -> the role that it needs, what a form says, and what a stranger is told
TABLE: dict[tuple[str, str], tuple[Role, dict[str, str], int]] = {
    ("GET", "/"): ("viewer", {}, 200),
    ("GET", "/search"): ("viewer", {}, 200),
    ("GET", "/live"): ("viewer", {}, 200),
    ("GET", "/runs/{run_id}"): ("viewer", {}, 404),
    ("GET", "/runs/{run_id}/changes"): ("viewer", {}, 404),
    ("GET", "/runs/{run_id}/slowest"): ("viewer", {}, 404),
    ("GET", "/runs/{run_id}/suites"): ("viewer", {}, 404),
    ("GET", "/runs/{run_id}/timeline"): ("viewer", {}, 404),
    ("GET", "/runs/{run_id}/live"): ("viewer", {}, 404),
    ("GET", "/tests/{test_id}"): ("viewer", {}, 404),
    ("GET", "/artifacts/{artifact_id}"): ("viewer", {}, 404),
    ("GET", "/artifacts/{trace_id}/trace"): ("viewer", {}, 404),
    ("GET", "/artifacts/{artifact_id}/compare/{other_id}"): ("viewer", {}, 404),
    ("POST", "/tests/{test_id}/quarantine"): ("member", {}, 404),
    ("POST", "/tests/{test_id}/release"): ("member", {}, 404),
    ("GET", "/teams"): ("viewer", {}, 303),
    ("GET", "/teams/new"): ("owner", {}, 200),
    ("POST", "/teams"): ("owner", {"name": "Another"}, 303),
    ("GET", "/teams/{team_id}"): ("viewer", {}, 404),
    ("POST", "/teams/{team_id}/projects"): ("admin", {"name": "Shop"}, 404),
    ("POST", "/teams/{team_id}/invitations"): ("admin", {"email": "new@example.com", "role": "viewer"}, 404),
    ("POST", "/invitations/{invitation_id}/withdraw"): ("admin", {}, 404),
    ("POST", "/members/{member_id}/role"): ("admin", {"role": "viewer"}, 404),
    ("POST", "/members/{member_id}/remove"): ("admin", {}, 404),
    ("GET", "/projects/{project_id}"): ("viewer", {}, 404),
    ("GET", "/projects/{project_id}/trends"): ("viewer", {}, 404),
    ("GET", "/projects/{project_id}/movers"): ("viewer", {}, 404),
    ("GET", "/projects/{project_id}/flaky"): ("viewer", {}, 404),
    ("POST", "/projects/{project_id}/quarantine"): ("member", {"test": "{test_id}"}, 404),
    ("POST", "/projects/{project_id}/release"): ("member", {"test": "{test_id}"}, 404),
    ("POST", "/projects/{project_id}/name"): ("admin", {"name": "Renamed"}, 404),
    ("POST", "/projects/{project_id}/settings"): (
        "admin",
        {"dataRetentionDays": "30", "flakinessThreshold": "0.5"},
        404,
    ),
    ("POST", "/projects/{project_id}/badges"): ("admin", {}, 404),
    ("POST", "/projects/{project_id}/badges/revoke"): ("admin", {}, 404),
    ("POST", "/projects/{project_id}/delete"): ("owner", {"typed": "Web App E2E"}, 404),
    ("POST", "/projects/{project_id}/keys"): ("admin", {"name": "CI", "role": "viewer"}, 404),
    ("POST", "/keys/{key_id}/switch"): ("admin", {"active": "off"}, 404),
    ("POST", "/keys/{key_id}/delete"): ("admin", {}, 404),
    ("POST", "/projects/{project_id}/webhooks"): (
        "admin",
        {"url": "http://[::1]:9/", "events": "runs that failed", "format": "JSON", "secret": ""},
        404,
    ),
    ("GET", "/webhooks/{webhook_id}"): ("admin", {}, 404),
    ("POST", "/webhooks/{webhook_id}/switch"): ("admin", {"active": "off"}, 404),
    ("POST", "/webhooks/{webhook_id}/test"): ("admin", {}, 404),
    ("POST", "/webhooks/{webhook_id}/delete"): ("admin", {}, 404),
    ("POST", "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"): ("admin", {}, 404),
}
# test_door_pages.py: whoever comes, or has an account
FOR_ALL = {
    *(("GET", "/login"), ("POST", "/login"), ("POST", "/logout")),
    *(("GET", "/first-owner"), ("POST", "/first-owner")),
    *(("GET", "/invitations/{token}"), ("POST", "/invitations/{token}")),
    *(("GET", "/account"), ("POST", "/account/password")),
}


def test_every_page_is_in_the_table() -> None:
    found = {
        (method, route.path): route.needs
        for route in web_routes()
        if isinstance(route, PageRoute)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert found == {place: row[0] for place, row in TABLE.items()} | dict.fromkeys(FOR_ALL)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cast, Settings]]:
    folder = tmp_path_factory.mktemp("pages")
    settings = replace(served_settings(folder / "platform"), viewer_files=make_viewer(folder / "viewer"))
    with serving(settings) as url, casting(settings, url) as cast:
        yield cast, settings


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_who_may_look(crowded: tuple[Cast, Settings], method: str, path: str) -> None:
    cast, settings = crowded
    needs, said, told = TABLE[method, path]
    world = World(cast, settings)

    def filled(world: World) -> dict[str, str]:
        return {name: value.format_map(world) for name, value in said.items()}

    def send(who: Who, world: World = world, /, **headers: str) -> httpx.Response:
        place = path.format_map(world)
        form = filled(world) | {"form_token": form_token(cast, who)} if method == "POST" else None
        origin = {"Origin": str(cast.http.base_url)} if method == "POST" else {}
        headers = {"Accept": "text/html"} | origin | who | headers
        with cast.http.stream(method, place, headers=headers, data=form) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):  # that would not end
                answer.read()
            return answer

    answer = send({})
    assert answer.status_code == 303
    assert answer.headers["location"].partition("?")[0] == "/login"
    assert send(cast.stranger).status_code == told
    for role in ROLES[: ROLES.index(needs)] if told >= 400 else ():  # in a team of their own they are owners
        refused = send(cast.people[role])
        assert refused.status_code == 403
        assert "You may not do that" in refused.text
        assert f"This needs the role {needs}" in refused.text
    if method == "POST":
        for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}):
            assert send(cast.people["owner"], **headers).status_code == 403
        forged = cast.http.post(
            path.format_map(world),
            data=filled(world) | {"form_token": "0" * 64},
            headers=cast.people["owner"] | {"Origin": str(cast.http.base_url)},
        )
        assert forged.status_code == 403
    for role in ROLES[ROLES.index(needs) :]:
        answer = send(cast.people[role], World(cast, settings))
        # of one's only team, there is no list
        leads_on = path in ("/teams", "/artifacts/{trace_id}/trace")
        assert answer.status_code in ({303} if method == "POST" else {200, 303 if leads_on else 200})
        assert "/login" not in answer.headers.get("location", "")


def form_token(cast: Cast, who: Who) -> str:
    """Return what the forms carry that this person is shown."""
    page = Page(cast.http.get("/account", headers=who, follow_redirects=True).text)
    return next((form.values["form_token"] for form in page.forms if "form_token" in form.values), "")
