"""The pages of teams, projects and keys: what they change, and what they refuse."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from platform_report_server import ids
from platform_report_server.accounts.keys import add_key
from platform_report_server.accounts.people import add_account, begin_session
from platform_report_server.accounts.teams import add_member, add_team
from platform_report_server.ingest.projects import add_project
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Role
from platform_report_server.settings import Settings
from server.browsing import Browser, Browsers, browsers
from server.cast import NO_PASSWORD, Cast, casting, with_key
from server.receiver import receiving
from server.support import KEY, Api, checked, cookie_of, in_store, refused, served_settings, serving

NAME = "<script>alert('x')</script>\"'&<img src=x onerror=alert(1)>{{ 7 * 7 }}"
LAST_DAY = "2090-12-31"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return replace(served_settings(tmp_path_factory.mktemp("house") / "platform"), link_token="the-link")


@pytest.fixture(scope="module")
def url(settings: Settings) -> Iterator[str]:
    with serving(settings) as address:
        yield address


@pytest.fixture(scope="module")
def cast(settings: Settings, url: str) -> Iterator[Cast]:
    with casting(settings, url) as people:
        yield people


@pytest.fixture
def new(url: str) -> Iterator[Browsers]:
    with browsers(url) as make:
        yield make


@pytest.fixture
def enter(cast: Cast, new: Browsers) -> Callable[[Role], Browser]:
    def make(role: Role) -> Browser:
        name, _, value = cast.people[role]["Cookie"].partition("=")
        return new({name: value})

    return make


def test_members(cast: Cast, enter: Callable[[Role], Browser], settings: Settings) -> None:
    place = f"/teams/{cast.team}"
    owner, admin, viewer = enter("owner"), enter("admin"), enter("viewer")
    page = owner.go(place)
    (owners,) = (form.action for form in page.forms if form.values.get("role") == "owner")
    for form, said in ((owners, {"role": "viewer"}), (owners.replace("/role", "/remove"), {})):
        page = owner.send(page, form, 400, **said)
        assert "is that of the team's last owner: make another one first" in page.text
    assert owner.send(page, owners, 400, role="king").wrong == {"role"}

    assert owners not in {form.action for form in admin.go(place).forms}
    sent = admin.go(place).form("/invitations").values | {"role": "viewer"}
    told = admin.http.post(owners, data=sent, headers={"Origin": admin.url})
    assert told.status_code == 403
    assert "Nobody gives or takes a stronger role than their own" in told.text

    member = cast.new_member(settings, "viewer", "kim")
    page = admin.send(admin.go(place), f"/{member}/role", role="admin")
    assert "kim is admin now" in page.text
    assert "kim is no longer in the team" in admin.send(page, f"/{member}/remove").text
    assert not admin.go(place).text.count("kim")

    page = viewer.go(place)
    assert "admin@example.com" in page.text
    assert [form.action for form in page.forms] == ["/search", "/logout"]
    page = admin.send(admin.go(place), "/invitations", 400, email="not an address", role="viewer")
    assert page.wrong == {"email"}
    assert page.form("/invitations").values.items() >= {"email": "not an address", "role": "viewer"}.items()
    assert "is that of a member already" in admin.send(page, "/invitations", 400, email="owner@example.com").text
    assert admin.send(page, "/invitations", 400, email="new@example.com", role="owner").wrong == {"role"}


def test_teams(cast: Cast, enter: Callable[[Role], Browser], new: Browsers, settings: Settings) -> None:
    viewer = enter("viewer")  # who owns a team of their own
    page = viewer.go("/teams/new")
    for name in ("", "x" * 201, "turned \u202e around"):
        page = viewer.send(page, "/teams", 400, name=name)
        assert page.wrong == {"name"}
    page = viewer.send(page, "/teams", name=" Second ")
    assert "The team Second is made." in page.text
    assert page.title == "Second"
    assert "/teams/new" in viewer.go("/teams").links

    def join(write: Write) -> str:
        user = add_account(write, "guest@example.com", "Guest", NO_PASSWORD)
        add_member(write, ids.decode("team", cast.team) or 0, user, "admin")
        return begin_session(write, user)

    guest = new(cookie_of(settings, in_store(settings, join)))
    assert "/teams/new" not in guest.go(f"/teams/{cast.team}").links
    assert "This needs the role owner" in guest.go("/teams/new", 403).text


def test_projects(cast: Cast, enter: Callable[[Role], Browser]) -> None:
    owner, place = enter("owner"), f"/teams/{cast.team}"
    cast.new_project("Beside")
    page = owner.go(place)
    for name in ("", " ", "x" * 201, "turned \u202e around"):
        page = owner.send(page, "/projects", 400, name=name)
        assert page.wrong == {"name"}
    page = owner.send(page, "/projects", name=" Shop ")
    project = owner.path.rpartition("/")[2]
    assert "The project Shop is made" in page.text
    run = Api(cast.owner, project).new_run(runTitle="Nightly")
    assert "Shop" in owner.go(f"/runs/{run['id']}").text
    assert owner.path == f"/runs/{run['id']}"
    runs = owner.go(f"/?project={project}")
    assert "Nightly" in runs.text
    assert "Shop" in runs.text

    assert owner.send(page, "/name", 400, name="").wrong == {"name"}
    page = owner.send(page, "/name", name="Web shop")
    assert page.title == "Web shop"
    settings = {"dataRetentionDays": "30", "flakinessThreshold": "0.25", "autoQuarantineEnabled": "on"}
    for name, wrong in (
        *(("dataRetentionDays", each) for each in ("", "0", "3651", "1.5", "many")),
        *(("flakinessThreshold", each) for each in ("", "1.1", "-1", "nan", "inf", "much")),
    ):
        page = owner.send(page, "/settings", 400, **{name: wrong})
        assert page.wrong == {name}, wrong
        page = owner.send(page, "/settings", **settings)
        assert "The settings are changed" in page.text
    stored = checked(cast.owner.get(f"/api/projects/{project}/settings"), 200)
    assert [stored[name] for name in settings] == [30, 0.25, True]
    page = owner.send(page, "/settings", autoQuarantineEnabled="")
    assert checked(cast.owner.get(f"/api/projects/{project}/settings"), 200)["autoQuarantineEnabled"] is False

    assert "/delete" not in enter("admin").go(owner.path).source
    assert owner.send(page, "/delete", 400, typed="web shop").wrong == {"typed"}
    page = owner.send(page, "/delete", typed="Web shop")
    assert owner.path == place
    assert "The project Web shop is deleted" in page.text
    owner.go(f"/runs/{run['id']}", 404)
    owner.go(f"/projects/{project}", 404)


def test_keys(cast: Cast, enter: Callable[[Role], Browser]) -> None:
    project, admin = cast.new_project("Keys"), enter("admin")
    place, runs = f"/projects/{project}", f"/api/runs?projectId={project}"
    page = admin.go(place)
    assert "No keys yet" in page.text
    for said, field in (
        ({"name": "", "expires": ""}, "name"),
        ({"name": "CI", "expires": "2001-01-01"}, "expires"),
        ({"name": "CI", "expires": "2101-01-01"}, "expires"),
        ({"name": "CI", "expires": "tomorrow"}, "expires"),
        ({"name": "CI", "expires": "", "role": "king"}, "role"),
    ):
        page = admin.send(page, "/keys", 400, **said)
        assert page.wrong == {field}
        assert page.form("/keys").values["name"] == said["name"]
    assert admin.send(page, "/keys", 403, name="CI", expires="", role="owner").wrong == {"role"}

    page = admin.send(admin.go(place), "/keys", name="Nightly", role="viewer", expires=LAST_DAY)
    key = page.shown_once["new-key"]
    assert f"until {LAST_DAY} 23:59 UTC" in " ".join(page.text.split())
    page = admin.go(place)
    assert key not in page.source
    assert f"prk_live_****...****{key[-4:]}" in page.text
    assert "never" in page.text
    checked(cast.http.get(runs, headers=with_key(key)), 200)
    body = {"projectId": project, "status": "running"}
    refused(cast.http.post("/api/runs", json=body, headers=with_key(key)), 403, "FORBIDDEN")
    page = admin.send(admin.go(place), "/switch")
    assert "The key Nightly is off" in page.text
    refused(cast.http.get(runs, headers=with_key(key)), 401, "UNAUTHORIZED")
    page = admin.send(page, "/switch")
    checked(cast.http.get(runs, headers=with_key(key)), 200)
    (delete,) = (form.action for form in page.forms if form.action.startswith("/keys/") and "/delete" in form.action)
    assert "The key Nightly is deleted" in admin.send(page, delete).text
    refused(cast.http.get(runs, headers=with_key(key)), 401, "UNAUTHORIZED")
    for role in ("viewer", "member"):
        page = enter(role).go(place)
        assert "API keys" not in page.text
        assert [form.action for form in page.forms] == ["/search", "/logout"]


def test_webhooks(cast: Cast, enter: Callable[[Role], Browser]) -> None:
    project, admin = cast.new_project("Hooks"), enter("admin")
    place, said = f"/projects/{project}", {"events": "both, apart", "format": "JSON", "secret": "whsec_of-the-page"}
    page = admin.go(place)
    for field, value in (("url", "ftp://x"), ("url", "http://u:p@x/"), ("events", "all"), ("format", "XML")):
        page = admin.send(page, "/webhooks", 400, **said | {"url": "http://127.0.0.1/", field: value})
        assert page.wrong == {field}
        assert "of-the-page" not in page.source
    with receiving() as receiver:
        page = admin.send(page, "/webhooks", **said | {"url": f"{receiver.url}/<b>"})
        hook = admin.path
        assert f"{receiver.url}/<b>" in page.text
        assert "run.completed, run.failed" in page.text
        assert "of-the-page" not in page.source
        receiver.statuses["/%3Cb%3E"], receiver.answers["/%3Cb%3E"] = 500, NAME.encode()
        page = admin.send(page, "/test")
        assert "A ping was sent: answered 500, expected 200 to 299." in page.text
        assert NAME[:100] in page.text
        assert not page.images
        assert "x-webhook-signature" in receiver.came("/%3Cb%3E")[0].headers

        receiver.statuses.clear()
        run = Api(cast.owner, project).new_run(status="failed")["id"]
        receiver.came("/%3Cb%3E", 3)
        page = admin.go(hook)
        assert f"/runs/{run}" in page.links
        replays = [form.action for form in page.forms if form.action.endswith("/replay")]
        assert len(replays) == 2
        assert "sent once more" in admin.send(page, replays[0]).text
        assert receiver.came("/%3Cb%3E", 4)[3].told["run"]["id"] == run
        page = admin.send(admin.go(hook), "/switch")
        assert "The webhook is off" in page.text
        assert not [form.action for form in page.forms if form.action.endswith("/replay")]
        assert hook in admin.go(place).links
        assert "No webhooks yet" in admin.send(page, f"{hook}/delete").text
    assert "Webhooks" not in enter("member").go(place).text


def test_what_is_shown_once_is_for_one_session(cast: Cast, enter: Callable[[Role], Browser]) -> None:
    """A cookie carries it to the next page, and nobody else can read it or make one."""
    project, admin = cast.new_project("Notes"), enter("admin")
    sent = admin.go(f"/projects/{project}").form("/keys").values | {"name": "CI"}
    answer = admin.http.post(f"/projects/{project}/keys", data=sent, headers={"Origin": admin.url})
    (header,) = (each for each in answer.headers.get_list("set-cookie") if "notes" in each)
    assert "prk_live" not in header
    assert {"HttpOnly", "SameSite=strict"} <= set(header.split("; "))
    name, _, value = header.partition(";")[0].partition("=")
    owner = enter("owner")
    for stolen in (value, value[:-6] + "AAAAAA", "x", "\u00e9".encode().hex(), "A" * 4000):
        owner.http.cookies.set(name, stolen, domain="127.0.0.1")
        assert "new-key" not in owner.go(f"/projects/{project}").shown_once


def test_names_stay_text(settings: Settings, new: Browsers, cast: Cast) -> None:
    def fill(write: Write) -> str:
        user = add_account(write, "'onload=alert`1`@example.com", NAME, NO_PASSWORD)
        team = add_team(write, NAME, user)
        project = add_project(write, NAME, team.id)
        add_key(write, project.id, NAME, "viewer", made_by=user)
        return begin_session(write, user)

    browser = new(cookie_of(settings, in_store(settings, fill)))
    page = browser.go("/teams")
    page = browser.send(page, "/invitations", email="'onclick=x@example.com", role="viewer")
    pages = [page, browser.go(page.shown_once["link"].removeprefix(browser.url)), browser.go("/account")]
    (link,) = (each for each in page.links if each.startswith("/projects/"))
    pages.append(browser.go(link))
    pages.append(browser.send(pages[-1], "/keys", name=NAME, role="viewer", expires=""))
    pages.append(browser.send(pages[-1], "/keys", 400, name=NAME, role=NAME, expires=NAME))
    pages.append(browser.send(pages[-1], "/name", name=NAME + "2"))
    pages.append(browser.send(pages[-1], f"{link}/delete", 400, typed=NAME))
    pages.append(browser.go("/"))
    for page in pages:
        assert not {"svg", "img"} & {tag.partition("/")[0] for tag in page.tags}
        assert page.handlers == set()
        assert NAME in page.text
        assert "49" not in page.title


def test_who_came_by_the_link_owns_all(new: Browsers, cast: Cast, url: str) -> None:
    odd = "a/../b?c#d %2e"
    in_odd = Api(httpx.Client(base_url=url, headers=with_key(KEY)))
    with in_odd.http:
        in_odd.new_run()
    guest = new()
    page = guest.go("/?token=the-link")
    assert "Log out" not in page.text
    teams = guest.go("/teams").text
    assert all(team in teams for team in ("Acme Engineering", "Default", "Platform Team"))
    page = guest.go("/teams/team_0000000000001")
    made = httpx.Client(base_url=url, cookies=dict(guest.http.cookies))
    with made:
        Api(made, odd).new_run()
    (link,) = {
        each for each in guest.go("/teams/team_0000000000001").links if each.startswith("/projects/")
    } - page.links
    page = guest.go(link)
    assert page.title == odd
    assert "user add --owner" in guest.go("/teams/team_0000000000001").text
    assert guest.send(page, "/keys", name="CI", role="owner", expires="").shown_once["new-key"]
    guest.go("/account")
    assert guest.path == "/login"


def test_badges(cast: Cast, enter: Callable[[Role], Browser]) -> None:
    admin, api, stranger = (
        enter("admin"),
        Api(cast.owner, cast.new_project()),
        httpx.Client(base_url=cast.http.base_url),
    )
    place = f"/projects/{api.project}"
    page = admin.send(admin.go(place), "/badges")
    paths = {name.removeprefix("badge-"): httpx.URL(each).path for name, each in page.shown_once.items()}
    assert paths.keys() == {"status", "tests", "duration", "flakiness"}
    assert page.images == set(paths.values())
    assert not enter("viewer").go(place).images
    of_api = f"/api/projects/{api.project}/badges"
    told = api.get(of_api)["badges"]
    assert {name: httpx.URL(address).path for name, address in told.items()} == paths

    def seen(name: str, **query: str) -> str:
        answer = stranger.get(paths[name], params=query)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
        assert answer.headers["cache-control"] == "public, max-age=60"
        again = stranger.get(paths[name], params=query, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        image = ET.fromstring(answer.content)
        told = image.findtext("{http://www.w3.org/2000/svg}title")
        assert told == image.get("aria-label")
        return told or ""

    assert seen("status") == "tests: no runs"
    ended = [("main", "failed", 2), ("side", "passed", 0), ("side", "cancelled", 0)]
    for branch, status, failed in ended:
        run = api.new_run(branch=branch)
        api.end_run(run, status=status, passedTests=1204, failedTests=failed, duration=61_000)
    api.new_run(branch="side")
    assert (seen("status"), seen("status", branch="main")) == ("tests: passing", "tests: failing")
    assert (seen("tests", branch="main"), seen("duration")) == ("tests: 1,204 passed, 2 failed", "duration: 1 min 01 s")
    assert (seen("flakiness"), seen("tests", branch="<b>\0")) == ("flaky tests: 0", "tests: no runs")

    wrong = paths["status"].replace("/status.svg", "x/status.svg"), paths["status"].replace("status", "nothing")
    assert {stranger.get(path).status_code for path in (*wrong, "/badges/proj_x/y/status.svg")} == {404}
    renewed = admin.send(page, "/badges")
    assert stranger.get(paths["status"]).status_code == 404
    once = {"Idempotency-Key": "once"}
    made = checked(api.http.post(of_api, headers=once), 201)["badges"]
    assert stranger.get(httpx.URL(renewed.shown_once["badge-status"]).path).status_code == 404
    refused(api.http.post(of_api, headers=once), 400, "VALIDATION_ERROR", "Idempotency-Key")
    paths = {"status": httpx.URL(made["status"]).path}
    assert seen("status") == "tests: passing"
    assert checked(api.http.delete(of_api), 200)["message"] == "Badges taken back successfully"
    assert api.get(of_api)["badges"] == {}
    assert stranger.get(paths["status"]).status_code == 404
    renewed = admin.send(admin.go(place), "/badges")
    paths = {"status": httpx.URL(renewed.shown_once["badge-status"]).path}
    assert "no longer shown" in admin.send(renewed, "/badges/revoke").text
    assert stranger.get(paths["status"]).status_code == 404
    stranger.close()
