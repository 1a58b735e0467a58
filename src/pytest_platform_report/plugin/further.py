"""The hooks that need not be called for each test in most sessions: every call of a hook costs each test something.

Where pytest alone runs the tests, each has one attempt, and all its reports have been seen when they were made. Other
plugins run tests again, hand on reports of other processes, or replace reports; and subtests are told by reports alone.
"""

from __future__ import annotations

from typing import Protocol

import pytest

from .phases import is_of_others


class Listener(Protocol):
    """What wants to know of attempts and reports."""

    def begin_attempt(self) -> None:
        """Learn that a test is set up, perhaps again."""

    def take_report(self, report: pytest.TestReport) -> None:
        """Learn of a report, which may have been seen when it was made."""


class FurtherHooks:
    """Tells *listener* of what these hooks are called for, from when they are needed on."""

    def __init__(self, config: pytest.Config, listener: Listener) -> None:
        self._config = config
        self._listener = listener
        self._are_registered = False

    def look(self) -> None:
        """Register them if other plugins may run tests; to be called when all plugins are there."""
        runs = is_of_others(self._config, "pytest_runtest_protocol", with_wrappers=False)
        if runs or is_of_others(self._config, "pytest_runtest_makereport"):
            self.register()

    def register(self) -> None:
        """Register them, unless they are."""
        if not self._are_registered:
            self._are_registered = True
            self._config.pluginmanager.register(self, "platform-report-further")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Called when an attempt begins: what comes from now on, its fixtures' steps first, belongs to it."""
        self._listener.begin_attempt()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called with each report."""
        self._listener.take_report(report)
