"""Words for a terminal: coloured where it is one, and nothing in them that a terminal obeys."""

from __future__ import annotations

import os
import re
import sys

from ..text import clean

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "magenta": "35", "dim": "2", "bold": "1"}
_sub_control = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]").sub

STATUS_LOOKS = {
    "passed": ("green", "✓"),
    "failed": ("red", "✗"),
    "skipped": ("yellow", "-"),
    "flaky": ("magenta", "~"),
    "running": ("bold", "…"),
    "cancelled": ("yellow", "!"),
}


def safe(text: object) -> str:
    """Return *text* without codes that a terminal would obey."""
    return _sub_control("", clean(str(text)))


def paint(text: str, colour: str) -> str:
    """Return *text* in a colour, where standard output shows colours."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def mark(status: str, text: str = "") -> str:
    """Return a status's sign, and *text* in its colour."""
    colour, sign = STATUS_LOOKS.get(status, ("dim", "?"))
    return paint(f"{sign} {text}" if text else sign, colour)


def in_words(ms: float) -> str:
    """Return a duration given in milliseconds: ``12 ms``, ``3.4 s``, ``5 min 20 s``."""
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds} s"


def indent(text: str, by: str) -> str:
    """Return *text* with *by* before each of its lines."""
    return "\n".join(by + line for line in text.splitlines())


def say(text: str = "") -> None:
    """Print a line, whatever the terminal's encoding can show of it."""
    try:
        print(text, flush=True)  # a pipe gets it too when it is said, not when the command ends
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding), flush=True)
