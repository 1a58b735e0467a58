"""What one page tells the next one, once: in a cookie that only this server reads, and only in the same session."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from platform_report_server.auth.cookies import Cookie
from platform_report_server.errors import StoreError
from platform_report_server.services import Services

_SECONDS = 300


class Notes(msgspec.Struct, omit_defaults=True, frozen=True):
    """What a page is told; some of it is secret."""

    told: str = ""
    invited: str = ""
    """The address of who was invited, with the link to send there."""
    link: str = ""
    was_mailed: bool = False
    mail_failed: str = ""
    key: str = ""
    """A new API key, with its name."""
    key_name: str = ""


_notes = msgspec.json.Decoder(Notes)


def leave(request: Request, services: Services, response: Response, notes: Notes) -> None:
    """Leave notes for the page that the browser is sent to."""
    sealed = services.signer.seal(_purpose(request, services), msgspec.json.encode(notes).decode())
    _cookie(services).give(request, response, urlsafe_b64encode(sealed).decode())


def find(request: Request, services: Services) -> Notes:
    """Return the notes that were left."""
    kept = _cookie(services).read(request)
    if not kept:
        return Notes()
    try:
        return _notes.decode(services.signer.unseal(_purpose(request, services), urlsafe_b64decode(kept)))
    except (ValueError, StoreError, msgspec.MsgspecError):
        return Notes()  # another session's, or made up


def clear(request: Request, services: Services, response: Response) -> None:
    """Take the notes away: they were told."""
    cookie = _cookie(services)
    if cookie.read(request):
        cookie.take(request, response)


def _purpose(request: Request, services: Services) -> str:
    return f"notes {services.access.form_token(request)}"


def _cookie(services: Services) -> Cookie:
    return Cookie(services.signer, "platform_report_notes", _SECONDS, samesite="strict")
