"""Access: keys, links, sessions, host names; every route is in the table."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from platform_report_server.app import create_app
from platform_report_server.errors import SettingsError
from platform_report_server.settings import LOOPBACK_NAMES, Settings
from server.support import KEY, OTHER_KEY, PNG, PROJECT, Api, checked, refused, served_settings, serving
from server.test_pages import PAGES

FORBIDDEN, NOT_FOUND = (403, "FORBIDDEN"), (404, "NOT_FOUND")

# (method, path) -> what a rightful request says, and what the key of another project is told
TABLE: dict[tuple[str, str], tuple[dict[str, Any], tuple[int, str]]] = {
    ("GET", "/api/runs"): ({"params": {"projectId": PROJECT}}, FORBIDDEN),
    ("POST", "/api/runs"): ({"json": {"projectId": PROJECT, "status": "running"}}, FORBIDDEN),
    ("GET", "/api/runs/{run_id}"): ({}, NOT_FOUND),
    ("PATCH", "/api/runs/{run_id}"): ({"json": {"status": "passed"}}, NOT_FOUND),
    ("DELETE", "/api/runs/{run_id}"): ({}, NOT_FOUND),
    ("GET", "/api/tests"): ({"params": {"projectId": PROJECT}}, FORBIDDEN),
    ("POST", "/api/tests"): ({"json": "a test"}, FORBIDDEN),
    ("POST", "/api/tests/bulk"): ({"json": {"tests": ["a test"]}}, FORBIDDEN),
    ("GET", "/api/tests/{test_id}"): ({}, NOT_FOUND),
    ("GET", "/api/tests/{test_id}/steps"): ({}, NOT_FOUND),
    ("GET", "/api/tests/{test_id}/history"): ({}, NOT_FOUND),
    ("GET", "/api/test-suites"): ({"params": {"projectId": PROJECT, "runId": "{run_id}"}}, FORBIDDEN),
    ("POST", "/api/test-suites"): ({"json": {"projectId": PROJECT, "runId": "{run_id}", "title": "s"}}, FORBIDDEN),
    ("POST", "/api/upload"): (
        {
            "data": {"projectId": PROJECT, "runId": "{run_id}", "type": "screenshot"},
            "files": {"file": ("a.png", PNG)},
        },
        FORBIDDEN,
    ),
    ("GET", "/api/artifacts"): ({"params": {"runId": "{run_id}"}}, NOT_FOUND),
}
OPEN_TO_ALL = {("GET", "/api/artifacts/{artifact_id}/content")}  # the signature is the access: test_artifacts.py
OPEN_TO_ALL |= {("GET", "/static/style.css")}


def test_every_route_is_in_the_table(settings: Settings) -> None:
    app = create_app(settings)
    routes = [route for route in app.routes if isinstance(route, Route)]
    assert len(routes) == len(app.routes)
    found = {(method, route.path) for route in routes for method in (route.methods or ())}
    pages = {("GET", page) for page in PAGES}
    assert {each for each in found if each[0] != "HEAD"} == TABLE.keys() | OPEN_TO_ALL | pages


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_who_may_call(api: Api, url: str, method: str, path: str) -> None:
    said, told = TABLE[method, path]
    run = api.new_run()
    test = api.new_test(run)
    names = {"run_id": run["id"], "test_id": test["id"]}
    request = _filled(said, names, api.test_body(run))
    before = api.get(f"/api/runs/{run['id']}")

    def send(headers: dict[str, str]) -> httpx.Response:
        return httpx.request(method, url + path.format(**names), headers=headers, **request)

    for headers in ({}, {"X-API-Key": "no such key at all"}, {"X-API-Key": ""}, {"X-API-Key": KEY[:-1]}):
        refused(send(headers), 401, "UNAUTHORIZED")
    answer = send({"X-API-Key": OTHER_KEY})
    if path == "/api/tests/bulk":
        (entry,) = checked(answer, 200)["data"]
        assert entry["error"]["code"] == told[1]
    else:
        refused(answer, *told)
    assert api.get(f"/api/runs/{run['id']}") == before
    assert api.get("/api/runs", projectId=PROJECT)["total"] == 1
    assert send({"X-API-Key": KEY}).is_success


def test_a_link_opens_one_session_once(settings: Settings) -> None:
    with serving(replace(settings, link_token="the-token")) as url:
        with httpx.Client(base_url=url) as stranger:
            assert stranger.get("/?token=wrong").status_code == 401
            assert stranger.get("/").status_code == 401
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
        with httpx.Client(base_url=url) as late:
            assert late.get("/?token=the-token").status_code == 401


def test_a_session_outlives_a_restart(settings: Settings) -> None:
    with serving(replace(settings, link_token="the-token")) as url, httpx.Client(base_url=url) as browser:
        browser.get("/?token=the-token")
        cookies = dict(browser.cookies)
    later = replace(settings, link_token="another")
    with serving(later) as url, httpx.Client(base_url=url, cookies=cookies) as browser:
        assert browser.get("/").status_code == 200
    with serving(settings) as url, httpx.Client(base_url=url, cookies=cookies) as browser:
        assert browser.get("/").status_code == 401  # where there is no such link, it is not the way in


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


def _filled(said: Any, names: dict[str, str], test: dict[str, Any]) -> Any:
    if isinstance(said, dict):
        return {name: _filled(value, names, test) for name, value in said.items()}
    if isinstance(said, list):
        return [_filled(value, names, test) for value in said]
    if said == "a test":
        return test
    return said.format(**names) if isinstance(said, str) else said
