"""Tokens: keys, sessions, invitations. They are long and random, so that a fast hash is enough."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """Return 256 random bits, fit for an address."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return the form in which a token is kept."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
