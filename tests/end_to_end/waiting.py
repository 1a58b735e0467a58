"""Wait for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE = 60.0
_LOOK_SECONDS = 0.01

T = TypeVar("T")


def wait_for(condition: Callable[[], T], what: str, deadline: float = DEADLINE) -> T:
    """Return what *condition* returns once that is true."""
    end = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < end, f"in {deadline:g} s it did not happen that {what}"
        time.sleep(_LOOK_SECONDS)
    return found
