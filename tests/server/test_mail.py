"""Mail: invitations, handed to a real SMTP server."""

from __future__ import annotations

import queue
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from platform_report_server.errors import SettingsError
from platform_report_server.mail import MailServer
from platform_report_server.settings import Settings
from server.cast import casting
from server.support import DEADLINE, checked, serving


class Inbox(socketserver.ThreadingTCPServer):
    """Takes every message."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.messages: queue.SimpleQueue[str] = queue.SimpleQueue()

    @property
    def address(self) -> str:
        """What names it to a MailServer."""
        return f"smtp://127.0.0.1:{self.server_address[1]}?from=reports@example.com"


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Inbox)
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.messages.put(b"".join(lines).decode())
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 well\r\n")


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as inbox:
        thread = threading.Thread(target=inbox.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield inbox
        inbox.shutdown()
        thread.join(DEADLINE)


def test_an_invitation_is_sent(settings: Settings, inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    with serving(replace(settings, mail=MailServer.read(inbox.address))) as url, casting(settings, url) as cast:
        new = {"teamId": cast.team, "email": "new@example.com", "role": "member"}
        made = checked(cast.owner.post("/api/team-members", json=new), 201)
        message = inbox.messages.get(timeout=DEADLINE)
        assert "To: new@example.com" in message
        assert "From: reports@example.com" in message
        assert made["url"] in message
        assert made["url"].startswith(f"{url}/invitations/")
    assert not caplog.records


def test_mail_that_cannot_be_sent_is_told_in_the_log(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    server = MailServer.read(inbox.address)
    replace(server, user="jane", password="of-the-mail").send("new@example.com", "subject", "text")
    assert "could not be sent by 127.0.0.1" in caplog.text  # it offers no TLS, and the password does not go without
    assert "of-the-mail" not in caplog.text
    caplog.clear()
    server.send("a@example.com, b@example.com", "subject", "text")
    assert "could not be sent" in caplog.text
    assert inbox.messages.empty()


def test_a_mail_server_is_named_by_an_address() -> None:
    server = MailServer.read("smtps://jane%40example.com:p%2Fw@mail.example.com?from=reports@example.com")
    assert server == MailServer("mail.example.com", 465, "reports@example.com", "jane@example.com", "p/w", is_tls=True)
    assert "p/w" not in repr(server)
    for wrong in ("mail.example.com", "http://mail.example.com?from=a@b", "smtp://h:port?from=a@b", "smtp://jane:pw@h"):
        with pytest.raises(SettingsError, match="named by smtps://USER") as info:
            MailServer.read(wrong)
        assert wrong not in str(info.value)
