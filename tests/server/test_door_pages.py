"""The pages at the door: the first owner, log in and out, invitations, one's own password."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from platform_report_server.accounts.passwords import hash_password
from platform_report_server.accounts.people import add_account, begin_session
from platform_report_server.accounts.teams import add_team
from platform_report_server.ingest.writer import Write
from platform_report_server.settings import Settings
from server.browsing import Browser, Browsers, browsers
from server.support import HOSTILE, cookie_of, first_owner_token, in_store, in_threads, served_settings, serving

PASSWORD = "correct horse battery"
NEW = {"password": PASSWORD, "password_again": PASSWORD}
OTHER = {"password": "another long one", "password_again": "another long one"}
JANE = {"email": "Jane@example.com", "name": "Jane Doe"}
FOREIGN = (
    *("https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)"),
    *("/a\r\nb", "/" + "a" * 3000, ""),
)
_numbers = count()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return served_settings(tmp_path_factory.mktemp("door") / "platform")


@pytest.fixture(scope="module")
def url(settings: Settings) -> Iterator[str]:
    with serving(settings) as address:
        yield address


@pytest.fixture
def new(url: str) -> Iterator[Browsers]:
    with browsers(url) as make:
        yield make


@pytest.fixture(scope="module")
def kept() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def email() -> str:
    return f"jane{next(_numbers)}@example.com"


@pytest.fixture
def jane(settings: Settings, new: Browsers, kept: str, email: str) -> Browser:
    """The browser of somebody who owns a team."""

    def fill(write: Write) -> str:
        user = add_account(write, email, "Jane Doe", kept)
        add_team(write, "Acme", user)
        return begin_session(write, user)

    return new(cookies=cookie_of(settings, in_store(settings, fill)))


def test_the_first_owner(tmp_path: Path) -> None:
    settings, end = served_settings(tmp_path / "platform"), "/first-owner"
    token = first_owner_token(settings)
    expires, _, signature = token.partition(".")
    with serving(settings) as url, browsers(url) as new:
        browser = new()
        assert "Nobody has an account here yet" in browser.go("/").text
        assert browser.path == "/login"
        for wrong in ("", "wrong", ".", token[:-1], f"{int(expires) + 1}.{signature}", f"{expires}x.{signature}"):
            assert "used before" in browser.go(f"/first-owner?token={wrong}", 403).text
        page = browser.go(f"{end}?token={token}")
        for said, field in (
            (JANE | NEW | {"email": "jane"}, "email"),
            (JANE | NEW | {"email": " "}, "email"),
            (JANE | NEW | {"name": HOSTILE[:200]}, "name"),
            (JANE | OTHER | {"password_again": "yet another long one"}, "password_again"),
            (JANE | {"password": "short", "password_again": "short"}, "password"),
            (JANE | {"password": "", "password_again": ""}, "password"),
        ):
            page = browser.send(page, end, 400, **said)
            assert page.wrong == {field}
            kept = page.form(end).values
            assert kept["email"] == said["email"]  # what was typed in stays, but for passwords
            assert kept["password"] == kept["password_again"] == ""
        page = browser.send(page, end, **JANE, **NEW)
        assert browser.path.startswith("/teams/")
        assert "Jane Doe" in page.text
        assert "used before" in new().go(f"{end}?token={token}", 403).text


def test_in_and_out(jane: Browser, new: Browsers, email: str) -> None:
    session = dict(jane.http.cookies)
    page = jane.send(jane.go("/"), "/logout")
    assert jane.path == "/login"
    assert not jane.http.cookies
    old = new(cookies=session)
    old.go("/account")
    assert old.path == "/login"  # the row is gone, not only the cookie

    for wrong in ({"email": email, "password": "wrong password"}, {"email": "none@example.com", "password": PASSWORD}):
        page = jane.send(page, "/login", 401, **wrong)
        assert "Email or password is wrong" in page.text
        assert page.form("/login").values.items() >= {"email": wrong["email"], "password": ""}.items()
    assert jane.send(page, "/login", 400, email="", password="").wrong == {"email"}
    page = jane.go("/teams?a=b")
    assert page.form("/login").values["next"] == "/teams?a=b"
    jane.send(page, "/login", email=email.upper(), password=PASSWORD)
    assert jane.path.startswith("/teams/")

    for foreign in FOREIGN:
        led = jane.http.get("/login", params={"next": foreign})  # who is in already is led on at once
        assert led.headers["location"] == "/"
        assert new().go(f"/login?{led.request.url.query.decode()}").form("/login").values["next"] == "/"
    visitor = new()
    sent = visitor.go("/login").form("/login").values | {"email": email, "password": PASSWORD, "next": FOREIGN[1]}
    assert visitor.http.post("/login", data=sent, headers={"Origin": jane.url}).headers["location"] == "/"


def test_a_patient_server_says_how_long_to_wait(new: Browsers) -> None:
    visitor = new()
    sent = visitor.go("/login").form("/login").values | {"email": "john@example.com", "password": "wrong password"}
    answers = in_threads(9, lambda _: visitor.http.post("/login", data=sent, headers={"Origin": visitor.url}))
    assert {answer.status_code for answer in answers} == {401, 429}
    for answer in answers:
        assert answer.status_code == 401 or int(answer.headers["retry-after"]) >= 1
        assert answer.status_code == 401 or "Too many failed logins" in answer.text


def test_forms_are_bounded_and_of_this_server(jane: Browser, new: Browsers) -> None:
    form, origin = jane.go("/account").form("/account/password").values, {"Origin": jane.url}
    typed = {"old_password": PASSWORD, **NEW}
    for headers, data, status in (
        (origin, typed, 403),
        (origin, typed | new().go("/login").form("/login").values, 403),
        ({"Origin": "http://evil.example"}, form | typed, 403),
        ({}, form | typed, 403),
        (origin, form | {"password": "x" * 70_000}, 413),
        (origin, form | {f"field{number}": "x" for number in range(40)}, 400),
    ):
        answer = jane.http.post("/account/password", data=data, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
    assert jane.http.post("/account/password", json={}, headers=origin).status_code == 400
    assert jane.http.post("/account/password", files={"a": b"b"}, headers=origin).status_code == 400


def test_a_new_password_ends_the_other_sessions(jane: Browser, new: Browsers, email: str) -> None:
    other, end = new(), "/account/password"
    other.log_in(email, PASSWORD)
    page = other.go("/account")
    assert other.send(page, end, 403, old_password="wrong", **OTHER).wrong == {"old_password"}
    short = {"password": "short", "password_again": "short"}
    assert other.send(page, end, 400, old_password=PASSWORD, **short).wrong == {"password"}
    page = other.send(page, end, old_password=PASSWORD, **OTHER)
    assert "Your password is changed" in page.text
    assert "Your password is changed" not in other.go("/account").text  # it is told once
    jane.go("/account")
    assert jane.path == "/login"
    assert (
        "Email or password is wrong" in jane.send(jane.go("/login"), "/login", 401, email=email, password=PASSWORD).text
    )


def test_invitations(jane: Browser, new: Browsers, email: str) -> None:
    def invite(whom: str) -> str:
        page = jane.send(jane.go("/teams"), "/invitations", email=whom, role="viewer")
        link = page.shown_once["link"]
        assert link.startswith(f"{jane.url}/invitations/")
        assert link not in jane.go("/teams").source
        return link.removeprefix(jane.url)

    path, john = invite("john@example.com"), new()
    page = john.go(path)
    assert "john@example.com" in page.text
    assert john.send(page, path, 400, name="", **NEW).wrong == {"name"}
    john.send(page, path, name="John", **NEW)
    assert john.path == "/"
    assert "Invitations" not in john.go("/teams").text
    assert "used or withdrawn" in new().go(path, 404).text

    page = jane.go("/teams")
    page = jane.send(page, page.forms[-2].action)
    assert "John is no longer in the team" in page.text
    john.go("/", 403)
    assert "You are in no team" in john.go("/account").text

    path, again = invite("kim@example.com"), invite("john@example.com")
    assert "You are logged in as" in john.go(path).text
    sent = john.go("/account").form("/logout").values
    assert john.http.post(path, data=sent, headers={"Origin": john.url}).status_code == 400
    assert "You are now in the team" in john.send(john.go(again), again).text
    john.go(again, 404)

    newer = invite("kim@example.com")
    new().go(path, 404)
    assert "The invitation of kim@example.com is withdrawn" in jane.send(jane.go("/teams"), "/withdraw").text
    new().go(newer, 404)


def test_who_has_an_account_is_led_to_it_and_back(
    jane: Browser, new: Browsers, email: str, settings: Settings, kept: str
) -> None:
    in_store(settings, lambda write: add_account(write, f"also-{email}", "Kim", kept))
    page = jane.send(jane.go("/teams"), "/invitations", email=f"also-{email}", role="admin")
    path, kim = page.shown_once["link"].removeprefix(jane.url), new()
    (link,) = (each for each in kim.go(path).links if each.startswith("/login"))
    page = kim.send(kim.go(link), "/login", email=f"also-{email}", password=PASSWORD)
    assert kim.path == path
    kim.send(page, path)
    assert "admin" in kim.go("/account").text
