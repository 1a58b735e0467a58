"""Mail, where an SMTP server is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio
import anyio.to_thread

from platform_report_server.errors import MailFailed, SettingsError

if TYPE_CHECKING:
    import smtplib
    from email.message import EmailMessage

MailSecurity = Literal["starttls", "tls", "none"]
_MAIL_PORTS: dict[MailSecurity, int] = {"starttls": 587, "tls": 465, "none": 25}

_PATIENCE_SECONDS = 10
_AT_ONCE = 4


@dataclass(frozen=True)
class MailSettings:
    """The SMTP server that takes the mail."""

    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: MailSecurity = "starttls"

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> MailSettings | None:
        """Return what the variables PLATFORM_SMTP_... say; None where they name no host."""

        def said(name: str) -> str:
            return environment.get(f"PLATFORM_SMTP_{name}", "").strip()

        if not said("HOST"):
            return None
        tls = next((each for each in _MAIL_PORTS if each == (said("TLS") or "starttls")), None)
        if tls is None:
            raise SettingsError(f"PLATFORM_SMTP_TLS: expected one of {', '.join(_MAIL_PORTS)}, got {said('TLS')!r}")
        port = said("PORT") or str(_MAIL_PORTS[tls])
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
            raise SettingsError(f"PLATFORM_SMTP_PORT: expected a port from 1 to 65535, got {port!r}")
        if "@" not in said("FROM") or not said("FROM").isprintable():
            raise SettingsError(f"PLATFORM_SMTP_FROM: expected the address that mails come from, got {said('FROM')!r}")
        if tls == "none" and said("USER"):
            raise SettingsError("PLATFORM_SMTP_TLS is none and PLATFORM_SMTP_USER is set: no password goes unencrypted")
        password = _password(environment) if said("USER") else None
        return cls(said("HOST"), int(port), said("FROM"), said("USER") or None, password, tls)


def _password(environment: Mapping[str, str]) -> str:
    path = environment.get("PLATFORM_SMTP_PASSWORD_FILE")
    if not path:
        return environment.get("PLATFORM_SMTP_PASSWORD", "")
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise SettingsError(f"PLATFORM_SMTP_PASSWORD_FILE: {path} cannot be read: {error}") from error


class Mail:
    """Sends mail, off the event loop; the libraries are loaded at the first one."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def send(self, email: str, subject: str, text: str) -> None:
        """Send a mail; raise MailFailed where that cannot be done."""
        await anyio.to_thread.run_sync(self._send, email, subject, text, limiter=self._limiter)

    def _send(self, email: str, subject: str, text: str) -> None:
        import smtplib
        from email.errors import MessageError

        try:
            message = self._message(email, subject, text)
        except (MessageError, ValueError, LookupError) as error:  # which of them differs between Pythons
            raise MailFailed(f"{email} is no address that a mail can be sent to: {error}") from error
        at = f"{self._settings.host}:{self._settings.port}"
        try:
            with self._connected() as server:
                server.send_message(message, to_addrs=[email])
        except (smtplib.SMTPException, OSError) as error:
            raise MailFailed(f"the mail to {email} was not taken by {at}: {error}") from error

    def _message(self, email: str, subject: str, text: str) -> EmailMessage:
        from email.headerregistry import Address
        from email.message import EmailMessage

        message = EmailMessage()
        message["From"] = self._settings.sender
        message["To"] = Address(addr_spec=email)
        message["Subject"] = " ".join(subject.split())
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message

    def _connected(self) -> smtplib.SMTP:
        import smtplib
        import ssl

        settings, context = self._settings, ssl.create_default_context()  # smtplib's own checks no certificate
        server: smtplib.SMTP
        if settings.tls == "tls":
            server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=_PATIENCE_SECONDS, context=context)
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=_PATIENCE_SECONDS)
        try:
            if settings.tls == "starttls":
                server.starttls(context=context)
            if settings.user is not None:
                server.login(settings.user, settings.password or "")
        except BaseException:
            server.close()
            raise
        return server
