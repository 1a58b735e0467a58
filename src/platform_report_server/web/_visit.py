"""One page view on its way through a handler: who looks, the store, the page that is shown or led to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from sqlalchemy import Connection, Row
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from platform_report_server.auth.caller import NOBODY, Caller
from platform_report_server.db.queries.people import find_account
from platform_report_server.errors import RateLimited, Unauthorized
from platform_report_server.ingest.writer import Job
from platform_report_server.services import Services
from platform_report_server.web import _flash
from platform_report_server.web._flash import Notes
from platform_report_server.web._forms import Form, Shown
from platform_report_server.web._render import page

T = TypeVar("T")

_LONGEST_PATH = 2000


@dataclass(frozen=True)
class Visit:
    """What a page's handler gets."""

    request: Request
    services: Services
    caller: Caller = NOBODY
    person: Row[Any] | None = None
    """The account of who is logged in."""
    form: Form = field(default_factory=Form)
    """What was sent, where something was."""

    @classmethod
    async def begin(cls, request: Request, services: Services) -> Visit:
        """Find out who looks; NOBODY where they are not logged in."""
        try:
            caller = await services.access.caller(request)
        except Unauthorized:
            if "x-api-key" in request.headers:
                raise
            return cls(request, services)
        person = None
        if caller.session is not None and caller.user_id is not None:
            person = await services.reader.read(partial(find_account, user_id=caller.user_id))
        return cls(request, services, caller, person)

    def said(self, name: str) -> str:
        """Return a part of the page's address."""
        value: str = self.request.path_params[name]
        return value

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query."""
        return await self.services.reader.read(query)

    async def write(self, job: Job[T]) -> T:
        """Run a job of the writer."""
        return await self.services.writer.do(job)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page; a form that was refused is among its `forms`, by its name."""
        forms: dict[str, Shown] = values.setdefault("forms", {})
        error = next((shown.error for shown in forms.values() if shown.error is not None), None)
        # what a page is told is for people: one that renews itself in another window must not take it away
        is_renewal = "hx-request" in self.request.headers
        response = page(
            template,
            status if error is None else error.status,
            media=self.services.settings.media_origin,
            is_known=self.caller is not NOBODY,
            person=self.person,
            form_token=self.services.access.form_token(self.request),
            notes=Notes() if is_renewal else _flash.find(self.request, self.services),
            **values,
        )
        if isinstance(error, RateLimited):
            response.headers["retry-after"] = str(error.retry_after)
        if not is_renewal:
            _flash.clear(self.request, self.services, response)
        return response

    def go(self, path: str, notes: Notes | None = None) -> Response:
        """Send the browser to another page of ours, which shows the notes."""
        response = RedirectResponse(path, 303)
        if notes is not None:
            _flash.leave(self.request, self.services, response, notes)
        return response

    def to_login(self) -> Response:
        """Send the browser to the log-in page, and from there back to here."""
        here = self.request.url.path + (f"?{self.request.url.query}" if self.request.url.query else "")
        if self.request.method not in ("GET", "HEAD") or here == "/" or local(here) != here:
            return self.go("/login")
        return self.go("/login?" + urlencode({"next": here}))


def local(path: str | None) -> str:
    """Return a path where it leads to a page of ours, else that of the first page."""
    # browsers take a backslash for a slash, and leave out tabs and line ends
    is_ours = path is not None and path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if path is not None and is_ours and len(path) <= _LONGEST_PATH else "/"
