"""One request on its way through a handler: who calls, the store, what the caller may see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from platform_report_server.api import _requests, answers
from platform_report_server.auth.caller import Caller
from platform_report_server.auth.visible import visible_run
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.errors import NotFound
from platform_report_server.ingest.once import Answer, Once
from platform_report_server.ingest.projects import ensure_project, hold_project
from platform_report_server.ingest.writer import Job, Write
from platform_report_server.services import Services

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """What a handler gets."""

    request: Request
    services: Services
    caller: Caller
    largest: int
    """The most bytes that a JSON body may have."""

    def said(self, name: str) -> str:
        """Return a part of the request's path."""
        value: str = self.request.path_params[name]
        return value

    async def body(self, decoder: msgspec.json.Decoder[T]) -> tuple[T, Once | None]:
        """Return the body as its type, and what makes this request happen once where it carries a key."""
        raw = await self.raw_body()
        return _requests.decode(decoder, raw), self.once(raw)

    async def raw_body(self) -> bytes:
        """Return the body as it came, decompressed."""
        return await _requests.read_body(self.request, self.largest)

    def once(self, said: bytes) -> Once | None:
        """Return what makes this request happen once; `said` is what tells it from another."""
        key = _requests.idempotency_key(self.request)
        if key is None:
            return None
        return Once(key, f"{self.request.method} {self.request.url.path}", hashlib.sha256(said).digest())

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query."""
        return await self.services.reader.read(query)

    async def glance(self, query: Callable[[Connection], T]) -> T:
        """Run a query that needs no snapshot of its own."""
        return await self.services.reader.glance(query)

    def visible_run(self, connection: Connection, public_id: str, project: str | None = None) -> RunRow:
        """Return a run that the caller may see, and that is in `project` where one is named."""
        return visible_run(connection, self.caller, public_id, project)

    def project(self, write: Write, public_id: str) -> int:
        """Return the number of a project, which is made on its first use where the caller may have that."""
        if self.caller.makes_projects:
            return ensure_project(write, public_id)
        number = hold_project(write, public_id)
        if number is None:
            raise NotFound(f"There is no project {public_id!r}")
        return number

    async def write(self, job: Job[Answer]) -> Response:
        """Run a job of the writer that answers the request."""
        answer = await self.services.writer.do(job)
        return answers.raw_answer(answer.body, answer.status)
