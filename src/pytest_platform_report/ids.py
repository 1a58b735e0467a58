"""Identifiers made by the client: run keys, session ids, the stamp of a file name.

They come from the system's random source, never from :mod:`random` (pytest-randomly seeds that alike in every process)
nor from :mod:`uuid` (which tests patch).
"""

from __future__ import annotations

import hashlib
import re

from .native import native, now_ms

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford: no letter is mistaken for a digit


def new_id(length: int = 13) -> str:
    """Return *length* random letters and digits (5 bits each)."""
    return "".join(_ALPHABET[byte & 31] for byte in native.urandom(length))


def new_run_key() -> str:
    """Return a fresh run key that sorts by time: milliseconds since 1970, then 40 random bits."""
    moment = int(now_ms())
    stamp = "".join(_ALPHABET[moment >> shift & 31] for shift in range(40, -5, -5))
    return f"{stamp}-{new_id(8)}"


def shared_run_key(*facts: str) -> str:
    """Return the run key that every process derives from the same *facts* (project, CI provider, build id)."""
    return "ci-" + hashlib.sha256("\0".join(facts).encode()).hexdigest()[:24]


def is_run_key(text: str) -> bool:
    """Tell whether *text* can name a run folder: letters, digits, ``.``, ``_`` and ``-``, at most 64 of them."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text) is not None
