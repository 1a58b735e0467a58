"""Tell in which phases of a test nothing but pytest's own code runs: no test can die there, so no record tells of them.

Where another plugin, or a ``conftest.py``, has a hook around the phases, each of them may run code of the user's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

_HOOKS = (
    "pytest_runtest_protocol",
    "pytest_runtest_logstart",
    "pytest_runtest_setup",
    "pytest_runtest_makereport",
    "pytest_runtest_logreport",
    "pytest_runtest_teardown",
)
_Function = pytest.Function
_ALONE = ("_pytest", "pytest_platform_report", "xdist")


def is_of_others(config: pytest.Config, name: str, *, with_wrappers: bool = True) -> bool:
    """Tell whether another plugin than those that run and report tests as pytest does implements a hook."""
    return any(
        str(getattr(each.function, "__module__", "")).partition(".")[0] not in _ALONE
        for each in getattr(config.hook, name).get_hookimpls()
        if with_wrappers or not (each.wrapper or each.hookwrapper)
    )


class Phases:
    """Knows of the running test which of its phases are pytest's own.

    :ivar is_set_up: whether nothing is left for its setup to do, so that it begins with its call.
    """

    def __init__(self) -> None:
        self.is_set_up = False
        self._is_alone = False
        self._stack: Mapping[object, tuple[Sequence[object], object]] = {}  # pytest's own: what is set up
        self._next: object = None  # a test below nodes that are set up, and that stay so until it runs

    def look(self, session: pytest.Session) -> None:
        """Look at who has a say in the phases; to be called when all plugins are there."""
        config = session.config
        has_nose = config.pluginmanager.hasplugin("nose")  # pytest 8.0 calls what nose would, without a fixture
        self._is_alone = not (has_nose or any(is_of_others(config, name) for name in _HOOKS))
        self._stack = getattr(getattr(session, "_setupstate", None), "stack", {})

    def begin(self, item: pytest.Item, following: pytest.Item | None) -> None:
        """Take up a test, after which *following* comes."""
        self.is_set_up = item is self._next and type(item) is _Function and not item.fixturenames
        self._next = following if self._is_alone and following is not None and following.parent is item.parent else None

    def fail_setup(self) -> None:
        """Learn that the test's setup has not come to its end, nor perhaps that of the nodes above it."""
        self._next = None

    def ends_with_call(self, item: pytest.Item) -> bool:
        """Tell whether a test that has passed leaves nothing for its teardown to do."""
        if self._next is None or type(item) is not _Function:
            return False
        set_up = self._stack.get(item)
        return set_up is not None and len(set_up[0]) == 1  # the finalizer of the item itself, which does nothing
