"""The signature of a failure: its message without what differs from one time to the next."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

SIGNED = 500
"""Characters of a message that count: those that its row keeps."""

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_BETWEEN = re.compile(r"([\s'\"`();<>\[\]{}=|]+)")
_VARIES = re.compile(r"[\d/\\]")
_PARTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"(?<![\w:.])\d\d?:\d\d(?::\d\d(?:\.\d+)?)?(?![\w:])"), "<time>"),
    (re.compile(r"0[xX][0-9a-fA-F]+"), "<address>"),
    (re.compile(r"(?<!\w)(?:[a-zA-Z]:)?(?:\\[^\\/:]+)+"), "<path>"),
    (re.compile(r"(?<![\w/:])(?:~|\.\.?)?(?:/[^/:]+)+/?"), "<path>"),
    (re.compile(r"(?<![0-9A-Za-z])(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}(?![0-9A-Za-z])"), "<id>"),
    (re.compile(r"\d+(?:[.,_]\d+)*(?:[eE][+-]?\d+)?"), "<number>"),
)


def generalized(message: str) -> str:
    """Return the message with its numbers, ids, addresses, paths and times taken out, on one line."""
    pieces = _BETWEEN.split(_COLOURS.sub("", message[:SIGNED]))
    return " ".join("".join(_piece(piece) if _VARIES.search(piece) else piece for piece in pieces).split())


@lru_cache(maxsize=4096)  # the failures of a run say much the same
def signature(message: str | None) -> bytes:
    """Return 16 bytes that are equal for messages that differ only in what is taken out."""
    return hashlib.blake2b(generalized(message or "").encode(errors="replace"), digest_size=16).digest()


@lru_cache(maxsize=4096)
def _piece(piece: str) -> str:
    for pattern, word in _PARTS:
        piece = pattern.sub(word, piece)
    return piece
