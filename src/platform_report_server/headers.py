"""Headers of a request as they came: what is asked of every one of them is not worth an object of its own."""

from __future__ import annotations

from starlette.types import Scope

_BY_NAME = "platform_report.headers"


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header of a name, which is given in lower case."""
    by_name: dict[bytes, bytes] | None = scope.get(_BY_NAME)
    if by_name is None:
        by_name = scope[_BY_NAME] = dict(reversed(scope["headers"]))
    value = by_name.get(name)
    return None if value is None else value.decode("latin-1")


def host_name(scope: Scope) -> str:
    """Return the name, without the port, that the Host header carries, in lower case."""
    return name_in(header(scope, b"host") or "")


def name_in(host: str) -> str:
    """Return the name in a Host header."""
    host = host.lower()
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
