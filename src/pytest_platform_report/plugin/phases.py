"""Tell in which phases of a test nothing but pytest's own code runs: no test can die there, so no record tells of them.

Where another plugin, or a ``conftest.py``, has a hook around the phases, each of them may run code of the user's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import _pytest.python
import pytest

_HOOKS = (
    "pytest_runtest_protocol",
    "pytest_runtest_logstart",
    "pytest_runtest_setup",
    "pytest_runtest_makereport",
    "pytest_runtest_logreport",
    "pytest_runtest_teardown",
)
_FIXTURE_HOOKS = ("pytest_fixture_setup", "pytest_fixture_post_finalizer")
_Function = pytest.Function
_ALONE = ("_pytest", "pytest_platform_report", "xdist")
_ALONE_WITH_PARAMETERS = (*_ALONE, "anyio")  # which is there wherever we are, and has a say in coroutines only
_give_parameter = getattr(_pytest.python, "get_direct_param_fixture_func", None)


def is_direct_parameter(fixturedef: pytest.FixtureDef[Any]) -> bool:
    """Tell whether a fixture is what pytest makes of a parameter of the test's."""
    return fixturedef.func is _give_parameter


def is_of_others(
    config: pytest.Config, name: str, *, with_wrappers: bool = True, known: tuple[str, ...] = _ALONE
) -> bool:
    """Tell whether another plugin than those that run and report tests as pytest does implements a hook."""
    return any(
        str(getattr(each.function, "__module__", "")).partition(".")[0] not in known
        for each in getattr(config.hook, name).get_hookimpls()
        if with_wrappers or not (each.wrapper or each.hookwrapper)
    )


class Phases:
    """Knows of the running test which of its phases are pytest's own.

    :ivar is_set_up: whether nothing is left for its setup to do, so that it begins with its call.
    :ivar is_followed: whether nothing but pytest's own code runs between it and the next test.
    """

    def __init__(self) -> None:
        self.is_set_up = False
        self.is_followed = False
        self._is_in_a_row = False  # workers of xdist wait between tests until they are told of another one
        self._is_alone = self._is_alone_with_parameters = False
        self._is_bare = False  # whether it has no fixtures but its parameters
        self._parameters = 0
        self._asked: tuple[object, bool] = (None, False)
        self._stack: Mapping[object, tuple[Sequence[object], object]] = {}  # pytest's own: what is set up
        self._next: object = None  # a test below nodes that are set up, and that stay so until it runs

    def look(self, session: pytest.Session) -> None:
        """Look at who has a say in the phases; to be called when all plugins are there."""
        config = session.config
        has_nose = config.pluginmanager.hasplugin("nose")  # pytest 8.0 calls what nose would, without a fixture
        self._is_alone = not (has_nose or any(is_of_others(config, name) for name in _HOOKS))
        self._is_alone_with_parameters = not any(
            is_of_others(config, name, known=_ALONE_WITH_PARAMETERS) for name in _FIXTURE_HOOKS
        )
        has_loop = is_of_others(config, "pytest_runtestloop", with_wrappers=False)
        self._is_in_a_row = self._is_alone and not (has_loop or hasattr(config, "workerinput"))
        self._stack = getattr(getattr(session, "_setupstate", None), "stack", {})

    def begin(self, item: pytest.Item, following: pytest.Item | None) -> None:
        """Take up a test, after which *following* comes."""
        names = item.fixturenames if type(item) is _Function else ("request",)
        self._parameters = len(names)
        self._is_bare = not names or (hasattr(item, "callspec") and self._has_parameters_only(item, names))
        self.is_set_up = self._is_bare and item is self._next
        self.is_followed = self._is_in_a_row and following is not None
        self._next = following if self._is_alone and following is not None and following.parent is item.parent else None

    def fail_setup(self) -> None:
        """Learn that the test's setup has not come to its end, nor perhaps that of the nodes above it."""
        self._next = None

    def ends_with_call(self, item: pytest.Item) -> bool:
        """Tell whether a test that has passed leaves nothing for its teardown to do."""
        if self._next is None or not self._is_bare:
            return False
        set_up = self._stack.get(item)
        # The finalizer of the item itself does nothing, nor do those of parameters.
        return set_up is not None and len(set_up[0]) == 1 + self._parameters

    def _has_parameters_only(self, item: pytest.Item, names: Sequence[str]) -> bool:
        asked = getattr(item, "_fixtureinfo", None)  # all tests of a function have the same one
        if asked is not self._asked[0]:
            made = getattr(asked, "name2fixturedefs", {})
            is_so = self._is_alone_with_parameters and all(
                name in made and is_direct_parameter(made[name][-1]) for name in names
            )
            self._asked = asked, is_so
        return self._asked[1]
