"""Mail, by an SMTP server of somebody's."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from platform_report_server.errors import SettingsError

_SECONDS = 20
_PORTS = {"smtp": 587, "smtps": 465}

_log = logging.getLogger("platform_report_server")


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over, and in whose name."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    is_tls: bool = False
    """Whether the connection begins with TLS; else it turns to it where the server offers that."""

    @classmethod
    def read(cls, address: str) -> MailServer:
        """Return what ``smtps://USER:PASSWORD@HOST:PORT?from=ADDRESS`` says; ``smtp`` begins without TLS."""
        try:
            parts = urlsplit(address)
            host, port, sender = parts.hostname, parts.port, parse_qs(parts.query).get("from", [""])[0]
        except ValueError:
            host, port, sender = None, None, ""
        if host is None or parts.scheme not in _PORTS or "@" not in sender:
            # not what was found: a password stands in it
            raise SettingsError(
                "a mail server is named by smtps://USER:PASSWORD@HOST:PORT?from=ADDRESS, or by smtp://..."
            )
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(host, port or _PORTS[parts.scheme], sender, user, password, parts.scheme == "smtps")

    def send(self, to: str, subject: str, text: str) -> None:
        """Hand a message over. Where that fails, the log says so: nobody waits for it."""
        # the least of all processes ever send mail
        import smtplib
        import ssl
        from email.headerregistry import Address
        from email.message import EmailMessage

        message = EmailMessage()
        try:
            message["From"], message["To"] = Address(addr_spec=self.sender), Address(addr_spec=to)
            message["Subject"] = subject
            message.set_content(text)
            context = ssl.create_default_context()
            with (
                smtplib.SMTP_SSL(self.host, self.port, timeout=_SECONDS, context=context)
                if self.is_tls
                else smtplib.SMTP(self.host, self.port, timeout=_SECONDS)
            ) as server:
                server.ehlo()
                if not self.is_tls and (server.has_extn("starttls") or self.user):
                    server.starttls(context=context)  # a password goes over TLS or not at all
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except Exception:
            _log.exception("mail to %s could not be sent by %s", to, self.host)
