"""Access: keys, links, sessions, host names; every route is in the table."""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.routing import Route

from platform_report_server.api.routes import api_routes
from platform_report_server.app import create_app
from platform_report_server.auth.links import entry_token, owner_token
from platform_report_server.auth.roles import ROLES
from platform_report_server.auth.signing import load_signer
from platform_report_server.errors import Forbidden, SettingsError
from platform_report_server.model import Role
from platform_report_server.services import open_services
from platform_report_server.settings import LOOPBACK_NAMES, Settings
from platform_report_server.web.routes import PageRoute
from server.cast import Cast, Who, casting, with_key
from server.support import KEY, PNG, PROJECT, ZIP, Api, checked, cookie_of, refused, served_settings, serving

pytestmark = [pytest.mark.newest, pytest.mark.uncovered]

FORBIDDEN, NOT_FOUND = (403, "FORBIDDEN"), (404, "NOT_FOUND")
OF_PROJECT = {"params": {"projectId": "{project_id}"}}
OF_TEAM = {"params": {"teamId": "{team_id}"}}
WEBHOOK = {"projectId": "{project_id}", "url": "http://[::1]:9/", "events": ["run.failed"]}

# (method, path) -> the role that it needs, a rightful request, and what is told to whom the project or team is not
TABLE: dict[tuple[str, str], tuple[Role, dict[str, Any], tuple[int, str] | None]] = {
    ("GET", "/api/runs"): ("viewer", OF_PROJECT, FORBIDDEN),
    ("POST", "/api/runs"): ("member", {"json": {"projectId": "{project_id}", "status": "running"}}, FORBIDDEN),
    ("GET", "/api/runs/{run_id}"): ("viewer", {}, NOT_FOUND),
    ("PATCH", "/api/runs/{run_id}"): ("member", {"json": {"status": "passed"}}, NOT_FOUND),
    ("DELETE", "/api/runs/{run_id}"): ("member", {}, NOT_FOUND),
    ("GET", "/api/runs/{run_id}/export"): ("viewer", {"params": {"format": "junit"}}, NOT_FOUND),
    ("GET", "/api/tests"): ("viewer", OF_PROJECT, FORBIDDEN),
    ("POST", "/api/tests"): ("member", {"json": "a test"}, FORBIDDEN),
    ("POST", "/api/tests/bulk"): ("member", {"json": {"tests": ["a test"]}}, FORBIDDEN),
    ("GET", "/api/tests/{test_id}"): ("viewer", {}, NOT_FOUND),
    ("GET", "/api/tests/{test_id}/steps"): ("viewer", {}, NOT_FOUND),
    ("GET", "/api/tests/{test_id}/history"): ("viewer", {}, NOT_FOUND),
    ("GET", "/api/test-suites"): (
        "viewer",
        {"params": {"projectId": "{project_id}", "runId": "{run_id}"}},
        FORBIDDEN,
    ),
    ("POST", "/api/test-suites"): (
        "member",
        {"json": {"projectId": "{project_id}", "runId": "{run_id}", "title": "s"}},
        FORBIDDEN,
    ),
    ("POST", "/api/upload"): (
        "member",
        {
            "data": {"projectId": "{project_id}", "runId": "{run_id}", "type": "screenshot"},
            "files": {"file": ("a.png", PNG)},
        },
        FORBIDDEN,
    ),
    ("GET", "/api/flakiness"): ("viewer", OF_PROJECT, FORBIDDEN),
    ("POST", "/api/flakiness"): (
        "member",
        {"json": {"projectId": "{project_id}", "testId": "{test_id}", "isQuarantined": True}},
        FORBIDDEN,
    ),
    ("GET", "/api/projects/{project_id}/settings"): ("viewer", {}, NOT_FOUND),
    ("PATCH", "/api/projects/{project_id}/settings"): ("admin", {"json": {"dataRetentionDays": 7}}, NOT_FOUND),
    ("GET", "/api/projects/{project_id}/badges"): ("admin", {}, NOT_FOUND),
    ("POST", "/api/projects/{project_id}/badges"): ("admin", {}, NOT_FOUND),
    ("DELETE", "/api/projects/{project_id}/badges"): ("admin", {}, NOT_FOUND),
    ("GET", "/api/artifacts"): ("viewer", {"params": {"runId": "{run_id}"}}, NOT_FOUND),
    ("GET", "/api/projects"): ("viewer", OF_TEAM, NOT_FOUND),
    ("POST", "/api/projects"): ("admin", {"json": {"name": "New", "teamId": "{team_id}"}}, NOT_FOUND),
    ("GET", "/api/projects/{project_id}"): ("viewer", {}, NOT_FOUND),
    ("PATCH", "/api/projects/{project_id}"): ("admin", {"json": {"name": "Renamed"}}, NOT_FOUND),
    ("DELETE", "/api/projects/{project_id}"): ("owner", {}, NOT_FOUND),
    ("GET", "/api/teams"): ("viewer", {}, None),
    ("POST", "/api/teams"): ("owner", {"json": {"name": "New"}}, None),
    ("GET", "/api/team-members"): ("viewer", OF_TEAM, NOT_FOUND),
    ("POST", "/api/team-members"): (
        "admin",
        {"json": {"teamId": "{team_id}", "email": "new@example.com", "role": "member"}},
        NOT_FOUND,
    ),
    ("PATCH", "/api/team-members/{member_id}"): ("admin", {"json": {"role": "viewer"}}, NOT_FOUND),
    ("DELETE", "/api/team-members/{member_id}"): ("admin", {}, NOT_FOUND),
    ("GET", "/api/invitations"): ("admin", OF_TEAM, NOT_FOUND),
    ("DELETE", "/api/invitations/{invitation_id}"): ("admin", {}, NOT_FOUND),
    ("GET", "/api/api-keys"): ("admin", OF_PROJECT, FORBIDDEN),
    ("POST", "/api/api-keys"): ("admin", {"json": {"projectId": "{project_id}", "name": "CI"}}, FORBIDDEN),
    ("PATCH", "/api/api-keys/{key_id}"): ("admin", {"json": {"isActive": False}}, NOT_FOUND),
    ("DELETE", "/api/api-keys/{key_id}"): ("admin", {}, NOT_FOUND),
    ("GET", "/api/webhooks"): ("admin", OF_PROJECT, FORBIDDEN),
    ("POST", "/api/webhooks"): ("admin", {"json": WEBHOOK}, FORBIDDEN),
    ("PATCH", "/api/webhooks/{webhook_id}"): ("admin", {"json": {"isActive": False}}, NOT_FOUND),
    ("DELETE", "/api/webhooks/{webhook_id}"): ("admin", {}, NOT_FOUND),
    ("POST", "/api/webhooks/{webhook_id}/test"): ("admin", {}, NOT_FOUND),
    ("GET", "/api/webhooks/{webhook_id}/deliveries"): ("admin", {}, NOT_FOUND),
    ("POST", "/api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"): ("admin", {}, NOT_FOUND),
}
# the signature is the access: test_artifacts.py, test_thumbnails.py
OPEN_TO_ALL = {("GET", f"/api/artifacts/{{artifact_id}}/{what}") for what in ("content", "thumbnail")}
OPEN_TO_ALL |= {
    ("GET", "/static/style.css"),
    ("GET", "/static/icon.svg"),
    ("GET", "/static/htmx.js"),
    ("GET", "/static/live.js"),
    ("GET", "/static/pictures.js"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/docs"),
    ("GET", "/api/redoc"),
}
OPEN_TO_ALL |= {("GET", "/badges/{project_id}/{token}/{name}.svg")}  # so is the token: test_settings_pages.py
OPEN_TO_ALL |= {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}  # test_operation.py


def test_every_route_is_in_the_table(settings: Settings) -> None:
    app = create_app(settings)
    routes = [route for route in app.routes if isinstance(route, Route)]
    assert len(routes) == len(app.routes)
    found = {
        (method, route.path)
        for route in routes
        if not isinstance(route, PageRoute)
        for method in (route.methods or ())
        if method != "HEAD"
    }
    assert {each for each in found if not each[1].startswith("/api/docs/")} == TABLE.keys() | OPEN_TO_ALL
    for route in api_routes():
        for method, operation in route.operations.items():
            declared = TABLE.get((method, route.path), (None, {}, None))[0]
            assert operation.needs == declared, (method, route.path)


class World(dict[str, str]):
    """A project of the cast's team with what a path may name, made when it is named."""

    def __init__(self, cast: Cast, settings: Settings) -> None:
        super().__init__(team_id=cast.team, project_id=cast.new_project())
        self._cast = cast
        self._settings = settings
        self.api = Api(cast.owner, self["project_id"])

    def __missing__(self, name: str) -> str:
        self[name] = made = str(getattr(self, f"_{name}")())
        return made

    def _run_id(self) -> Any:
        return self.api.new_run()["id"]

    def _test_id(self) -> Any:
        return self.api.new_test({"id": self["run_id"]})["id"]

    def _artifact_id(self) -> Any:
        run = {"id": self["run_id"]}
        self["other_id"] = self.api.upload(run)["id"]
        return self.api.upload(run)["id"]

    def _trace_id(self) -> Any:
        return self.api.upload({"id": self["run_id"]}, "trace.zip", ZIP, "trace")["id"]

    def _member_id(self) -> str:
        return self._cast.new_member(self._settings, "member", self["project_id"])

    def _invitation_id(self) -> Any:
        body = {"teamId": self["team_id"], "email": f"{self['project_id']}@example.org", "role": "viewer"}
        return checked(self._cast.owner.post("/api/team-members", json=body), 201)["id"]

    def _key_id(self) -> Any:
        body = {"projectId": self["project_id"], "name": "to be changed"}
        return checked(self._cast.owner.post("/api/api-keys", json=body), 201)["id"]

    def _webhook_id(self) -> Any:
        return checked(self._cast.owner.post("/api/webhooks", json=self.filled(WEBHOOK)), 201)["id"]

    def _delivery_id(self) -> Any:
        return checked(self._cast.owner.post(f"/api/webhooks/{self['webhook_id']}/test"), 200)["id"]

    def filled(self, said: Any) -> Any:
        if isinstance(said, dict):
            return {name: self.filled(value) for name, value in said.items()}
        if isinstance(said, list):
            return [self.filled(value) for value in said]
        if said == "a test":
            return self.api.test_body({"id": self["run_id"]})
        return said.format_map(self) if isinstance(said, str) else said

    def send(self, who: Who, method: str, path: str) -> httpx.Response:
        request = self.filled(TABLE[method, path][1])
        answer = self._cast.http.request(method, path.format_map(self), headers=who, **request)
        assert answer.headers.keys() >= {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
        return answer


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cast, Settings]]:
    settings = served_settings(tmp_path_factory.mktemp("access") / "platform")
    with serving(settings) as url, casting(settings, url) as cast:
        yield cast, settings


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_who_may_call(crowded: tuple[Cast, Settings], method: str, path: str) -> None:
    cast, settings = crowded
    needs, _, told = TABLE[method, path]
    world = World(cast, settings)
    for name in ("run_id", *_named(method, path)):
        assert world[name]
    before = world.api.get(f"/api/runs/{world['run_id']}")

    def refuse(who: Who, status: int, code: str) -> None:
        answer = world.send(who, method, path)
        if path == "/api/tests/bulk" and answer.is_success:
            (entry,) = answer.json()["data"]
            assert entry["error"]["code"] == code
        else:
            refused(answer, status, code)

    for nobody in ({}, with_key("no such key at all"), with_key(""), with_key(KEY[:-1])):
        refuse(nobody, 401, "UNAUTHORIZED")
    if told is not None:
        strangers = [cast.stranger, cast.stranger_key]
        if not {"team_id", "member_id", "invitation_id"} & _named(method, path):
            strangers.append(with_key(cast.new_key(cast.new_project("Beside"), "owner")))
        for who in strangers:
            refuse(who, *told)
    for role in ROLES[: ROLES.index(needs)]:
        if told is not None:  # in a team of their own they are owners
            refuse(cast.people[role], *FORBIDDEN)
        refuse(with_key(cast.new_key(world["project_id"], role)), *FORBIDDEN)
    assert world.api.get(f"/api/runs/{world['run_id']}") == before
    assert world.api.get("/api/runs", projectId=world["project_id"])["total"] == 1
    for role in ROLES[ROLES.index(needs) :]:
        for has_key in (False, True):
            fresh = World(cast, settings)
            who = with_key(cast.new_key(fresh["project_id"], role)) if has_key else cast.people[role]
            answer = fresh.send(who, method, path)
            assert answer.is_success, answer.text


def _named(method: str, path: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", f"{path} {TABLE[method, path][1]}"))


@pytest.mark.both_stores
def test_a_link_opens_one_session_once(settings: Settings) -> None:
    with serving(replace(settings, link_token="the-token")) as url:
        with httpx.Client(base_url=url) as stranger:
            assert stranger.get("/?token=wrong").status_code == 401
            assert stranger.get("/").headers["location"] == "/login"
        with httpx.Client(base_url=url) as browser:
            response = browser.get("/?token=the-token")
            assert (response.status_code, response.headers["location"]) == (303, "/")
            cookie = response.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=lax" in cookie
            assert browser.get("/").status_code == 200
            assert browser.get("/api/runs", params={"projectId": PROJECT}).status_code == 200

            body = {"projectId": PROJECT, "status": "running"}
            assert browser.post("/api/runs", json=body, headers={"Origin": url}).status_code == 201
            foreign = browser.post("/api/runs", json=body, headers={"Origin": "http://127.0.0.1:1"})
            refused(foreign, 403, "FORBIDDEN")

            (name, value), *_ = browser.cookies.items()
            for changed in (value[:-1], "9" + value, value.swapcase(), ""):
                with httpx.Client(base_url=url, cookies={name: changed}) as forger:
                    refused(forger.get("/api/runs", params={"projectId": PROJECT}), 401, "UNAUTHORIZED")
        signer = load_signer(settings.signing_key, nullcontext)
        signed, owning = entry_token(signer), owner_token(signer)
        expires, nonce, signature = signed.split(".")
        for wrong in (owning, signed[:-1], f"{int(expires) + 1}.{nonce}.{signature}", f"{expires}..{signature}", ".."):
            assert httpx.get(f"{url}/?token={wrong}").status_code == 401
        with serving(replace(settings, link_token="the-token")) as another, httpx.Client(base_url=another) as late:
            assert late.get("/?token=the-token").status_code == 401
            assert late.get(f"/runs/run_0?token={signed}").headers["location"] == "/runs/run_0"
            assert late.get("/").status_code == 200
        assert httpx.get(f"{url}/?token={signed}").status_code == 401
        with serving(settings) as served:
            assert httpx.get(f"{served}/?token={entry_token(signer)}").status_code == 401, "there people log in"


def test_over_https_the_cookie_is_bound_to_the_host(settings: Settings) -> None:
    proxied = {"X-Forwarded-Proto": "https"}  # as a proxy on this machine says it
    with (
        serving(replace(settings, link_token="the-token")) as url,
        httpx.Client(base_url=url, headers=proxied) as browser,
    ):
        cookie = browser.get("/?token=the-token").headers["set-cookie"]
        assert cookie.startswith("__Host-platform_report_")
        assert "; secure" in cookie.lower()
        assert "; path=/" in cookie.lower()
        assert "domain" not in cookie.lower()
        sent = {"Cookie": cookie.partition(";")[0]}
        assert browser.get("/", headers=sent).status_code == 200
        plain = {"Cookie": sent["Cookie"].removeprefix("__Host-")}
        assert httpx.get(url, headers=proxied | plain).headers["location"] == "/login"


def test_a_form_is_taken_from_our_own_pages_only(settings: Settings) -> None:
    async def use() -> None:
        async with open_services(settings) as services:
            access = services.access
            (name,) = cookie_of(settings, "x")

            def request(session: str, origin: str | None = "http://h") -> Request:
                headers = [(b"host", b"h"), (b"cookie", f"{name}={session}".encode())]
                headers += [] if origin is None else [(b"origin", origin.encode())]
                return Request({"type": "http", "method": "POST", "scheme": "http", "path": "/", "headers": headers})

            mine = access.form_token(request("mine"))
            access.check_form(request("mine"), mine)
            for other, token in (
                (request("theirs"), mine),
                (request("mine"), ""),
                (request("mine"), access.form_token(request(""))),
                (request("mine", "http://other"), mine),
                (request("mine", "https://h"), mine),
                (request("mine", "null"), mine),
                (request("mine", None), mine),
            ):
                with pytest.raises(Forbidden, match="open its page again"):
                    access.check_form(other, token)

    asyncio.run(use())


def test_a_session_outlives_a_restart(settings: Settings) -> None:
    with serving(replace(settings, link_token="the-token")) as url, httpx.Client(base_url=url) as browser:
        browser.get("/?token=the-token")
        cookies = dict(browser.cookies)
    later = replace(settings, link_token="another")
    with serving(later) as url, httpx.Client(base_url=url, cookies=cookies) as browser:
        assert browser.get("/").status_code == 200
    with serving(settings) as url, httpx.Client(base_url=url, cookies=cookies) as browser:
        assert browser.get("/").headers["location"] == "/login"  # where there is no such link, it is not the way in


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]:80", "localhost.:80"])
def test_foreign_host_names_are_refused(settings: Settings, host: str) -> None:
    with serving(replace(settings, host_names=LOOPBACK_NAMES)) as url:
        for path in ("/api/runs", "/", "/nothing"):
            refused(httpx.get(url + path, headers={"Host": host, "X-API-Key": KEY}), 403, "FORBIDDEN")


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "LOCALHOST", "[::1]:80"])
def test_our_own_names_are_answered(settings: Settings, host: str) -> None:
    with serving(replace(settings, host_names=LOOPBACK_NAMES)) as url:
        checked(httpx.get(f"{url}/api/runs?projectId={PROJECT}", headers={"Host": host, "X-API-Key": KEY}), 200)


def test_secrets_stay_out_of_sight(folder: Path, url: str) -> None:
    settings = replace(served_settings(folder), link_token="the-token")
    assert KEY not in repr(settings)
    assert "the-token" not in repr(settings)
    assert KEY not in str(dict(settings.key_hashes))
    assert stat.S_IMODE((folder / "signing.key").stat().st_mode) == 0o600


def test_short_and_double_keys_are_refused(folder: Path) -> None:
    with pytest.raises(SettingsError, match="project 'p' has 15 characters, at least 16 are needed"):
        Settings.served(folder, {"p": "k" * 15})
    with pytest.raises(SettingsError, match="'p' and 'q' have the same API key"):
        Settings.served(folder, {"p": "k" * 16, "q": "k" * 16})
