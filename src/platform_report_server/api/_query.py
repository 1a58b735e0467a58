"""Query parameters: declared once, read and documented from that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from starlette.requests import Request

from platform_report_server.errors import Invalid
from platform_report_server.text import clean

D = TypeVar("D", int, None)

_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?")


class Parameter(Protocol):
    """What every kind of parameter tells about itself."""

    @property
    def name(self) -> str: ...
    @property
    def required(self) -> bool: ...
    def schema(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Text:
    """Any text; None where it is missing or empty."""

    name: str
    required = False

    def read(self, request: Request) -> str | None:
        """Return what the request says."""
        return clean(request.query_params.get(self.name) or None)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema."""
        return {"type": "string"}


@dataclass(frozen=True)
class Required:
    """A text that must be there."""

    name: str
    required = True

    def read(self, request: Request) -> str:
        """Return what the request says."""
        value = Text(self.name).read(request)
        if value is None:
            raise Invalid.field_is(self.name, "required")
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema."""
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Word:
    """One of some words."""

    name: str
    words: tuple[str, ...]
    required: bool = False

    def read(self, request: Request) -> str | None:
        """Return what the request says."""
        value = (Required if self.required else Text)(self.name).read(request)
        if value is not None and value not in self.words:
            raise Invalid.field_is(self.name, f"expected one of {', '.join(self.words)}, got {value!r}")
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True)
class Number(Generic[D]):
    """A whole number; `default` where it is missing or empty."""

    name: str
    default: D
    smallest: int
    largest: int
    required = False

    def read(self, request: Request) -> int | D:
        """Return what the request says."""
        value = Text(self.name).read(request)
        if value is None:
            return self.default
        low, high = self.smallest, self.largest
        if not (value.isascii() and value.isdigit() and len(value) < 19 and low <= int(value) <= high):
            raise Invalid.field_is(self.name, f"expected a whole number from {low} to {high}, got {value!r}")
        return int(value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema."""
        schema: dict[str, Any] = {"type": "integer", "minimum": self.smallest, "maximum": self.largest}
        return schema if self.default is None else schema | {"default": self.default}


@dataclass(frozen=True)
class Fraction:
    """A number from 0 to 1; None where it is missing or empty."""

    name: str
    required = False

    def read(self, request: Request) -> float | None:
        """Return what the request says."""
        value = Text(self.name).read(request)
        if value is None:
            return None
        if not (_DECIMAL.fullmatch(value) and float(value) <= 1):
            raise Invalid.field_is(self.name, f"expected a number from 0 to 1, got {value!r}")
        return float(value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema."""
        return {"type": "number", "minimum": 0, "maximum": 1}


PROJECT = Required("projectId")
TEAM = Required("teamId")
RUN = Required("runId")
_LIMIT = Number("limit", 50, 1, 200)
_OFFSET = Number("offset", 0, 0, 10**12)
PAGE = (_LIMIT, _OFFSET)


def page(request: Request) -> tuple[int, int]:
    """Return limit and offset."""
    return _LIMIT.read(request), _OFFSET.read(request)
