"""Text on its way to the database."""

from __future__ import annotations

from typing import overload


@overload
def clean(value: str) -> str: ...
@overload
def clean(value: None) -> None: ...
def clean(value: str | None) -> str | None:
    """Replace NUL, which PostgreSQL refuses in text and SQLite's own functions stop at."""
    return value.replace("\0", "\ufffd") if value is not None and "\0" in value else value
