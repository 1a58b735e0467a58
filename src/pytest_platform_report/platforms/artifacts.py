"""Which files a platform takes: their types, formats and sizes."""

from __future__ import annotations

import mimetypes
import re
from typing import NamedTuple

from ..text import clean
from .capabilities import Capabilities

_MB = 2**20
_LONGEST_NAME = 200


class _Rule(NamedTuple):
    suffixes: tuple[str, ...]
    most: int


_RULES = {
    "screenshot": _Rule((".png", ".jpg", ".jpeg", ".webp", ".gif"), 5 * _MB),
    "video": _Rule((".webm", ".mp4", ".avi", ".mov"), 100 * _MB),
    "trace": _Rule((".zip",), 50 * _MB),
    "report": _Rule((".zip",), 200 * _MB),
    "attachment": _Rule((), 10 * _MB),
}

# Not the system's table: it differs from machine to machine, and knows no WebP on some.
_MIME = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".webm": "video/webm",
    ".mp4": "video/mp4",
    ".avi": "video/x-msvideo",
    ".mov": "video/quicktime",
    ".zip": "application/zip",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".json": "application/json",
}


def guess_type(name: str) -> str:
    """Return the artifact type that a file's name suggests.

    A ZIP file is a ``report`` if its name says so and a ``trace`` otherwise; what is nothing else is an ``attachment``.
    """
    suffix = _suffix(name)
    if suffix == ".zip":
        return "report" if "report" in name.lower() else "trace"
    return next((type_ for type_, rule in _RULES.items() if suffix in rule.suffixes), "attachment")


def check(type: str, name: str, size: int, capabilities: Capabilities) -> str | None:
    """Return why a file cannot be sent, naming it and its size; None where it can."""
    rule = _RULES.get(type)
    file = f"{name} ({_in_words(size)})"
    if rule is None:
        return f"{file}: {type!r} is no artifact type: use one of {', '.join(_RULES)}"
    if type == "attachment" and not capabilities.attachments:
        return f"{file}: this platform takes screenshots, videos, traces and reports, but no other attachments"
    if rule.suffixes and _suffix(name) not in rule.suffixes:
        formats = ", ".join(suffix[1:].upper() for suffix in rule.suffixes)
        return f"{file}: a {type} is one of {formats}, by the ending of its name"
    if size > rule.most:
        return f"{file}: larger than the {rule.most // _MB} MB that a platform takes of a {type}"
    return None


def safe_name(name: str) -> str:
    """Return *name* as a platform can store it and a header can carry it: no path, no control codes, not too long."""
    name = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]+', "_", clean(name)).strip(" .")
    if len(name) > _LONGEST_NAME:
        suffix = _suffix(name)[:20]
        name = name[: _LONGEST_NAME - len(suffix)] + suffix
    return name or "file"


def mime_type(name: str) -> str:
    """Return the media type that a file's name suggests."""
    return _MIME.get(_suffix(name)) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def _in_words(size: int) -> str:
    return f"{size:,} bytes" if size < _MB else f"{size / _MB:.1f} MB"
