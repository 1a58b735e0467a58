"""What is said of a webhook, on its way into the store."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET

from platform_report_server.auth.signing import Signer
from platform_report_server.errors import Invalid
from platform_report_server.ingest.webhooks import HEADERS, SECRET
from platform_report_server.model import NewWebhook, WebhookChange

_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "upgrade"})


def values_of(signer: Signer, said: NewWebhook | WebhookChange) -> dict[str, Any]:
    """Return the row's values that were said, checked; what may be a secret is sealed."""
    values = dict[str, Any]()
    if said.url is not UNSET:
        values["url"] = _checked_url(said.url)
    if said.events is not UNSET:
        values["events"] = msgspec.json.encode(list(dict.fromkeys(said.events))).decode()
    if said.headers is not UNSET:
        headers = said.headers or {}
        _check_headers(headers)
        values["headers"] = signer.seal(HEADERS, msgspec.json.encode(headers).decode())
    if said.secret is not UNSET:
        values["secret"] = None if said.secret is None else signer.seal(SECRET, said.secret)
    if said.is_active is not UNSET:
        values["is_active"] = int(said.is_active)
    if said.format is not UNSET:
        values["format"] = said.format
    return values


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0:
            return url
    except ValueError:
        pass
    raise Invalid.field_is("url", f"expected an http or https address, got {url[:80]!r}")


def _check_headers(headers: dict[str, str]) -> None:
    for name in headers:
        if name.lower() in _OURS or name.lower().startswith("x-webhook-"):
            raise Invalid.field_is("headers", f"{name} is set by this server")
    if len({name.lower() for name in headers}) < len(headers):
        raise Invalid.field_is("headers", "a name is there twice")
