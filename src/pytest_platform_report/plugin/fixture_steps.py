"""Setup and teardown of fixtures as steps."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Generator, Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

import pytest

from ..native import now_ms
from ..recording import Inside, OpenStep, current
from ..redact import Redact
from ..text import shorten_name
from . import allure_marks
from .phases import is_direct_parameter
from .problems import Problems

# What pytest makes of the functions setup_module, setUpClass and their like.
_xunit = re.compile(r"_(?:xunit|unittest)_(set[uU]p_?\w+?)_fixture_").match
_PRIVATE = ("_", "pytestbdd_")
_KNOWN_TITLES = 1024


class FixtureHooks:
    """Opens a step around each fixture's setup, and around its teardown where it has one.

    Fixtures whose names begin with ``_`` are their makers' own business, and so are those that pytest-bdd makes of its
    steps: they are told of only where their setup fails.

    :ivar on_subtests: called when a test comes to have subtests.
    """

    def __init__(self, redact: Redact, guard: Problems) -> None:
        self._guard = guard
        self.on_subtests: Callable[[], None] = lambda: None
        self._title = lru_cache(_KNOWN_TITLES)(lambda *of: shorten_name(redact(_name(*of))))
        self._setups: list[_Setup] = []
        self._torn_down: list[tuple[Callable[..., object], OpenStep]] = []

    # First, so as to end last: allure-pytest reports each finalizer that there is when it ends.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        """Called around a fixture's setup; newer pytest sets up inside it what the fixture asks for."""
        __tracebackhide__ = True  # or each failure of a fixture would show this frame
        if is_direct_parameter(fixturedef) or current.recording is None:
            return (yield)
        setup = self._begin_setup(fixturedef)
        try:
            result = yield
        except BaseException as error:
            self._end_setup(setup, error)
            raise
        self._end_setup(setup, None)
        return result

    def blame(self, error: BaseException) -> None:
        """Say which fixtures' teardowns raised *error*: pytest collects what they raise, and tells of it later."""
        for each in _each_of(error):
            codes = set(_codes_of(each))
            for function, step in self._torn_down:
                code = getattr(inspect.unwrap(function), "__code__", None)
                if code in codes and step.recording is current.recording:
                    step.fail(each)

    def _begin_setup(self, fixturedef: pytest.FixtureDef[object]) -> _Setup | None:
        try:
            if fixturedef.argname == "subtests":
                self.on_subtests()
            setup = _Setup(fixturedef, self._title(fixturedef))
            if setup.entered is not None and self._setups:
                setup.stand_beside(self._setups[-1])
            self._setups.append(setup)
        except Exception as error:
            self._guard(error)
            return None
        return setup

    def _end_setup(self, setup: _Setup | None, error: BaseException | None) -> None:
        if setup is None:
            return
        try:
            self._setups.remove(setup)
            setup.end(error)
            finalizers = _finalizers_of(setup.fixturedef)
            if setup.entered is not None and len(finalizers) > setup.finalizers:
                teardown = _Teardown(setup.fixturedef, self)
                finalizers.insert(0, teardown.end)  # they are called from the last to the first
                setup.fixturedef.addfinalizer(teardown.begin)
        except Exception as problem:
            self._guard(problem)

    def begin_teardown(self, fixturedef: pytest.FixtureDef[object]) -> Inside | None:
        """Begin the step of a fixture's teardown."""
        try:
            entered = Inside(self._title(fixturedef, True), "fixture", is_fit=True)
            if entered.step is not None:
                if self._torn_down and self._torn_down[0][1].recording is not entered.step.recording:
                    self._torn_down.clear()
                self._torn_down.append((fixturedef.func, entered.step))
        except Exception as error:
            self._guard(error)
            return None
        return entered


class _Teardown:
    """A fixture's teardown, which begins with its first finalizer and ends with its last."""

    __slots__ = ("_entered", "_fixturedef", "_hooks")

    def __init__(self, fixturedef: pytest.FixtureDef[object], hooks: FixtureHooks) -> None:
        self._fixturedef = fixturedef
        self._hooks = hooks
        self._entered: Inside | None = None

    def begin(self) -> None:
        self._entered = self._hooks.begin_teardown(self._fixturedef)

    def end(self) -> None:
        if self._entered is not None:
            self._entered.leave(None)


class _Setup:
    """A fixture's setup that has begun; ``entered`` is None where only a failure is of interest."""

    __slots__ = ("asked_by", "begun", "entered", "finalizers", "fixturedef", "title")

    def __init__(self, fixturedef: pytest.FixtureDef[object], title: str) -> None:
        self.fixturedef = fixturedef
        self.begun = now_ms()
        self.finalizers = len(_finalizers_of(fixturedef))
        self.asked_by: _Setup | None = None
        self.title = title
        self.entered = None if title.startswith(_PRIVATE) else Inside(title, "fixture", is_fit=True)

    def stand_beside(self, around: _Setup) -> None:
        """Be before the setup that it is in, where that has only asked for it as an argument and not begun itself."""
        if self.fixturedef.argname not in around.fixturedef.argnames:
            return
        self.asked_by = around
        if self.entered is not None and self.entered.step is not None and around.entered is not None:
            outer = around.entered.step
            if outer is not None and self.entered.step.outer is outer:
                self.entered.step.outer = outer.outer

    def end(self, error: BaseException | None) -> None:
        recording = current.recording
        if self.entered is not None:
            self.entered.leave(error)
        elif error is not None and recording is not None:
            failed = recording.open(self.title, "fixture", self.begun, is_fit=True)
            if failed is not None:
                failed.close(error, now_ms())
        if self.asked_by is not None:
            self.asked_by.begin_again()

    def begin_again(self) -> None:
        self.begun = now_ms()
        if self.entered is not None and self.entered.step is not None:
            self.entered.step.start = self.begun - self.entered.step.recording.start


def _name(fixturedef: pytest.FixtureDef[object], is_teardown: bool = False) -> str:
    """Return the fixture's name and scope: ``db (session)``, ``setup_module (module)``."""
    name = allure_marks.title_of_function(fixturedef.func) or fixturedef.argname
    made = _xunit(name) if name.startswith("_") else None
    if made is not None:
        name = made.group(1)
        if is_teardown:
            name = name.replace("setup", "teardown").replace("setUp", "tearDown")
    return f"{name} ({fixturedef.scope})"


def _finalizers_of(fixturedef: pytest.FixtureDef[object]) -> list[Any]:
    found: list[Any] = getattr(fixturedef, "_finalizers", [])
    return found


def _each_of(error: BaseException) -> Iterator[BaseException]:
    group = getattr(error, "exceptions", None)
    if isinstance(group, tuple):
        for each in group:
            yield from _each_of(each)
    else:
        yield error


def _codes_of(error: BaseException) -> Iterator[CodeType]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame.f_code
        traceback = traceback.tb_next
