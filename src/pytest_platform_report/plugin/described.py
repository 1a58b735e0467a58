"""What is told of a test when it begins: its place and names, and what its markers and parameters say."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

import pytest

from ..journal import records
from ..journal.records import Record
from ..notes import Notes
from ..redact import Redact
from ..text import MESSAGE_LIMIT, shorten, shorten_name
from . import allure_marks
from .comparison import show
from .titles import hide_addresses, title_of

PARAMETER_LIMIT = 240
_NO_TAGS = frozenset(("parametrize", "usefixtures", "filterwarnings", "skip", "skipif", "xfail")) | allure_marks.MARKS


class Describer:
    """Describes the tests of this process.

    :param worker: the xdist worker's name, empty in a plain session.
    """

    def __init__(self, redact: Redact, worker: str) -> None:
        self._redact = redact
        self._worker = worker
        self._executions: Counter[str] = Counter()
        self._parent: object = None
        self._suites: list[str] = []

    def begun(self, number: int, item: pytest.Item, at: float) -> Record:
        """Return the ``began`` record of a test."""
        if item.parent is not self._parent:
            self._parent, self._suites = item.parent, _name_suites(item)
        file, line, _ = item.location
        told = self.read(list(item.iter_markers()))
        return records.began(
            number,
            shorten_name(self._redact(item.nodeid)),
            self._redact(file.replace(os.sep, "/")),
            None if line is None else line + 1,
            self._suites,
            shorten_name(self._redact(title_of(item))),
            round(at, 2),
            told.tags,
            [*self._annotations(item), *told.annotations],
        )

    def read(self, markers: Sequence[pytest.Mark]) -> Notes:
        """Return what markers tell: their names as tags, and what those of allure's decorators say."""
        told = Notes(self._redact)
        for marker in markers:
            if marker.name not in _NO_TAGS:
                told.add_tag(marker.name)
        allure_marks.tell(told, markers)
        return told

    def properties(self, item: pytest.Item) -> list[Record]:
        """Return what ``record_property`` told, as annotations."""
        return [
            {
                "type": shorten_name(self._redact(str(name))),
                "description": shorten(self._redact(as_text(value)), MESSAGE_LIMIT),
            }
            for name, value in item.user_properties
        ]

    def _annotations(self, item: pytest.Item) -> list[Record]:
        """Return what tells this execution from others, and the item's parameters."""
        annotations: list[Record] = []
        if self._worker:
            annotations.append({"type": "worker", "description": self._worker})
        if item.config.getoption("keepduplicates", False):
            self._executions[item.nodeid] += 1
            annotations.append({"type": "execution", "description": str(self._executions[item.nodeid])})
        called = getattr(item, "callspec", None)
        for name, value in called.params.items() if called is not None else ():
            annotations.append({"type": "parameter", "description": self._redact(f"{name}={_show(value)}")})
        return annotations


def as_text(value: object) -> str:
    """Return text as it is, and any other value as pytest shows it, without the address that another session lacks."""
    return value if isinstance(value, str) else _show(value)


def _show(value: object) -> str:
    return hide_addresses(show(value, PARAMETER_LIMIT))


def _name_suites(item: pytest.Item) -> list[str]:
    """Return the item's suites, from its module to its innermost class."""
    suites: list[str] = []
    for node in item.listchain()[:-1]:
        if isinstance(node, pytest.File):
            suites.append(node.path.stem)
        elif isinstance(node, pytest.Class):
            suites.append(node.name)
    return suites
