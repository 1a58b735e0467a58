"""A team comes to life in a real browser: the first owner, an invitation, a key, the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from browser.axe import check_page
from browser.chromium import find_chromium
from browser.people import People
from server.support import first_owner_token, served_settings, serving

CHROMIUM = find_chromium()
PASSWORD = "correct horse battery"

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium: 'apt-get install chromium' installs one"
)


def test_a_team_comes_to_life(people: People, tmp_path: Path) -> None:
    settings = served_settings(tmp_path)
    with serving(settings) as url:
        jane = people()
        jane.goto(f"{url}/first-owner?token={first_owner_token(settings)}")
        check_page(jane)
        jane.get_by_label("Email").fill("jane@example.com")
        make_account(jane, "Name", "Jane")
        jane.get_by_role("link", name="Jane").wait_for()

        jane.get_by_label("Role", exact=True).select_option("admin")
        jane.get_by_label("Email of somebody new").fill("john@example.com")
        jane.keyboard.press("Enter")
        link = jane.get_by_label("Link of the invitation").input_value()
        check_page(jane)
        jane.goto(f"{url}/account")
        check_page(jane)

        john = people()
        john.goto(link)
        check_page(john)
        make_account(john, "Your name", "John")
        john.get_by_role("link", name="Teams").click()
        john.get_by_label("Name of a new project").fill("Web shop")
        john.get_by_role("button", name="Make the project").click()
        john.get_by_label("Name of a new key").fill("CI")
        john.get_by_label("Last day").fill("2090-12-31")
        john.get_by_role("button", name="Make the key").click()
        key = john.get_by_label("API key", exact=True).input_value()
        project = john.locator(".facts code").inner_text()
        body = {"projectId": project, "status": "running", "runTitle": "Nightly"}
        assert httpx.post(f"{url}/api/runs", json=body, headers={"X-API-Key": key}).status_code == 201
        john.get_by_role("link", name="Its test runs").click()
        john.get_by_role("link", name="Nightly").click()
        with john.expect_download() as download:
            john.get_by_role("link", name="HTML").click()
        download.value.save_as(tmp_path / "nightly.html")
        john.get_by_role("button", name="Log out").click()
        john.get_by_role("heading", name="Log in").wait_for()
        check_page(john)

        jane.goto(f"{url}/?project={project}")
        jane.get_by_role("link", name="Nightly").click()
        jane.get_by_role("link", name="Web shop").click()
        jane.get_by_role("button", name="Make the addresses of badges").click()
        assert jane.get_by_label("status").input_value().startswith(f"{url}/badges/")
        assert jane.locator("img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        check_page(jane)
        jane.get_by_label("Address of a new webhook").fill("https://example.com/tests")
        jane.get_by_role("button", name="Make the webhook").click()
        jane.get_by_role("heading", name="Webhook").wait_for()
        check_page(jane)
        jane.get_by_role("link", name="Web shop").click()
        jane.get_by_text("Delete the project").click()
        jane.get_by_label("The project's name").fill("Web shop")
        jane.get_by_role("button", name="Delete Web shop").click()
        jane.get_by_text("The project Web shop is deleted").wait_for()
        jane.get_by_role("button", name="Log out").click()
        jane.get_by_role("heading", name="Log in").wait_for()
        jane.go_back()
        jane.get_by_role("heading", name="Log in").wait_for()  # no page is kept by the browser
        for page in (jane, john):
            page.goto("about:blank")
    jane.context.set_offline(True)
    jane.goto((tmp_path / "nightly.html").as_uri())
    jane.get_by_role("heading", name="Nightly").wait_for()
    check_page(jane)
    assert jane.locator("main").evaluate("main => getComputedStyle(main.parentElement).maxWidth") == "1152px"
    assert people.complaints == []


def make_account(page: Any, label: str, name: str) -> None:
    """Fill in the form of a new account."""
    page.get_by_label(label, exact=True).fill(name)
    page.get_by_label("Password at least 12 characters").fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Make").click()
