"""The tree of errors, as its docstring draws it."""

from __future__ import annotations

import errno
import inspect
import re
import sqlite3

import pytest

from pytest_platform_report import errors
from pytest_platform_report.errors import (
    Busy,
    DeliveryError,
    NewerFormatError,
    NotSent,
    OutcomeUnknown,
    PlatformReportError,
    Refused,
    lacks_room,
)

ALL = {name: each for name, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__}


def test_docstring_draws_the_tree() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for indent, name in re.findall(r"^ {4}([ │├└─]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(indent) // 4
        path = [*path[:depth], name]
        drawn[name] = path[-2] if depth else "Exception"
    assert drawn == {name: each.__mro__[1].__name__ for name, each in ALL.items()}


def test_all_are_ours() -> None:
    assert all(issubclass(each, PlatformReportError) for each in ALL.values())


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (NotSent("no connection"), False),
        (NotSent("no address", permanent=True), True),
        (OutcomeUnknown("no answer"), False),
        (OutcomeUnknown("HTML", misconfigured=True), True),
        (Busy("later", 429), False),
        (Refused("no", 400), True),
    ],
)
def test_whether_another_try_may_help(error: DeliveryError, permanent: bool) -> None:
    assert error.permanent is permanent


def test_facts_ride_on_the_error() -> None:
    assert (Busy("later", 429, 1.5).status, Busy("later", 429, 1.5).wait, Busy("later", 503).wait) == (429, 1.5, None)
    assert (Refused("no", 400, "VALIDATION_ERROR").status, Refused("no", 400).code) == (400, "")
    newer = NewerFormatError("/a.jsonl", 7, 1)
    assert (newer.path, newer.found, newer.known) == ("/a.jsonl", 7, 1)


def test_full_disk_is_found_below_what_came_of_it() -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("PRAGMA max_page_count=1")
    with pytest.raises(sqlite3.OperationalError) as full:
        database.execute("CREATE TABLE a(b)")
    database.close()
    above = NotSent("the platform cannot start")
    above.__cause__ = full.value
    assert lacks_room(above)
    assert lacks_room(OSError(errno.ENOSPC, "No space left on device"))
    assert not lacks_room(OSError(errno.EACCES, "Permission denied"))
    assert not lacks_room(NotSent("no connection"))
