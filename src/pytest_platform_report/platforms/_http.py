"""HTTP, and what became of a request; the only module that imports httpx.

A request has one of three outcomes, told apart by the error's class because the right next step differs. It was *not
sent* (:class:`.NotSent`): send it again. It was *answered*: the :class:`Answer`, :class:`.Busy` or :class:`.Refused`.
Or it went out and nothing usable came back (:class:`.OutcomeUnknown`): look before sending it again. A reset connection
is of the last kind even if the server never read the request: both look alike from here.
"""

from __future__ import annotations

import gzip
import json as json_module
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx
from httpx import ASGITransport, BaseTransport, ReadTimeout, Request, Response

from .. import __version__
from ..errors import DeliveryError, NotSent, OutcomeUnknown
from ..redact import make_redactor
from ._answers import MESSAGE, brief, error_of_answer, quote_body
from ._guard import Guard
from .limits import group_of, wait_when_used_up

__all__ = [
    "ASGITransport",
    "Answer",
    "Answered",
    "BaseTransport",
    "Http",
    "ReadTimeout",
    "Request",
    "Response",
    "Timeouts",
    "Told",
    "Upload",
]

LARGEST_ANSWER = 16 * 2**20
LARGEST_ERROR = 64 * 2**10
MOST_AT_ONCE = 6
_LEAST_ZIPPED = 2**10

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NOT_SENDABLE = (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL)
Told = Callable[[str, float], object]
Answered = Callable[[str], object]

_SHAPES: Mapping[str, type] = {"id": str, "data": list, "total": int}


@dataclass(frozen=True)
class Timeouts:
    """Seconds: to connect, between two pieces of what is read or written, and for a whole answer to come in."""

    connect: float = 5.0
    read: float = 30.0
    write: float = 30.0
    answer: float = 60.0


@dataclass(frozen=True)
class Upload:
    """A form to send as multipart data, with a file that is read while it is sent, unless ``path`` is None."""

    path: Path | None
    name: str
    mime: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """A 2xx answer: ``headers`` by lower-case name, ``body`` the JSON object."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True)
class _Line:
    """A connection that is kept, for one request after the other, and what watches it."""

    client: httpx.Client
    guard: Guard


class Http:
    """Requests to one platform, also from several threads.

    :param base_url: ends in ``/api``.
    :param api_key: sent with every request, masked in every message; empty sends none.
    :param transport: what carries the requests instead of the network.
    :param told: called with an endpoint group whose limit an answer says is used up, and with the seconds until it is
        not.
    :param answered: called with the endpoint group of each request that ended well.
    :raises NotSent: no HTTP client can be made in this environment.
    :ivar most_at_once: how many requests may be under way together.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: BaseTransport | None = None,
        timeouts: Timeouts | None = None,
        told: Told = lambda group, seconds: None,
        answered: Answered = lambda group: None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeouts = timeouts or Timeouts()
        self.most_at_once = MOST_AT_ONCE if transport is None else 1
        self._is_remote = transport is None
        self._redact = make_redactor([api_key])
        self._told = told
        self._answered = answered
        self._tls: ssl.SSLContext | bool | None = None
        self._make_client = partial(self._client_of, api_key, transport)
        self._lines: list[_Line] = []
        self._idle = [self._open_line()]

    def _open_line(self) -> _Line:
        try:
            line = _Line(self._make_client(), Guard(self._timeouts.answer))
        # The environment decides what this raises: ImportError for a SOCKS proxy without socksio, FileNotFoundError
        # for SSL_CERT_FILE, InvalidURL for a network in NO_PROXY, ValueError for a proxy of an unknown scheme.
        except Exception as error:
            raise NotSent(
                self._say(
                    f"{self.base_url}: no HTTP client can be made ({type(error).__name__}: {error}): "
                    f"look at ALL_PROXY, HTTPS_PROXY, HTTP_PROXY, NO_PROXY and SSL_CERT_FILE in the environment"
                ),
                permanent=True,
            ) from error
        self._lines.append(line)
        return line

    def close(self) -> None:
        """Close what is open."""
        for line in self._lines:
            line.client.close()

    @contextmanager
    def _line(self) -> Iterator[_Line]:
        try:
            line = self._idle.pop()
        except IndexError:
            line = self._open_line()
        try:
            yield line
        finally:
            self._idle.append(line)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Mapping[str, Any] | None = None,
        upload: Upload | None = None,
        idempotency_key: str = "",
        expect: str = "id",
        zipped: bool = False,
    ) -> Answer:
        """Send a request and return its answer.

        :param path: below the base address, beginning with ``/``.
        :param expect: a name that the answer's JSON object must have: ``id``, ``data``, ``total``; empty for none.
        :param zipped: compress the JSON, where it is worth it and goes over a network.
        :raises DeliveryError: one of its four kinds, with the endpoint group.
        """
        group = group_of(method, path)
        try:
            answer = self._request(method, path, params, json, upload, idempotency_key, expect, zipped)
        except DeliveryError as error:
            error.group = group
            raise
        self._answered(group)
        if (wait := wait_when_used_up(answer.headers)) is not None:
            self._told(group, wait)
        return answer

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        json: Mapping[str, Any] | None,
        upload: Upload | None,
        idempotency_key: str,
        expect: str,
        zipped: bool,
    ) -> Answer:
        where = f"{method} {self.base_url}{path}"
        with self._line() as line, ExitStack() as stack:
            guard = line.guard
            try:
                request = self._build(line.client, stack, method, path, params, json, upload, idempotency_key, zipped)
            except (OSError, ValueError, TypeError, RecursionError, httpx.InvalidURL) as error:
                raise NotSent(
                    self._say(f"{where}: cannot be sent ({type(error).__name__}: {error})"), permanent=True
                ) from error
            guard.begin()
            request.extensions["trace"] = guard.trace
            stack.callback(guard.stop)
            try:
                response = line.client.send(request, stream=True)
                stack.callback(_let_go, response)
                body = self._read(response)
            # Not only httpx's own errors come through: a host name that cannot be encoded raises UnicodeError.
            except Exception as error:
                raise self._map(error, where, upload, has_cut=guard.has_cut) from error
        return self._judge(where, response.status_code, response.headers, body, expect)

    def _client_of(self, api_key: str, transport: BaseTransport | None) -> httpx.Client:
        headers = {"User-Agent": f"pytest-platform-report/{__version__}", "Accept": "application/json"}
        if api_key:
            headers["X-API-Key"] = api_key
        timeouts = self._timeouts
        if self._tls is None:
            self._tls = httpx.create_ssl_context() if _needs_tls(self.base_url) else False
        return httpx.Client(
            headers=headers,
            transport=transport,
            mounts=None if transport else _direct(self.base_url),
            verify=self._tls,
            follow_redirects=False,
            timeout=httpx.Timeout(timeouts.read, connect=timeouts.connect, write=timeouts.write),
            # Servers close idle connections, Node's after 5 s, and a request that meets the close has no known outcome.
            limits=httpx.Limits(keepalive_expiry=2.0),
        )

    def _build(
        self,
        client: httpx.Client,
        stack: ExitStack,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        json: Mapping[str, Any] | None,
        upload: Upload | None,
        idempotency_key: str,
        zipped: bool,
    ) -> Request:
        url = self.base_url + path
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        if upload is not None:
            parts: dict[str, Any] = {name: (None, value) for name, value in upload.fields.items()}
            if upload.path is not None:
                parts["file"] = (upload.name, stack.enter_context(upload.path.open("rb")), upload.mime)
            return client.build_request(method, url, headers=headers, files=parts)
        if json is None:
            return client.build_request(method, url, headers=headers, params=params)
        # Not httpx's json=, which raises for a lone surrogate: one odd character would cost the whole result.
        text = json_module.dumps(json, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        headers["Content-Type"] = "application/json"
        content = text.encode("utf-8", "replace")
        if zipped and self._is_remote and len(content) >= _LEAST_ZIPPED:
            headers["Content-Encoding"] = "gzip"
            content = gzip.compress(content, 1, mtime=0)  # without the time: sent again, it is the same
        return client.build_request(method, url, headers=headers, content=content)

    def _read(self, response: Response) -> bytes:
        if 200 <= response.status_code < 300:
            return b"".join(self._bounded(response, LARGEST_ANSWER))
        parts: list[bytes] = []
        try:
            for part in self._bounded(response, LARGEST_ERROR):
                parts.append(part)
        except httpx.HTTPError:
            pass  # the status is the answer; its text is cut, too slow or too long
        return b"".join(parts)

    def _bounded(self, response: Response, largest: int) -> Iterator[bytes]:
        # Each piece that comes in starts httpx's read timeout anew, so a trickle would hold us for ever.
        deadline = time.monotonic() + self._timeouts.answer
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > largest:
                raise httpx.DecodingError(f"an answer of more than {largest:,} bytes", request=response.request)
            if time.monotonic() > deadline:
                raise ReadTimeout(f"no whole answer in {self._timeouts.answer:g} s", request=response.request)
            yield part

    def _map(self, error: Exception, where: str, upload: Upload | None, *, has_cut: bool) -> DeliveryError:
        if has_cut:
            return OutcomeUnknown(self._say(f"{where}: no whole answer in {self._timeouts.answer:g} s"))
        cause = brief(str(error), MESSAGE)
        found = f"{type(error).__name__}: {cause}" if cause else type(error).__name__
        certificate = _find_cause(error, ssl.SSLCertVerificationError)
        if certificate is not None:
            message = (
                f"{where}: the platform's TLS certificate is not trusted ({certificate}): "
                f"set SSL_CERT_FILE to a file with the certificates of its issuer"
            )
            return NotSent(self._say(message), permanent=True)
        if isinstance(error, _NOT_SENT):
            return NotSent(self._say(f"{where}: not sent ({found})"))
        bad_name = isinstance(error, UnicodeError) and not isinstance(error, UnicodeDecodeError)
        if bad_name or isinstance(error, _NOT_SENDABLE):
            return NotSent(self._say(f"{where}: cannot be sent ({found})"), permanent=True)
        if upload is not None and isinstance(error, OSError):
            return NotSent(self._say(f"{where}: {upload.path} cannot be read ({found})"), permanent=True)
        return OutcomeUnknown(self._say(f"{where}: no usable answer ({found})"))

    def _judge(self, where: str, status: int, headers: Mapping[str, str], body: bytes, expect: str) -> Answer:
        headers = {name.lower(): value for name, value in headers.items()}
        if not 200 <= status < 300:
            raise error_of_answer(status, headers, body, where, self._redact)
        try:
            parsed = json_module.loads(body)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict) or (expect and not isinstance(parsed.get(expect), _SHAPES[expect])):
            wanted = f"JSON with {expect!r}" if expect else "JSON"
            raise OutcomeUnknown(
                self._say(
                    f"{where}: answered {status} with {headers.get('content-type') or 'no content type'} "
                    f"where {wanted} was expected: {quote_body(body)}; is PLATFORM_URL the platform's own address?"
                ),
                misconfigured=True,
            )
        return Answer(status, headers, parsed)

    def _say(self, message: str) -> str:
        return self._redact(message)


def _direct(base_url: str) -> dict[str, BaseTransport | None]:
    """Return the routes around a proxy: HTTP_PROXY must not catch what goes to this very machine."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or host.startswith("127."):
        return {f"all://{host}": None}
    return {"all://[::1]": None} if host == "::1" else {}


def _let_go(response: Response) -> None:
    response.close()
    # Its own refers to the response: with what was sent, both would be there until garbage is looked for.
    response.stream = httpx.ByteStream(b"")


def _needs_tls(base_url: str) -> bool:
    """Tell whether a certificate can have to be verified: to load those of all issuers takes 70 ms."""
    return any(urlsplit(url).scheme == "https" for url in (base_url, *getproxies().values()))


def _find_cause(error: BaseException | None, kind: type[Exception]) -> BaseException | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error
