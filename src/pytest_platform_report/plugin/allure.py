"""What suites tell by allure's API, told to us as well.

allure's functions call the hooks of a plugin manager of its own, in the module ``allure_commons``. These hooks join it
when the tests import that module. allure-pytest need not be loaded; where it is, it goes first, and both report.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

import pluggy
import pytest

from .. import notes
from ..artifacts import guess_type
from ..recording import Inside, attach, current
from ..text import show
from . import allure_marks
from .comparison import show as show_value
from .described import PARAMETER_LIMIT
from .imports import ImportWatch
from .keeper import FileKeeper
from .problems import Problems

_ENDINGS = {"plain": "txt", "svg+xml": "svg", "quicktime": "mov"}

P = ParamSpec("P")
R = TypeVar("R")


def _hook(function: Callable[P, R]) -> Callable[P, R | None]:
    """Make a hook of allure's that is called last, and that raises nothing into the test which calls it."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            hooks: Any = args[0]
            hooks.guard(error)
            return None

    return pluggy.HookimplMarker("allure")(trylast=True)(guarded)


class AllureHooks:
    """The hooks of allure's plugin manager.

    :ivar guard: told of each exception of ours.
    :ivar keep_run_file: keeps the files of the run as a whole, once it is known that the session is reported.
    :ivar managers: the managers of allure's that it has joined; none before the tests import allure.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.guard = Problems()
        self.keep_run_file: FileKeeper | None = None
        self._config = config
        self._watch = ImportWatch("allure_commons", self._join)
        self.managers: list[Any] = []
        self._steps: dict[str, list[Inside]] = {}

    def start(self) -> None:
        """Join allure, now or when it is imported."""
        self._watch.start()

    def stop(self) -> None:
        """Leave it."""
        self._watch.stop()
        for manager in self.managers:
            try:
                manager.unregister(self)
            except Exception as error:  # somebody else has
                self.guard(error)
        self.managers.clear()

    def _join(self, module: ModuleType) -> None:
        try:
            module.plugin_manager.register(self)
            self.managers.append(module.plugin_manager)
        except Exception as error:
            self.guard(error)

    def tell_title(self, item: pytest.Item) -> None:
        """Take over the title of a test that has been set up: it may name fixtures, whose values are known then."""
        told, title = notes.current.notes, allure_marks.title_of(item)
        if told is not None and title and not told.title:
            told.set_title(title)

    @_hook
    def decorate_as_title(self, test_title: object) -> Callable[[Any], Any]:
        """Called for ``@allure.title``."""

        def decorate(function: Any) -> Any:
            allure_marks.set_title(function, test_title)
            return function

        return decorate

    @_hook
    def decorate_as_description(self, test_description: object) -> pytest.MarkDecorator:
        """Called for ``@allure.description``."""
        return allure_marks.make_mark(allure_marks.DESCRIPTION, test_description)

    @_hook
    def decorate_as_description_html(self, test_description_html: object) -> pytest.MarkDecorator:
        """Called for ``@allure.description_html``."""
        return allure_marks.make_mark(allure_marks.DESCRIPTION_HTML, test_description_html)

    @_hook
    def decorate_as_label(self, label_type: str, labels: tuple[object, ...]) -> pytest.MarkDecorator:
        """Called for ``@allure.label`` and all that are made of it: ``tag``, ``severity``, ``feature`` and so on."""
        return allure_marks.make_mark(allure_marks.LABEL, *labels, label_type=label_type)

    @_hook
    def decorate_as_link(self, url: str, link_type: str, name: str | None) -> pytest.MarkDecorator:
        """Called for ``@allure.link``, ``@allure.issue`` and ``@allure.testcase``."""
        return allure_marks.make_mark(allure_marks.LINK, url, name=url if name is None else name, link_type=link_type)

    @_hook
    def add_title(self, test_title: str) -> None:
        """Called for ``allure.dynamic.title``."""
        notes.title(test_title)

    @_hook
    def add_description(self, test_description: str) -> None:
        """Called for ``allure.dynamic.description``."""
        notes.annotate("description", test_description)

    @_hook
    def add_description_html(self, test_description_html: str) -> None:
        """Called for ``allure.dynamic.description_html``."""
        notes.annotate("description", test_description_html)

    @_hook
    def add_label(self, label_type: str, labels: tuple[object, ...]) -> None:
        """Called for ``allure.dynamic.label`` and all that are made of it."""
        told = notes.current.notes
        if told is not None:
            for value in labels:
                allure_marks.tell_label(told, label_type, value)

    @_hook
    def add_link(self, url: str, link_type: str, name: str | None) -> None:
        """Called for ``allure.dynamic.link`` and its kin."""
        notes.annotate(link_type, notes.describe_link(self._full_address(url, link_type), name))

    @_hook
    def add_parameter(self, name: str, value: object, mode: Any) -> None:
        """Called for ``allure.dynamic.parameter``."""
        mode = getattr(mode, "value", mode)
        if mode != "hidden":
            shown = "******" if mode == "masked" else show_value(value, PARAMETER_LIMIT)
            notes.annotate("parameter", f"{show(name)}={shown}")

    @_hook
    def start_step(self, uuid: str, title: object) -> None:
        """Called when a step begins; a step that is entered again inside itself has one uuid."""
        self._steps.setdefault(uuid, []).append(Inside(show(title)))

    @_hook
    def stop_step(self, uuid: str, exc_val: BaseException | None) -> None:
        """Called when a step is over."""
        opened = self._steps.get(uuid, [])
        with suppress(IndexError):  # threads may share one
            opened.pop().leave(exc_val)
        if not opened:
            self._steps.pop(uuid, None)

    @_hook
    def attach_data(self, body: object, name: object, attachment_type: object, extension: object) -> None:
        """Called for ``allure.attach``."""
        attach(_as_bytes(body), _name_file(name, attachment_type, extension))

    @_hook
    def attach_file(self, source: Any, name: object, attachment_type: object, extension: object) -> None:
        """Called for ``allure.attach.file``."""
        attach(source, _name_file(_or_own(name, source), attachment_type, extension))

    @_hook
    def global_attach_data(self, body: object, name: object, attachment_type: object, extension: object) -> None:
        """Called for ``allure.global_attach``: the file is the run's."""
        self._keep_run_file(_as_bytes(body), _name_file(name, attachment_type, extension))

    @_hook
    def global_attach_file(self, source: Any, name: object, attachment_type: object, extension: object) -> None:
        """Called for ``allure.global_attach.file``."""
        self._keep_run_file(source, _name_file(_or_own(name, source), attachment_type, extension))

    def _keep_run_file(self, source: Any, name: str) -> None:
        if self.keep_run_file is not None and current.keep_file is not None:  # there is no run before the first test
            self.keep_run_file(source, name, None)

    def _full_address(self, url: str, link_type: str) -> str:
        """Return what allure-pytest's option ``--allure-link-pattern`` makes of a short link."""
        try:
            patterns = dict(getattr(self._config.option, "allure_link_pattern", ()))
            return str(patterns.get(link_type, "{}").format(url))
        except Exception:  # a wrong pattern is no reason to lose the link
            return url


def _as_bytes(body: object) -> bytes:
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    return show(body).encode("utf-8", "backslashreplace")


def _or_own(name: object, source: object) -> object:
    return show(source).replace(os.sep, "/").rpartition("/")[2] if name is None else name


def _name_file(name: object, type_: object, extension: object) -> str:
    """Return the name of a file, with the ending that tells of which type it is: allure's names are for people."""
    shown = "attachment" if name is None else show(name)
    if isinstance(type_, str):
        subtype = type_.rpartition("/")[2]
        extension = extension or _ENDINGS.get(subtype, subtype if subtype.isalnum() else None)
    ending = show(getattr(type_, "extension", None) or extension or "").lstrip(".")
    if not ending or shown.lower().endswith(f".{ending.lower()}"):
        return shown
    full = f"{shown}.{ending}"
    return shown if guess_type(shown) == guess_type(full) != "attachment" else full
