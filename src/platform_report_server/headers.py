"""Headers of a request as they came: what is asked of every one of them is not worth an object of its own."""

from __future__ import annotations

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header of a name, which is given in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            told: str = value.decode("latin-1")
            return told
    return None
