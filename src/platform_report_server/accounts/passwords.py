"""Passwords: scrypt, behind a hash that names its parameters so that they can grow."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from base64 import b64decode, b64encode

from platform_report_server.errors import Invalid

SHORTEST = 12
LONGEST_BYTES = 1000

_LOG2_N, _R, _P = 14, 8, 5
_MEMORY = 64 * 2**20


def check_password(password: str) -> None:
    """Refuse a password that is too short to be safe or too long to be one."""
    if len(password) < SHORTEST:
        raise Invalid.field_is("password", f"has {len(password)} characters, at least {SHORTEST} are needed")
    if len(_encoded(password)) > LONGEST_BYTES:
        raise Invalid.field_is("password", f"is longer than {LONGEST_BYTES} bytes")


def hash_password(password: str) -> str:
    """Return what is kept of a password. It takes a third of a second of CPU, on purpose."""
    salt = secrets.token_bytes(16)
    words = ("scrypt", _LOG2_N, _R, _P, b64encode(salt).decode(), b64encode(_scrypt(password, salt)).decode())
    return "$".join(map(str, words))


def password_holds(password: str, kept: str | None) -> bool:
    """Tell whether this is the password that was kept. Where none was, it takes as long."""
    if len(_encoded(password)) > LONGEST_BYTES:
        return False
    if kept is None:
        _scrypt(password, secrets.token_bytes(16))
        return False
    kind, log2_n, r, p, salt, expected = kept.split("$")
    if kind != "scrypt":
        raise ValueError(f"a password is kept as {kind!r}, this version knows 'scrypt'")
    found = _scrypt(password, b64decode(salt), int(log2_n), int(r), int(p))
    return hmac.compare_digest(found, b64decode(expected))


def _scrypt(password: str, salt: bytes, log2_n: int = _LOG2_N, r: int = _R, p: int = _P) -> bytes:
    return hashlib.scrypt(_encoded(password), salt=salt, n=2**log2_n, r=r, p=p, maxmem=_MEMORY, dklen=32)


def _encoded(password: str) -> bytes:
    # keyboards differ in how they write the same letter
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
