"""Mail: invitations arrive at their address alone; what cannot be sent is told, and its link is still there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from platform_report_server.errors import MailFailed, SettingsError
from platform_report_server.mail import Mail, MailSettings
from server.browsing import browsers
from server.cast import casting
from server.smtp import MailServer, taking_mail
from server.support import DEADLINE, checked, served_settings, serving

HOST = {"PLATFORM_SMTP_HOST": "mail.example", "PLATFORM_SMTP_FROM": "Tests <tests@example.com>"}
LOGIN = {"PLATFORM_SMTP_USER": "tests"}


@pytest.fixture
def post() -> Iterator[MailServer]:
    with taking_mail() as server:
        yield server


def test_invitations_are_mailed(post: MailServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mail = MailSettings("127.0.0.1", post.port, "tests@example.com", tls="none")
    settings = replace(served_settings(tmp_path / "platform"), mail=mail)
    post.refuses.add("gone@example.com")
    with serving(settings) as url, casting(settings, url) as cast, browsers(url) as new:
        ((name, value),) = [cast.people["owner"]["Cookie"].split("=")]
        owner = new({name: value})
        page = owner.send(owner.go(f"/teams/{cast.team}"), "/invitations", email="kim@example.com", role="member")
        recipients, message = post.taken.get(timeout=DEADLINE)
        assert recipients == ["kim@example.com"]
        assert (message["To"], message["From"]) == ("kim@example.com", "tests@example.com")
        assert message["Subject"] == "Invitation into the team Acme Engineering"
        assert page.shown_once["link"] in message.get_content().splitlines()
        assert "Owner invites you" in message.get_content()
        assert "It was mailed too" in page.text

        page = owner.send(page, "/invitations", email="gone@example.com", role="member")
        assert "no such box" in page.text
        assert "Send the link yourself" in page.text
        new().go(page.shown_once["link"].removeprefix(url))

        body = {"teamId": cast.team, "email": "max@example.com", "role": "viewer"}
        made = checked(httpx.post(f"{url}/api/team-members", json=body, headers=cast.people["admin"]), 201)
        assert made["url"] in post.taken.get(timeout=DEADLINE)[1].get_content()
        body["email"] = "gone@example.com"
        made = checked(httpx.post(f"{url}/api/team-members", json=body, headers=cast.people["admin"]), 201)
    assert "could not be mailed" in caplog.text
    assert made["url"].rpartition("/")[2] not in caplog.text


@pytest.mark.parametrize(
    "address", ["a,b@example.com", "<a@example.com>", "a@b\r\nBcc: c@example.com", "a b@c", "ü@é.com"]
)
def test_an_address_is_one_address(post: MailServer, address: str) -> None:
    mail = Mail(MailSettings("127.0.0.1", post.port, "tests@example.com", tls="none"))
    with pytest.raises(MailFailed):
        mail._send(address, "Subject\r\nBcc: c@example.com", "Text")
    assert post.taken.empty()
    mail._send("a@example.com", "Subject\r\nBcc: c@example.com", "Text\r\n.\r\nMAIL FROM")
    recipients, message = post.taken.get(timeout=DEADLINE)
    assert recipients == ["a@example.com"]
    assert message["Bcc"] is None
    assert message["Subject"] == "Subject Bcc: c@example.com"


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_nothing_goes_unencrypted_unless_asked(post: MailServer, tls: str) -> None:
    environment = HOST | LOGIN | {"PLATFORM_SMTP_HOST": "127.0.0.1", "PLATFORM_SMTP_PORT": str(post.port)}
    settings = MailSettings.of(environment | {"PLATFORM_SMTP_TLS": tls, "PLATFORM_SMTP_PASSWORD": "the-secret"})
    assert settings is not None
    with pytest.raises(MailFailed, match=re.escape(f"was not taken by 127.0.0.1:{post.port}")):
        Mail(settings)._send("a@example.com", "Subject", "Text")
    assert post.taken.empty()


def test_settings_of_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from the file\n")
    assert MailSettings.of({}) is None
    plain = MailSettings.of(HOST)
    assert plain == MailSettings("mail.example", 587, "Tests <tests@example.com>")
    tls = MailSettings.of(HOST | LOGIN | {"PLATFORM_SMTP_TLS": "tls", "PLATFORM_SMTP_PASSWORD_FILE": str(secret)})
    assert tls == MailSettings("mail.example", 465, HOST["PLATFORM_SMTP_FROM"], "tests", "from the file", "tls")
    assert "from the file" not in repr(tls)
    for wrong, words in (
        ({"PLATFORM_SMTP_TLS": "ssl"}, "expected one of starttls, tls, none, got 'ssl'"),
        ({"PLATFORM_SMTP_PORT": "0"}, "expected a port from 1 to 65535, got '0'"),
        ({"PLATFORM_SMTP_FROM": ""}, "expected the address that mails come from"),
        ({"PLATFORM_SMTP_FROM": "a@b\r\nBcc: c@d"}, "expected the address that mails come from"),
        (LOGIN | {"PLATFORM_SMTP_TLS": "none"}, "no password goes unencrypted"),
        (LOGIN | {"PLATFORM_SMTP_PASSWORD_FILE": str(tmp_path / "none")}, "cannot be read"),
    ):
        with pytest.raises(SettingsError, match=re.escape(words)):
            MailSettings.of(HOST | wrong)


def test_the_libraries_are_loaded_at_the_first_mail() -> None:
    heavy = ("smtplib", "email.headerregistry")
    code = f"import sys, platform_report_server.app; print([each for each in {heavy} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert done.stdout == "[]\n"
