"""What the address of a page says: typed by hand now and then, so that what makes no sense counts as left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from platform_report_server import ids
from platform_report_server.text import clean

_LONGEST = 200
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LARGEST_ID = 2**63 - 1


def chosen(request: Request, name: str) -> str | None:
    """Return what is chosen; None where nothing is."""
    return clean(request.query_params.get(name) or None)


def words(request: Request, name: str) -> str | None:
    """Return words to look for, the first of very many."""
    text = (chosen(request, name) or "").strip()[:_LONGEST]
    return text or None


@dataclass(frozen=True)
class Part:
    """What a page shows of one of its lists."""

    name: str
    rows: Sequence[Any]
    offset: int
    limit: int
    total: int


def part(request: Request, name: str, rows: Sequence[Any], limit: int) -> Part:
    """Return the part of a list that is asked for."""
    first = offset(request, name)
    return Part(name, rows[first : first + limit], first, limit, len(rows))


def offset(request: Request, name: str = "offset") -> int:
    """Return from where on a list is shown."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def day(request: Request, name: str) -> date | None:
    """Return a day."""
    text = request.query_params.get(name, "")
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def first_id_of(wanted: date | None, days: int = 0) -> int | None:
    """Return the smallest id that can be made on a day, or some days after it, in UTC."""
    if wanted is None:
        return None
    begins = datetime(wanted.year, wanted.month, wanted.day, tzinfo=timezone.utc).timestamp()
    milliseconds = round((begins + timedelta(days=days).total_seconds()) * 1000)
    return min(ids.first_id(milliseconds), _LARGEST_ID)


def feed(path: str, version: str, project: str | None = None) -> str:
    """Return the address that tells of what changes on a page."""
    return f"{path}?" + urlencode({"since": version} | ({"project": project} if project else {}))
