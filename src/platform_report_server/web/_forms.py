"""Forms: what a browser sends, within bounds, and what stands in them when a page shows them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from platform_report_server.clock import now_ms
from platform_report_server.errors import ApiError, Invalid, TooLarge
from platform_report_server.text import clean

T = TypeVar("T")

_LARGEST = 64 * 1024
_MOST_FIELDS = 256
_LAST_YEAR = 2100
_KIND = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Form:
    """What was typed in."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)  # passwords are among them
    ticked: Sequence[tuple[str, str]] = field(default=(), repr=False)
    """All that was sent, with each of the fields of one name."""

    def every(self, name: str) -> list[str]:
        """Return the values of all fields of a name, each once."""
        return list(dict.fromkeys(value for key, value in self.ticked if key == name))

    def short(self, name: str, most: int) -> str | None:
        """Return a text of at most so many characters; None where it is empty."""
        value = self.text(name).strip()
        if len(value) > most:
            raise Invalid.field_is(name, f"expected at most {most} characters, got {len(value)}")
        return value or None

    def end_of_day(self, name: str) -> int | None:
        """Return the end of a day, in UTC, as browsers write days; None where there is none."""
        day = self.text(name).strip()
        if not day:
            return None
        try:
            last = date.fromisoformat(day)
        except ValueError:
            raise Invalid.field_is(name, f"expected a day as 2030-12-31, got {day[:80]!r}") from None
        end = int(datetime.combine(last, time(23, 59, 59), timezone.utc).timestamp() * 1000)
        if end <= now_ms() or last.year > _LAST_YEAR:
            raise Invalid.field_is(name, f"expected a day from today to {_LAST_YEAR}")
        return end

    def text(self, name: str) -> str:
        """Return a field as it was sent; empty where it was not."""
        return self.values.get(name, "")

    def required(self, name: str) -> str:
        """Return a field that must be there."""
        value = self.text(name).strip()
        if not value:
            raise Invalid.field_is(name, "required")
        return value


@dataclass(frozen=True)
class Shown:
    """A form on a page: what to fill in again, and what was wrong."""

    values: Mapping[str, str] = field(default_factory=dict)
    error: ApiError | None = None


async def read_form(request: Request) -> Form:
    """Return the form that was sent."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise Invalid.field_is("Content-Type", f"expected {_KIND}, got {kind[:80]!r}")
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _LARGEST:
            raise TooLarge(f"The form is larger than {_LARGEST} bytes", reason="too large")
        parts.append(chunk)
    try:
        pairs = parse_qsl(b"".join(parts).decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Invalid(f"The form is not what is expected: {error}") from error
    said = [(name, clean(value)) for name, value in pairs]
    return Form(dict(said), said)


def converted(said: Mapping[str, object], kind: type[T], *, strict: bool = True) -> T:
    """Return what a form says as a type, or refuse the field that is wrong. Not strict: numbers are read from texts."""
    try:
        return msgspec.convert(said, kind, strict=strict)
    except msgspec.ValidationError as error:
        reason, _, name = str(error).replace("`", "").partition(" - at $.")
        raise Invalid.field_is(name, reason[:1].lower() + reason[1:]) from error


def shown_again(form: Form, error: ApiError) -> Shown:
    """Return how a refused form is shown again: with all that was typed in but passwords and secrets."""
    kept = {name: value for name, value in form.values.items() if "password" not in name and "secret" not in name}
    return Shown(kept, error)
