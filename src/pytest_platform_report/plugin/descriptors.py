"""How many files this process may have open, which tests limit and do not always restore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..native import native


def _limits() -> tuple[int, int]:
    return native.getrlimit(native.NOFILE) if native.getrlimit else (0, 0)


_soft, _hard = _limits()


@contextmanager
def raised_limit() -> Iterator[None]:
    """Raise the limit of open files as far as this process may, for as long as the context lasts."""
    if native.setrlimit is None:
        yield
        return
    found = _limits()
    # A privileged process may also raise the hard one; some systems have one that no soft one may reach.
    for limits in ((_hard, _hard), (found[1], found[1]), (_soft, found[1])):
        try:
            native.setrlimit(native.NOFILE, limits)
            break
        except (OSError, ValueError):
            continue
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            native.setrlimit(native.NOFILE, found)
