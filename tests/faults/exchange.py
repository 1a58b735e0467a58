"""Requests, answers, and what a server keeps of them: what all APIs have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request; ``headers`` by lower-case name."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """What the body says, None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Said:
    """An answer, with JSON, or nothing at all, as its body."""

    status: int
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return b"" if self.content is None else json.dumps(self.content).encode()


class Api(Protocol):
    """An API that a plugin reports to, with all that it has been told."""

    def kind_of(self, asked: Asked) -> str:
        """Return which of the kinds a request is of, in the words of faults."""
        ...

    def answer(self, asked: Asked) -> Said:
        """Carry a request out."""
        ...

    def error(self, status: int) -> Any:
        """Return what the API says with an error."""
        ...

    def held(self) -> Json:
        """Return ``runs``, ``tests``, ``suites``, ``artifacts``, and ``violations`` of the API."""
        ...


class RefusedError(Exception):
    """A request that is not as the API wants it."""

    def __init__(self, status: int, code: str, message: str, name: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.name = status, code, name


def parse_form(asked: Asked) -> tuple[dict[str, str], dict[str, tuple[str, bytes]]]:
    """Return the fields and the files, with their names, of a multipart body."""
    kind, _, rest = asked.headers.get("content-type", "").partition(";")
    boundary = rest.strip().removeprefix("boundary=").strip('"').encode()
    if kind != "multipart/form-data" or not boundary:
        raise RefusedError(400, "VALIDATION_ERROR", f"{kind or 'no content type'} where multipart/form-data is due")
    first, *parts = (b"\r\n" + asked.body).split(b"\r\n--" + boundary)
    if first or not parts or parts.pop().strip() != b"--":
        raise RefusedError(400, "VALIDATION_ERROR", "the multipart body is not whole")
    fields: dict[str, str] = {}
    files: dict[str, tuple[str, bytes]] = {}
    for part in parts:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        names = _disposition(head.decode("utf-8"))
        if "filename" in names:
            files[names["name"]] = (names["filename"], content)
        else:
            fields[names["name"]] = content.decode("utf-8")
    return fields, files


def _disposition(head: str) -> dict[str, str]:
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-disposition":
            pairs = (piece.strip().partition("=") for piece in value.split(";")[1:])
            return {key: text.strip('"') for key, _, text in pairs}
    raise RefusedError(400, "VALIDATION_ERROR", "a part has no content disposition")
