"""What is told of a test when it begins: its place and names, and what its markers and parameters say."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from operator import is_
from typing import Any

import pytest

from ..journal import records
from ..journal.records import Record
from ..native import native, to_json
from ..notes import Notes
from ..redact import Redactor
from ..text import MESSAGE_LIMIT, NAME_LIMIT, shorten, shorten_name
from . import allure_marks
from .comparison import show
from .places import Places
from .titles import hide_addresses, title_of

PARAMETER_LIMIT = 240
_SHORT_TEXT = 20  # each character may be shown by ten
_SHORT_NUMBER = 10**20
_KNOWN_PARAMETERS = 1024
_PREPARED_AT_ONCE = 64
_Function, _PARENTS = pytest.Function, (pytest.Module, pytest.Class)
_NO_TAGS = frozenset(("parametrize", "usefixtures", "filterwarnings", "skip", "skipif", "xfail")) | allure_marks.MARKS


class Describer:
    """Describes the tests of this process.

    :param worker: the xdist worker's name, empty in a plain session.
    :param counts: whether a test may be executed several times, so that the executions are counted.
    """

    def __init__(self, redact: Redactor, worker: str, *, counts: bool) -> None:
        self._redact = redact
        self._worker = [{"type": "worker", "description": worker}] if worker else []
        self._executions: Counter[str] | None = Counter() if counts else None
        self._worker_as_json = [to_json(annotation) for annotation in self._worker]
        self._parameter_as_json = lru_cache(_KNOWN_PARAMETERS)(self._encode_parameter)
        self._places = Places()
        # What the tests of one class or module have in common, of which one follows another, or those of one function.
        self._parent: object = None
        self._marks_above: list[list[pytest.Mark]] = []
        self._suites: list[str] = []
        self._file = ("", "")
        self._common = ""
        self._before, self._before_as_json, self._is_harmless = "", "", False
        self._marks: list[pytest.Mark] = []
        self._marks_as_json = ("[]", "")
        # Tests that are about to begin, the next one last: with what its parts were made of, and these.
        self._prepared: list[tuple[pytest.Item, int, list[list[pytest.Mark]], int, records.Parts]] = []

    def begun(self, number: int, item: pytest.Item, at: int) -> Record:
        """Return the ``began`` record of a test."""
        file, line, _ = self._places.of(item)
        self._enter(item.parent, file)
        node, title = self._name(item)
        annotations = self._annotations(item)
        told = self.read(self._marks_of(item))
        line = None if line is None else line + 1
        annotations += told.annotations
        return records.began(number, node, self._file[1], line, self._suites, title, at, told.tags, annotations)

    def parts(self, item: pytest.Item, place: int) -> records.Parts | None:
        """Return what the line of that record is made of; None where it takes the whole record.

        :param place: that of the test in the session, where tests run in that order.
        """
        if not self._prepared:
            items = item.session.items
            if place < len(items) and items[place] is item:
                self._prepare(items[place : place + _PREPARED_AT_ONCE])
        if self._prepared:
            prepared, own, above, number_above, parts = self._prepared.pop()
            if prepared is not item:
                self._prepared.clear()
            elif len(item.own_markers) == own and sum(map(len, above)) == number_above:
                return parts
        return self._parts_of(item)

    def _prepare(self, items: Sequence[pytest.Item]) -> None:
        """Prepare tests that follow each other: what is done in a row takes half the time.

        Only where nothing of the user's is called for it, and nothing will have changed until they begin.
        """
        for item in items:
            if type(item) is not _Function or type(item.parent) not in _PARENTS or not self._places.is_fixed(item):
                break
            called = getattr(item, "callspec", None)
            if called is not None and not all(map(_is_short, called.params.values())):
                break
            try:
                parts = self._parts_of(item)
            except Exception:  # of a test that may never begin; if it does, that is met again
                break
            if parts is None:
                break
            above = self._marks_above
            self._prepared.append((item, len(item.own_markers), above, sum(map(len, above)), parts))
        self._prepared.reverse()

    def _parts_of(self, item: pytest.Item) -> records.Parts | None:
        name = item.name
        if self._executions is not None or not self._is_plain(item.nodeid, name):
            return None
        file, line, _ = self._places.of(item)
        if item.parent is not self._parent or file != self._file[0]:
            self._enter(item.parent, file)
        annotations = self._worker_as_json
        called = getattr(item, "callspec", None)
        if "[" in name:
            name = native.quote(name)[1:-1]
        if called is not None:
            told = [self._parameter_as_json(f"{key}={_show(value)}") for key, value in called.params.items()]
            annotations = [*annotations, *told]
        tags = "[]"
        if item.own_markers or any(self._marks_above):
            tags, marked = self._encode_marks(self._marks_of(item))
            if marked:
                annotations = [*annotations, marked]
        line = None if line is None else line + 1
        as_json = f"[{','.join(annotations)}]" if annotations else "[]"
        return records.begun_parts(self._before_as_json, name, self._common, line, tags, as_json)

    def _marks_of(self, item: pytest.Item) -> list[pytest.Mark]:
        """Return the item's markers, those closest to it first."""
        marks = [*item.own_markers]
        for above in self._marks_above:
            if above:
                marks += above
        return marks

    def _encode_marks(self, marks: list[pytest.Mark]) -> tuple[str, str]:
        """Return the tags and the annotations that markers tell as JSON, the latter without the brackets."""
        if len(marks) != len(self._marks) or not all(map(is_, marks, self._marks)):
            told = self.read(marks)
            self._marks, self._marks_as_json = marks, (to_json(told.tags), to_json(told.annotations)[1:-1])
        return self._marks_as_json

    def _encode_parameter(self, text: str) -> str:
        return f'{{"type":"parameter","description":{native.quote(self._redact(text))}}}'

    def _enter(self, parent: Any, file: str) -> None:
        """Take up what the tests that are defined in *file*, below *parent*, have in common."""
        if parent is self._parent and file == self._file[0]:
            return
        above = parent.listchain()
        self._parent, self._marks_above = parent, [each.own_markers for each in reversed(above)]
        self._suites = _name_suites(above)
        self._file = file, self._redact(file.replace(os.sep, "/"))
        self._common = records.place_of(self._file[1], self._suites)

    def _is_plain(self, node: str, name: str) -> bool:
        """Tell whether neither the test's name nor what stands before it is to be masked, changed or cut."""
        before = node[: -len(name)]
        if before != self._before:
            self._before, self._before_as_json = before, native.quote(before)[1:-1]
            self._is_harmless = before.endswith("::") and self._redact(before) == before
        return self._is_harmless and len(node) <= NAME_LIMIT and "0x" not in name and self._redact.leaves(node, name)

    def _name(self, item: pytest.Item) -> tuple[str, str]:
        """Return the names that the test has for pytest and for people."""
        node, name = item.nodeid, item.name
        if self._is_plain(node, name):
            return node, name
        return shorten_name(self._redact(node)), shorten_name(self._redact(title_of(item)))

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
        annotations: list[Record] = [*self._worker]
        if self._executions is not None:
            self._executions[item.nodeid] += 1
            annotations.append({"type": "execution", "description": str(self._executions[item.nodeid])})
        called = getattr(item, "callspec", None)
        if called is None:
            return annotations
        for name, value in called.params.items():
            annotations.append({"type": "parameter", "description": self._redact(f"{name}={_show(value)}")})
        return annotations


def as_text(value: object) -> str:
    """Return text as it is, and any other value as pytest shows it, without the address that another session lacks."""
    return value if isinstance(value, str) else _show(value)


def _show(value: object) -> str:
    if _is_short(value):
        return hide_addresses(repr(value))  # which is what comes of the other way, too
    return hide_addresses(show(value, PARAMETER_LIMIT))


def _is_short(value: object) -> bool:
    """Tell whether pytest shows the whole of a value, which is of no class of the user's."""
    kind = type(value)
    if value is None or kind is bool:
        return True
    if kind is str:
        return len(value) <= _SHORT_TEXT  # type: ignore[arg-type]  # it is one
    return kind is float or (kind is int and -_SHORT_NUMBER < value < _SHORT_NUMBER)  # type: ignore[operator]  # so is it


def _name_suites(parents: Sequence[object]) -> list[str]:
    """Return the suites of what is inside of these: from the module to the innermost class."""
    suites: list[str] = []
    for node in parents:
        if isinstance(node, pytest.File):
            suites.append(node.path.stem)
        elif isinstance(node, pytest.Class):
            suites.append(node.name)
    return suites
