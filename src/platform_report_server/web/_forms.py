"""Forms: what a browser sends, within bounds, and what stands in them when a page shows them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request

from platform_report_server.errors import ApiError, Invalid, TooLarge
from platform_report_server.text import clean

_LARGEST = 64 * 1024
_MOST_FIELDS = 32
_KIND = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Form:
    """What was typed in."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)  # passwords are among them

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
    return Form({name: clean(value) for name, value in pairs})


def shown_again(form: Form, error: ApiError) -> Shown:
    """Return how a refused form is shown again: with all that was typed in but passwords and secrets."""
    kept = {name: value for name, value in form.values.items() if "password" not in name and "secret" not in name}
    return Shown(kept, error)
