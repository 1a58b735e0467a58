"""Where tests are defined: what pytest tells with each test, and to find which costs more than to record the test."""

from __future__ import annotations

import inspect
import os
from types import CodeType, FunctionType, MethodType

import pytest

_Function = pytest.Function

Place = tuple[str, int | None, str]
"""The file, relative to the root folder; the line, counted from 0; and the names inside of the module."""


class Places:
    """Knows the places of tests, those in one file at a time: pytest has to find the file for the first of them.

    Each test is given the place that pytest would have found, so that it need not.
    """

    def __init__(self) -> None:
        self._source = self._file = ""
        self._parent: object = None
        self._names_above = ""

    def of(self, item: pytest.Item) -> Place:
        """Return the place of a test."""
        if type(item) is not _Function or "location" in vars(item):
            return item.location
        code = _code_of(item.obj)
        if code is None:
            return item.location
        line = code.co_firstlineno - 1
        if code.co_filename != self._source:
            place = item.location
            if place[1:] == (line, item.getmodpath()) and os.path.isabs(code.co_filename):
                self._source, self._file = code.co_filename, place[0]
            return place
        if item.parent is not self._parent:
            self._parent, self._names_above = item.parent, item.getmodpath()[: -len(item.name)]
        place = self._file, line, self._names_above + item.name
        item.location = place
        return place


def is_fixed(item: pytest.Function) -> bool:
    """Tell whether the place of a test is the same wherever the process is, so that it may be found before its time."""
    code = _code_of(item.obj)
    return code is not None and os.path.isabs(code.co_filename)


def _code_of(function: object) -> CodeType | None:
    """Return the code that pytest takes a test's place from; None where it takes it from something else."""
    if hasattr(function, "__wrapped__"):
        function = inspect.unwrap(function)  # type: ignore[arg-type]  # mypy does not look into hasattr
    if type(function) is MethodType:
        function = function.__func__
    return function.__code__ if type(function) is FunctionType and not hasattr(function, "place_as") else None
