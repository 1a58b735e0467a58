"""The shapes that answers of every kind have."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from platform_report_server.clock import iso
from platform_report_server.errors import ErrorCode
from platform_report_server.model import Count

T = TypeVar("T")

Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class ErrorDetails(Struct):
    """Which field is wrong, and why."""

    field: str
    reason: str | None


class ErrorContent(Struct):
    """What an error answer tells."""

    code: ErrorCode
    message: str
    details: ErrorDetails | None


class ErrorAnswer(Struct):
    """Every error has this shape."""

    error: ErrorContent


class Data(Struct, Generic[T]):
    """A list that is told whole."""

    data: list[T]


class Counted(Data[T], Generic[T]):
    """The newest of a list, and how many there are."""

    total: Count


class Page(Counted[T], Generic[T]):
    """A part of a list: at most `limit` entries, after the first `offset`."""

    limit: Count
    offset: Count


class Done(Struct):
    """It was done."""

    message: str
    success: bool = True


def number(value: float) -> int | float:
    """Return a whole number as one."""
    return int(value) if value == int(value) else value


def moment(milliseconds: int | None) -> str | None:
    """Return a moment that may not be there."""
    return None if milliseconds is None else iso(milliseconds)
