"""Pages taken apart, and forms that are sent as a browser sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

OUR_SCRIPTS = {"/static/htmx.js", "/static/live.js", "/static/pictures.js"}
_TYPED_IN = ("input", "select", "textarea")


@dataclass
class Form:
    """A form of a page: where it is sent, and what stands in it."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """A page taken apart."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.images: set[str] = set()
        self.scripts: set[str | None] = set()
        """Their addresses; None is one in the page itself."""
        self.handlers: set[str] = set()
        self.forms: list[Form] = []
        self.shown_once: dict[str, str] = {}
        """What stands in fields that are there to be copied, by their ids."""
        self.wrong: set[str] = set()
        """The names of the fields that are marked as wrong."""
        self.unlabelled: set[str] = set()
        self.next: str | None = None
        self.text = ""
        self.title = ""
        self._labelled: set[str | None] = set()
        self._open: list[str] = []
        self._chosen: str | None = None
        self.feed(source)
        self.unlabelled -= {str(each) for each in self._labelled}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        self._open.append(tag)
        self.handlers |= {name for name in found if name.startswith("on")}
        if tag == "a":
            self.links.add(found["href"] or "")
        if tag == "script":
            self.scripts.add(found.get("src"))
        if tag == "img":
            self.images.add(found["src"] or "")
        if tag == "label":
            self._labelled.add(found.get("for"))
        if tag == "form":
            self.forms.append(Form(found.get("action") or "", found.get("method") or "get"))
        if tag in _TYPED_IN:
            self._field(tag, found)
        if tag == "option" and self._chosen is not None and "selected" in found:
            self._open.append("chosen")
        if found.get("rel") == "next":
            self.next = found["href"]

    def _field(self, tag: str, found: dict[str, str | None]) -> None:
        name = found.get("name") or ""
        if not name:
            self.shown_once[str(found.get("id"))] = found.get("value") or ""
        else:
            self.forms[-1].values[name] = found.get("value") or ""
        self._chosen = name if tag == "select" else None
        if "aria-invalid" in found:
            self.wrong.add(name)
        if found.get("type") != "hidden" and "label" not in self._open and "aria-label" not in found:
            self.unlabelled.add(str(found.get("id")))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text += data
        if "title" in self._open:
            self.title += data
        if "chosen" in self._open and self._chosen is not None:
            self.forms[-1].values[self._chosen] = data

    def form(self, end: str) -> Form:
        """Return the form that is sent to an address with this end."""
        (found,) = [form for form in self.forms if form.action.endswith(end)]
        return found


class Browser:
    """Somebody's browser."""

    def __init__(self, url: str, cookies: dict[str, str] | None = None) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, headers={"Accept": "text/html"}, timeout=60)
        for name, value in (cookies or {}).items():
            self.http.cookies.set(name, value, domain="127.0.0.1")

    def go(self, path: str, status: int = 200) -> Page:
        """Open a page, wherever it leads."""
        return self._shown(self.http.get(path, follow_redirects=True), status)

    def send(self, page: Page, end: str, status: int = 200, /, **values: str) -> Page:
        """Fill in a form of a page and send it; return the page that follows."""
        form = page.form(end)
        assert values.keys() <= form.values.keys()
        response = self.http.post(form.action, data=form.values | values, headers={"Origin": self.url})
        if response.is_redirect:
            response = self.http.get(response.headers["location"], follow_redirects=True)
        return self._shown(response, status)

    def log_in(self, email: str, password: str) -> Page:
        """Log in."""
        return self.send(self.go("/login"), "/login", email=email, password=password)

    def _shown(self, response: httpx.Response, status: int) -> Page:
        assert response.status_code == status, response.text
        self.path = response.url.path
        page = Page(response.text)
        assert page.unlabelled == set()
        assert page.title.strip()
        assert {"header", "nav", "main", "h1"} <= page.tags
        assert not {"style", "iframe"} & page.tags
        assert page.scripts <= OUR_SCRIPTS
        assert all(form.method == "get" or form.values.get("form_token") for form in page.forms)
        return page


Browsers = Callable[..., Browser]
"""Makes browsers, with cookies where some are given."""


@contextmanager
def browsers(url: str) -> Iterator[Browsers]:
    """Give out what makes browsers; they are closed at the end."""
    with ExitStack() as stack:

        def make(cookies: dict[str, str] | None = None) -> Browser:
            browser = Browser(url, cookies)
            stack.enter_context(browser.http)
            return browser

        yield make
