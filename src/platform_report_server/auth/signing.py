"""Signatures and seals: HMACs with the folder's own key."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection, insert, select

from platform_report_server.db.engine import Database
from platform_report_server.db.schema import signing_key
from platform_report_server.errors import SettingsError, StoreError
from platform_report_server.settings import PostgresUrl, Settings

_BYTES = 32
_NONCE = 16


class Signer:
    """Signs words for one purpose at a time, so that a signature of one kind never passes as another."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, purpose: str, *words: object) -> str:
        """Return the signature of these words."""
        text = "\n".join((purpose, *map(str, words)))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def holds(self, signature: str, purpose: str, *words: object) -> bool:
        """Tell whether the signature is that of these words."""
        return hmac.compare_digest(signature.encode("utf-8", "replace"), self.sign(purpose, *words).encode())

    def seal(self, purpose: str, text: str) -> bytes:
        """Return a text that only this key opens again: HMAC in counter mode, then a signature over it."""
        nonce = secrets.token_bytes(_NONCE)
        hidden = nonce + self._hidden(purpose, nonce, text.encode())
        return hidden + self._mac(purpose, b"sealed", hidden)

    def unseal(self, purpose: str, sealed: bytes) -> str:
        """Return the text that was sealed."""
        hidden, mac = sealed[:-_BYTES], sealed[-_BYTES:]
        if not hmac.compare_digest(mac, self._mac(purpose, b"sealed", hidden)):
            raise StoreError(f"a {purpose} was not sealed with this store's signing key: set it anew")
        return self._hidden(purpose, hidden[:_NONCE], hidden[_NONCE:]).decode()

    def _hidden(self, purpose: str, nonce: bytes, text: bytes) -> bytes:
        blocks = range(-(-len(text) // _BYTES))
        stream = b"".join(self._mac(purpose, b"stream", nonce + block.to_bytes(4, "big")) for block in blocks)
        return bytes(letter ^ mask for letter, mask in zip(text, stream, strict=False))

    def _mac(self, purpose: str, step: bytes, text: bytes) -> bytes:
        key = hmac.digest(self._key, b"\0".join((b"seal", purpose.encode(), step)), "sha256")
        return hmac.digest(key, text, "sha256")


def open_signer(settings: Settings, database: Database) -> Signer:
    """Return the signer of a store, which is the same in each of its servers."""
    path = settings.signing_key
    signer = load_signer(path, database.alone) if settings.makes_signing_key else _read_signer(path)
    if isinstance(settings.database, PostgresUrl):  # its other servers may have other folders
        with database.alone() as connection:
            _check_signer(connection, signer, path)
    return signer


def load_signer(path: Path, lock: Callable[[], AbstractContextManager[object]]) -> Signer:
    """Return the signer of the key at `path`; at the first start make the key, under a lock against other processes."""
    try:
        if not path.exists():
            with lock():
                if not path.exists():
                    _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: the signing key cannot be read: {error.strerror}") from error
    if len(key) != _BYTES:
        raise StoreError(
            f"{path}: found {len(key)} bytes, expected a signing key of {_BYTES}; delete the file to get a new one "
            "(links and sessions made with the old key stop working)"
        )
    return Signer(key)


def _read_signer(path: Path) -> Signer:
    try:
        given = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: the signing key cannot be read: {error.strerror}") from error
    if len(given) == _BYTES:
        return Signer(given)
    if len(given.strip()) < _BYTES:
        raise SettingsError(
            f"{path}: found {len(given.strip())} bytes, expected a signing key of at least {_BYTES}, such as "
            "'openssl rand -hex 32' prints"
        )
    return Signer(hashlib.sha256(given.strip()).digest())


def _check_signer(connection: Connection, signer: Signer, path: Path) -> None:
    fingerprint = signer.sign("fingerprint")
    found = connection.execute(select(signing_key.c.fingerprint)).scalar()
    if found is None:
        connection.execute(insert(signing_key).values(fingerprint=fingerprint))
    elif found != fingerprint:
        raise StoreError(
            f"{path}: the servers of this store have another signing key: give this one the same, in a file that "
            "PLATFORM_REPORT_SIGNING_KEY_FILE names. Where that key is lost, a new one is let in once the table "
            "signing_key is empty: then sessions and links end, and webhooks' headers and secrets have to be set anew"
        )


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_BYTES))
    finally:
        os.close(descriptor)
    draft.replace(path)
