"""Requests: bodies within their limits, checked against their types."""

from __future__ import annotations

import re
import typing
import zlib
from datetime import datetime
from typing import Literal, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from platform_report_server.clock import now_ms
from platform_report_server.errors import Invalid, TooLarge
from platform_report_server.headers import header

T = TypeVar("T")

_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_MISSING = re.compile(r"^Object missing required field `(.*)`$")
_LONGEST_KEY = 255
_FARTHEST_MS = 100 * 365 * 24 * 3600 * 1000


async def read_body(request: Request, largest: int) -> bytes:
    """Return the body, decompressed; never more than `largest` bytes of it."""
    encoding = (header(request.scope, b"content-encoding") or "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise Invalid.field_is("Content-Encoding", f"expected gzip or identity, got {encoding!r}")
    length = header(request.scope, b"content-length") or ""
    if length.isdecimal() and int(length) > largest:
        raise _too_large(largest)
    if encoding == "gzip":
        return await _unzipped(request, largest)
    parts, size = [], 0
    while True:  # what `request.stream()` does beyond that is not for a body that is read once
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > largest:
            raise _too_large(largest)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _unzipped(request: Request, largest: int) -> bytes:
    unzip = zlib.decompressobj(wbits=31)
    parts, came, size = [], 0, 0
    async for chunk in request.stream():
        try:
            part = unzip.decompress(chunk, largest + 1 - size)
        except zlib.error as error:
            raise Invalid(f"The body is not valid gzip: {error}") from error
        came, size = came + len(chunk), size + len(part)
        if came > largest or size > largest or unzip.unconsumed_tail:
            raise _too_large(largest)
        if unzip.unused_data:
            break
        parts.append(part)
    if not unzip.eof or unzip.unused_data:
        raise Invalid("The body is not one whole gzip stream")
    return b"".join(parts)


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"The body is larger than {largest} bytes", reason="too large")


def decode(decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw) -> T:
    """Return the value that the JSON holds, or say in words what is wrong with it."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _in_words(str(error), decoder.type) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"The body is not valid JSON in UTF-8, lone surrogates included: {error}") from error


def _in_words(text: str, expected: type) -> Invalid:
    place = _PLACE.search(text)
    field = place.group(1) if place else ""
    reason = text[: place.start()] if place else text
    missing = _MISSING.match(reason)
    if missing:
        return Invalid.field_is(f"{field}.{missing.group(1)}".lstrip("."), "required")
    if not field:
        return Invalid(f"The body is not what is expected: {reason}")
    words = _words(expected, field)
    if words and reason.startswith("Invalid enum value"):
        reason = f"expected one of {', '.join(words)}, got{reason.removeprefix('Invalid enum value')}"
    return Invalid.field_is(field, reason.replace("`", ""))


def _words(expected: type, field: str) -> tuple[str, ...]:
    """Return the words that a top-level field may hold, where it holds words."""
    if not issubclass(expected, msgspec.Struct):
        return ()
    names = dict(zip(expected.__struct_encode_fields__, expected.__struct_fields__, strict=True))
    if field not in names:
        return ()
    hint = typing.get_type_hints(expected)[names[field]]
    choices = (hint, *typing.get_args(hint))
    return next((typing.get_args(each) for each in choices if typing.get_origin(each) is Literal), ())


def to_come(field: str, moment: datetime | None) -> int | None:
    """Return a time that a body names in milliseconds, where it is one to come."""
    if moment is None:
        return None
    milliseconds, now = int(moment.timestamp() * 1000), now_ms()
    if not now < milliseconds < now + _FARTHEST_MS:
        raise Invalid.field_is(field, "expected a time within the next hundred years")
    return milliseconds


def idempotency_key(request: Request) -> str | None:
    """Return the request's idempotency key."""
    key = header(request.scope, b"idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise Invalid.field_is("Idempotency-Key", f"expected 1 to {_LONGEST_KEY} characters")
    return key
