"""Which files can be artifacts: the types that platforms know, and the formats and the most bytes of each."""

from __future__ import annotations

import re
from typing import NamedTuple

MB = 2**20
HEAD_BYTES = 16
"""How much of a file's beginning tells its format."""


class _Rule(NamedTuple):
    endings: tuple[str, ...]  # empty: every format
    most: int


_RULES = {
    "screenshot": _Rule((".png", ".jpg", ".jpeg", ".webp", ".gif"), 5 * MB),
    "video": _Rule((".webm", ".mp4", ".avi", ".mov"), 100 * MB),
    "trace": _Rule((".zip",), 50 * MB),
    "report": _Rule((".zip",), 200 * MB),
    "attachment": _Rule((), 10 * MB),
}
_BEGINNINGS = {
    ".png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    ".jpg": re.compile(rb"\xff\xd8\xff"),
    ".jpeg": re.compile(rb"\xff\xd8\xff"),
    ".webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    ".gif": re.compile(rb"GIF8[79]a"),
    ".webm": re.compile(rb"\x1a\x45\xdf\xa3"),
    ".mp4": re.compile(rb"....ftyp", re.DOTALL),
    ".mov": re.compile(rb"....(?:ftyp|moov|mdat|wide|free|skip)", re.DOTALL),
    ".avi": re.compile(rb"RIFF....AVI ", re.DOTALL),
    ".zip": re.compile(rb"PK(?:\x03\x04|\x05\x06)"),
}

TYPES = tuple(_RULES)


def guess_type(name: str) -> str:
    """Return the artifact type that a file's name suggests.

    A ZIP file is a ``report`` if its name says so and a ``trace`` otherwise; what is nothing else is an ``attachment``.
    """
    found = ending(name)
    if found == ".zip":
        return "report" if "report" in name.lower() else "trace"
    return next((type_ for type_, rule in _RULES.items() if found in rule.endings), "attachment")


def most_bytes(type: str) -> int:
    """Return the most bytes that a file of this type may have."""
    return _RULES[type].most


def why_not(type: str, name: str, size: int, head: bytes | None = None) -> str:
    """Return why a file cannot be sent, and what to do; empty where it can.

    :param head: its first :data:`HEAD_BYTES`; None where they do not matter.
    """
    rule = _RULES.get(type)
    if rule is None:
        return f"{type!r} is no artifact type: use one of {', '.join(_RULES)}"
    if rule.endings and ending(name) not in rule.endings:
        formats = ", ".join(each[1:].upper() for each in rule.endings)
        return f"a {type} is one of {formats}, by the ending of its name: name it so, or give another type"
    if size > rule.most:
        return f"larger than the {rule.most // MB} MB that a platform takes of {_a(type)}: attach less of it"
    if rule.endings and head is not None and not _BEGINNINGS[ending(name)].match(head):
        format_ = ending(name)[1:].upper()
        return f"its content is not {format_}: type='attachment' sends it as it is" if size else "it is empty"
    return ""


def with_size(name: str, size: int) -> str:
    """Return a file's name and size, in words."""
    return f"{name} ({size:,} bytes)" if size < MB else f"{name} ({size / MB:.1f} MB)"


def ending(name: str) -> str:
    """Return the ending of a file's name, in small letters and with its dot; empty where there is none."""
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def _a(type: str) -> str:
    return f"an {type}" if type == "attachment" else f"a {type}"
