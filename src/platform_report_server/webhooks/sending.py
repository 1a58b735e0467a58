"""One request to an address that somebody gave: the address that was checked is the one that is connected to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from platform_report_server.ingest.deliveries import Outcome
from platform_report_server.reach import Reach

if TYPE_CHECKING:
    import httpx

PATIENCE_SECONDS = 10.0

_TIMEOUTS = {"connect": 4.0, "read": PATIENCE_SECONDS, "write": PATIENCE_SECONDS, "pool": PATIENCE_SECONDS}
_MOST_ADDRESSES = 4
_READ = 4096
_TOLD = 300

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host, once."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system for a host's addresses."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Sender:
    """Sends requests: no redirects, no proxies, nothing that is not public unless it is within reach."""

    def __init__(self, reach: Reach, resolve: Resolve = resolve, patience: float = PATIENCE_SECONDS) -> None:
        self._reach = reach
        self._resolve = resolve
        self._patience = patience
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """POST a body; wait for a success for some seconds."""
        try:
            return await asyncio.wait_for(self._send(url, headers, body), self._patience)
        except asyncio.TimeoutError:
            return Outcome(f"no answer within {self._patience:g} s")
        except _Refused as refused:
            return refused.outcome

    async def close(self) -> None:
        """Close what is open."""
        if self._transport is not None:
            await self._transport.aclose()

    async def _send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        import httpx

        place = _place(url)
        unreachable: Exception | None = None
        for address in await self._addresses(place):
            try:
                return await self._post(place, address, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                unreachable = error  # nothing was sent
            except (httpx.HTTPError, ValueError, OSError) as error:
                return Outcome(_words(error))
        return Outcome(f"no connection to {place.netloc.decode()}: {_words(unreachable)}")

    async def _addresses(self, place: httpx.URL) -> Sequence[str]:
        """Return the host's addresses, all of which are within reach."""
        host, port = place.raw_host.decode("ascii"), place.port or (443 if place.scheme == "https" else 80)
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise _Refused(f"the host {host} cannot be found: {error}") from error
        for address in addresses:
            if not self._reach.allows(host, address):
                raise _Refused(
                    f"the host {host} has the address {address}, which is not public: "
                    "'platform-report serve --webhook-allow' allows a host or a network"
                )
        return addresses[:_MOST_ADDRESSES]

    async def _post(self, place: httpx.URL, address: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        import httpx

        sent = httpx.Headers({"User-Agent": "pytest-platform-report"})
        sent.update(headers)
        sent.update({"Host": place.netloc.decode("ascii"), "Accept-Encoding": "identity"})
        # the certificate is held to the host, not to its address
        extensions = {"sni_hostname": place.raw_host.decode("ascii"), "timeout": _TIMEOUTS}
        request = httpx.Request(
            "POST", place.copy_with(host=address), headers=sent, content=body, extensions=extensions
        )
        self._transport = self._transport or _new_transport()
        response = await self._transport.handle_async_request(request)
        try:
            begun = await _beginning(response)
        finally:
            await response.aclose()
        if response.is_success:
            return Outcome(None, response.status_code, begun)
        also = ": redirects are not followed" if response.has_redirect_location else ""
        return Outcome(f"answered {response.status_code}, expected 200 to 299{also}", response.status_code, begun)


class _Refused(Exception):
    """Carries the outcome of a delivery that is not sent."""

    def __init__(self, words: str, *, is_final: bool = False) -> None:
        super().__init__(words)
        self.outcome = Outcome(words[:_TOLD], is_final=is_final)


def _place(url: str) -> httpx.URL:
    import httpx

    try:
        place = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise _Refused(f"the address cannot be read: {error}", is_final=True) from error
    if place.scheme not in ("http", "https") or not place.raw_host:
        raise _Refused("expected an http or https address", is_final=True)
    return place


def _new_transport() -> httpx.AsyncHTTPTransport:
    """Return what sends requests; a whole client would keep cookies, and log addresses, which may be secrets."""
    import httpx

    # a connection is known by its address here: kept open, it would serve another host of that address
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(verify=ssl.create_default_context(), trust_env=False, limits=limits)


async def _beginning(response: httpx.Response) -> str:
    read = b""
    async for part in response.aiter_raw():
        read += part
        if len(read) >= _READ:
            break
    text = read[:_READ].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text[:_TOLD])


def _words(error: Exception | None) -> str:
    return f"{type(error).__name__}: {error}"[:_TOLD]
