"""Setup and teardown of fixtures as steps."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Generator, Iterator
from functools import partial
from types import CodeType
from typing import Any

import _pytest.python
import pluggy
import pytest

from ..native import now_ms
from ..recording import Inside, OpenStep, current
from . import allure_marks
from .problems import Problems

# What pytest makes of the functions setup_module, setUpClass and their like.
_xunit = re.compile(r"_(?:xunit|unittest)_(set[uU]p_?\w+?)_fixture_").match
_PRIVATE = ("_", "pytestbdd_")
_give_parameter = getattr(_pytest.python, "get_direct_param_fixture_func", None)


class FixtureHooks:
    """Opens a step around each fixture's setup, and around its teardown where it has one.

    Fixtures whose names begin with ``_`` are their makers' own business, and so are those that pytest-bdd makes of its
    steps: they are told of only where their setup fails.

    :ivar on_subtests: called when a test comes to have subtests.
    """

    def __init__(self, guard: Problems) -> None:
        self._guard = guard
        self.on_subtests: Callable[[], None] = lambda: None
        self._setups: list[_Setup] = []
        self._teardowns: dict[int, Inside] = {}
        self._torn_down: list[tuple[CodeType, OpenStep]] = []

    # Not a wrapper of the new style: pytest would show its frame in the traceback of each fixture that fails.
    # First, so as to end last: allure-pytest reports each finalizer that there is when it ends.
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, pluggy.Result[object], None]:
        """Called around a fixture's setup; newer pytest sets up inside it what the fixture asks for."""
        setup = None
        try:
            if fixturedef.argname == "subtests":
                self.on_subtests()
            setup = self._begin_setup(fixturedef)
        except Exception as error:
            self._guard(error)
        outcome = yield
        if setup is not None:
            try:
                self._end_setup(setup, outcome.exception)
            except Exception as error:
                self._guard(error)

    @pytest.hookimpl(trylast=True)
    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[object]) -> None:
        """Called when a fixture's teardown is over, and at times when there is none."""
        entered = self._teardowns.pop(id(fixturedef), None)
        if entered is not None:
            entered.leave(None)

    def blame(self, error: BaseException) -> None:
        """Say which fixtures' teardowns raised *error*: pytest collects what they raise, and tells of it later."""
        for each in _each_of(error):
            codes = set(_codes_of(each))
            for code, step in self._torn_down:
                if code in codes and step.recording is current.recording:
                    step.fail(each)

    def _begin_setup(self, fixturedef: pytest.FixtureDef[object]) -> _Setup | None:
        if current.recording is None or fixturedef.func is _give_parameter:
            return None
        setup = _Setup(fixturedef)
        if setup.entered is not None and self._setups:
            setup.stand_beside(self._setups[-1])
        self._setups.append(setup)
        return setup

    def _end_setup(self, setup: _Setup, error: BaseException | None) -> None:
        self._setups.remove(setup)
        setup.end(error)
        fixturedef = setup.fixturedef
        if setup.entered is not None and len(_finalizers_of(fixturedef)) > setup.finalizers:
            fixturedef.addfinalizer(partial(self._begin_teardown, fixturedef))

    def _begin_teardown(self, fixturedef: pytest.FixtureDef[object]) -> None:
        try:
            entered = Inside(_name(fixturedef, is_teardown=True), "fixture")
            if entered.step is None:
                return
            self._teardowns[id(fixturedef)] = entered
            code = getattr(inspect.unwrap(fixturedef.func), "__code__", None)
            self._torn_down = [each for each in self._torn_down if each[1].recording is entered.step.recording]
            if code is not None:
                self._torn_down.append((code, entered.step))
        except Exception as error:
            self._guard(error)


class _Setup:
    """A fixture's setup that has begun; ``entered`` is None where only a failure is of interest."""

    def __init__(self, fixturedef: pytest.FixtureDef[object]) -> None:
        self.fixturedef = fixturedef
        self.begun = now_ms()
        self.finalizers = len(_finalizers_of(fixturedef))
        self.asked_by: _Setup | None = None
        self.title = _name(fixturedef)
        self.entered = None if self.title.startswith(_PRIVATE) else Inside(self.title, "fixture")

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
            failed = recording.open(self.title, "fixture", self.begun)
            if failed is not None:
                failed.close(error, now_ms())
        if self.asked_by is not None:
            self.asked_by.begin_again()

    def begin_again(self) -> None:
        self.begun = now_ms()
        if self.entered is not None and self.entered.step is not None:
            self.entered.step.start = self.begun - self.entered.step.recording.start


def _name(fixturedef: pytest.FixtureDef[object], *, is_teardown: bool = False) -> str:
    """Return the fixture's name and scope: ``db (session)``, ``setup_module (module)``."""
    name = allure_marks.title_of_function(fixturedef.func) or fixturedef.argname
    made = _xunit(name)
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
