"""How a platform names and takes files, beyond the rules of :mod:`pytest_platform_report.artifacts`."""

from __future__ import annotations

import mimetypes
import re

from ..artifacts import ending, why_not, with_size
from ..text import clean
from .capabilities import Capabilities

_LONGEST_NAME = 200

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


def check(type: str, name: str, size: int, capabilities: Capabilities) -> str | None:
    """Return why a file cannot be sent, naming it and its size; None where it can."""
    reason = why_not(type, name, size)
    if not reason and type == "attachment" and not capabilities.attachments:
        reason = "this platform takes screenshots, videos, traces and reports, but no other attachments"
    return f"{with_size(name, size)}: {reason}" if reason else None


def safe_name(name: str) -> str:
    """Return *name* as a platform can store it and a header can carry it: no path, no control codes, not too long."""
    name = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]+', "_", clean(name)).strip(" .")
    if len(name) > _LONGEST_NAME:
        suffix = ending(name)[:20]
        name = name[: _LONGEST_NAME - len(suffix)] + suffix
    return name or "file"


def mime_type(name: str) -> str:
    """Return the media type that a file's name suggests."""
    return _MIME.get(ending(name)) or mimetypes.guess_type(name)[0] or "application/octet-stream"
