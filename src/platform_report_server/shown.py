"""How values look to people."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_WEB = re.compile(r"https?://[^\s\x00-\x1f\x7f]+", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")  # controls, and what turns text around


def duration(milliseconds: float | None) -> str:
    """Return a duration in the units that suit it."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def moment(milliseconds: int) -> str:
    """Return a time to the minute."""
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def plain(value: Any) -> Any:
    """Return text as a terminal would show it, without its colours; what is marked up already stays."""
    if type(value) is not str:
        return value
    return _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", without_colours(value.replace("\r\n", "\n")))


def without_colours(text: str) -> str:
    """Return text without the codes that a terminal obeys."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def web_address(text: str | None) -> str | None:
    """Return an address that people may be led to; None where it is none of the web's."""
    return text if text is not None and _WEB.fullmatch(text) else None
