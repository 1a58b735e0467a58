"""Links that hold for an hour: to files, for whoever has one, to the first owner's page, and in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from platform_report_server.auth.signing import Signer
from platform_report_server.clock import now_ms
from platform_report_server.errors import Forbidden

_LIFE_SECONDS = 3600
_PURPOSE, _OF_THUMBNAIL, _OF_TRACE, _OWNING, _ENTERING = "artifact", "thumbnail", "trace", "first owner", "entry"


@dataclass(frozen=True)
class Link:
    """The path of a link with its signature, and when it ends, in milliseconds."""

    path: str
    expires_at: int


def artifact_link(signer: Signer, artifact_id: str) -> Link:
    """Return a new link to an artifact."""
    expires = now_ms() // 1000 + _LIFE_SECONDS
    signature = signer.sign(_PURPOSE, artifact_id, expires)
    path = f"/api/artifacts/{artifact_id}/content?expires={expires}&signature={signature}"
    return Link(path, expires * 1000)


def thumbnail_path(signer: Signer, artifact_id: str) -> str:
    """Return the path of a link to an artifact's thumbnail, the same for a while, so that browsers can keep it."""
    expires = -(-(now_ms() // 1000 + _LIFE_SECONDS) // _LIFE_SECONDS) * _LIFE_SECONDS
    signature = signer.sign(_OF_THUMBNAIL, artifact_id, expires)
    return f"/api/artifacts/{artifact_id}/thumbnail?expires={expires}&signature={signature}"


def trace_path(signer: Signer, artifact_id: str) -> str:
    """Return the path of a new link to a trace, at the origin of the viewer."""
    expires = now_ms() // 1000 + _LIFE_SECONDS
    return f"/traces/{artifact_id}?expires={expires}&signature={signer.sign(_OF_TRACE, artifact_id, expires)}"


def check_trace_link(signer: Signer, artifact_id: str, expires: str, signature: str) -> None:
    """Refuse a link that was not made here, or is over."""
    _check(signer, _OF_TRACE, artifact_id, expires, signature)


def check_artifact_link(signer: Signer, artifact_id: str, expires: str, signature: str) -> None:
    """Refuse a link that was not made here, or is over."""
    _check(signer, _PURPOSE, artifact_id, expires, signature)


def check_thumbnail_link(signer: Signer, artifact_id: str, expires: str, signature: str) -> None:
    """Refuse a link that was not made here, or is over."""
    _check(signer, _OF_THUMBNAIL, artifact_id, expires, signature)


def _check(signer: Signer, purpose: str, artifact_id: str, expires: str, signature: str) -> None:
    if not signer.holds(signature, purpose, artifact_id, expires):
        raise Forbidden("This link was not signed by this server: ask GET /api/artifacts for a new one")
    if int(expires) <= now_ms() // 1000:
        raise Forbidden("This link has expired: ask GET /api/artifacts for a new one")


def owner_token(signer: Signer) -> str:
    """Return what makes the first owner, on each server of the store."""
    expires = now_ms() // 1000 + _LIFE_SECONDS
    return f"{expires}.{signer.sign(_OWNING, expires)}"


def holds_owner_token(signer: Signer, token: str) -> bool:
    """Tell whether it was made by a server of this store, within an hour."""
    expires, _, signature = token.partition(".")
    return signer.holds(signature, _OWNING, expires) and int(expires) > now_ms() // 1000


def entry_token(signer: Signer) -> str:
    """Return what lets a browser in at a server of this store that one person has for themselves."""
    expires, nonce = now_ms() // 1000 + _LIFE_SECONDS, secrets.token_hex(8)
    return f"{expires}.{nonce}.{signer.sign(_ENTERING, expires, nonce)}"


def holds_entry_token(signer: Signer, token: str) -> bool:
    """Tell whether it was made with the key of this store, within an hour."""
    expires, _, rest = token.partition(".")
    nonce, _, signature = rest.partition(".")
    return signer.holds(signature, _ENTERING, expires, nonce) and int(expires) > now_ms() // 1000
