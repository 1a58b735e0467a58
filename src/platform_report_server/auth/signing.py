"""Signatures: an HMAC with the folder's own key."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from platform_report_server.errors import StoreError

_BYTES = 32


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


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_BYTES))
    finally:
        os.close(descriptor)
    draft.replace(path)
