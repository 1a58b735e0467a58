"""Where tests are defined: what pytest tells with each test, and to find which costs more than to record the test."""

from __future__ import annotations

import inspect
import os
from functools import cached_property
from types import CodeType, FunctionType, MethodType

import pytest

_Function = pytest.Function

Place = tuple[str, int | None, str]
"""The file, relative to the root folder; the line, counted from 0; and the names inside of the module."""


class Places:
    """Knows the places of tests, those in one file at a time: pytest has to find the file for the first of them.

    Each test is given the place that pytest would have found, so that it need not. Where a plugin has a say in that, or
    the test is of another kind than plain functions, pytest is left to find it.
    """

    def __init__(self) -> None:
        self._reportinfo: object = _Function.reportinfo
        self._location: object = _Function.location
        self._is_pytests = (
            _is_of(self._reportinfo, "_pytest.python")
            and isinstance(self._location, cached_property)
            and _is_of(self._location.func, "_pytest.nodes")
        )
        self._source = self._file = ""
        self._parent: object = None
        self._names_above = ""

    def of(self, item: pytest.Item) -> Place:
        """Return the place of a test."""
        code = self._code_of(item)
        if code is None or type(item) is not _Function or "location" in vars(item):
            return item.location
        if code.co_filename != self._source:
            place = item.location
            if os.path.isabs(code.co_filename):
                self._source, self._file = code.co_filename, place[0]
            return place
        if item.parent is not self._parent:
            self._parent, self._names_above = item.parent, item.getmodpath()[: -len(item.name)]
        place = self._file, code.co_firstlineno - 1, self._names_above + item.name
        item.location = place
        return place

    def is_fixed(self, item: pytest.Item) -> bool:
        """Tell whether a test's place is the same wherever the process is, so that it may be found before its time."""
        code = self._code_of(item)
        return code is not None and os.path.isabs(code.co_filename)

    def _code_of(self, item: pytest.Item) -> CodeType | None:
        """Return the code that pytest finds a test's place by; None where it finds that otherwise."""
        if type(item) is not _Function or not self._is_pytests or "reportinfo" in vars(item):
            return None
        if _Function.reportinfo is not self._reportinfo or _Function.location is not self._location:
            return None
        function: object = item.obj
        if hasattr(function, "__wrapped__"):
            function = inspect.unwrap(function)  # type: ignore[arg-type]  # mypy does not look into hasattr
        if type(function) is MethodType:
            function = function.__func__
        return function.__code__ if type(function) is FunctionType and not hasattr(function, "place_as") else None


def _is_of(function: object, module: str) -> bool:
    """Tell whether a function is a module's own, and not one that was made to look like it."""
    return bool(getattr(function, "__globals__", {}).get("__name__") == module)
