"""Hazards: what a project's tests do, how a session of it is called, and what its run has to say afterwards."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pytest

Xdist = Literal["both", "without", "with"]

_LATE = """
    def test_late(): pass

    def test_late_fails():
        assert [1] == [2]
"""


@dataclass(frozen=True)
class Hazard:
    """One row: a test module, and the titles of its tests by their outcome.

    :ivar row: the row's label, and the test module's name.
    :ivar name: the row's text in docs/outcomes.md.
    :ivar passed: titles, apart by blanks; so are ``failed`` and ``skipped``.
    :ivar needs: modules without which it is left out.
    :ivar pytest: the oldest pytest that knows of it.
    """

    row: str
    name: str
    source: str
    passed: str = ""
    failed: str = ""
    skipped: str = ""
    args: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    pytest: tuple[int, int] = (8, 0)

    @property
    def module(self) -> str:
        return f"test_{self.row.lower()}"

    @property
    def outcomes(self) -> dict[str, str]:
        """The status of each test by full title."""
        told = {"passed": self.passed, "failed": self.failed, "skipped": self.skipped}
        return {f"{self.module} > {title}": status for status, titles in told.items() for title in titles.split()}

    @property
    def can_be_tried(self) -> bool:
        """Whether everything is installed that it needs."""
        return pytest.version_tuple >= self.pytest and all(map(importlib.util.find_spec, self.needs))


# In each session: what comes last is told as well as what came first.
LATE = Hazard("Z", "late", _LATE, passed="test_late", failed="test_late_fails")


@dataclass(frozen=True)
class Session:
    """Hazards that do not disturb each other, as one project, and how pytest is called in it.

    :ivar files: further files by path.
    :ivar run: the run's status.
    """

    hazards: tuple[Hazard, ...]
    args: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    xdist: Xdist = "both"
    run: str = "failed"

    @property
    def id(self) -> str:
        return "+".join(f"{hazard.row} {hazard.name}" for hazard in self.hazards)

    def tried(self) -> Session:
        """Return it with those hazards that can be tried here, and late tests."""
        hazards = tuple(hazard for hazard in self.hazards if hazard.can_be_tried)
        if not hazards:
            pytest.skip("what it needs is not installed")
        args = tuple(arg for hazard in hazards for arg in hazard.args)
        return Session((*hazards, LATE), (*self.args, *args), self.files, self.xdist, self.run)

    @property
    def outcomes(self) -> dict[str, str]:
        """The status of each test by full title."""
        return {title: status for hazard in self.hazards for title, status in hazard.outcomes.items()}
