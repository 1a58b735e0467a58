"""Ways in which a test can end, each a small project with what its run has to say: the rows of docs/outcomes.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Xdist = Literal["both", "both, on two workers", "without", "with"]
"""With xdist, a case that is run both ways has one worker where nothing depends on the distribution, others two."""


NO_INI = "[pytest]\n"

_SOCIABLE = ("Outcomes", "Shapes of tests", "Reruns", "Other plugins", "Deaths")
# What belongs to a whole session, or where the tests of all packages stand in one file, that of the plugin.
_ALONE = ("scope='session'", "scope='package'", "pytest_sessionfinish", "pytest_bdd")


@dataclass(frozen=True)
class Company:
    """Cases that one session tries, each in a package of its own."""

    args: tuple[str, ...]
    has_plugins: bool
    fails: bool

    def __str__(self) -> str:
        plugins = ("plugins",) if self.has_plugins else ()
        return " ".join((*self.args, *plugins, "failed" if self.fails else "passed"))


@dataclass(frozen=True)
class Attempt:
    """What one attempt of a test has to show, and nothing of the other attempts.

    :ivar error: a part of its error's message; empty where it has no error.
    :ivar steps: the titles and statuses of all its steps.
    :ivar output: all that was captured of it.
    """

    status: str
    error: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    output: str = ""


@dataclass(frozen=True)
class Case:
    """A project, how pytest is called in it, and what the platform has to show.

    :ivar name: the row's name, and the test's id.
    :ivar group: the heading it stands under.
    :ivar files: contents by path; a single test module may be given as ``source``.
    :ivar expect: status by full title.
    :ivar run: the run's status, None where no run may be made; without and with xdist where these differ.
    :ivar exit: pytest's exit status; without and with xdist where these differ.
    :ivar annotations: by full title, types that a test has to have.
    :ivar messages: by full title, what its error message has to hold.
    :ivar attempts: by full title, its attempts in order; a test that is not named has one.
    :ivar may: full titles that may be missing: with several workers it varies which tests still run.
    :ivar steps: by full title, its steps' titles and statuses.
    :ivar output: by full title, what its captured output has to hold.
    :ivar plugins: plugins that the case is about, by module; left out where one is not installed.
    :ivar option: an option that older plugins do not know: left out where pytest refuses it.
    :ivar environment: variables that the session gets.
    :ivar cache: whether pytest's cache has to be on.
    :ivar twice: every test is executed twice, and each execution is a result, told apart by its annotations.
    :ivar sessions: how many sessions its process runs, one after the other, of which each makes a run.
    :ivar workers: how many workers the run has to show, where that is not what ``-n`` says.
    :ivar first: the arguments of a session that is run before this one, and is not reported.
    :ivar pytest: the oldest pytest that knows of it.
    :ivar before: the first pytest that has it otherwise.
    :ivar signals: what the session is sent, the first when the project has made a file ``ready``, the second when there
        is one ``ready again``.
    :ivar to_all: whether its workers are sent it as well, as a terminal does.
    """

    name: str
    group: str
    expect: Mapping[str, str]
    source: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    run: str | tuple[str | None, str | None] | None = "passed"
    exit: int | tuple[int, int] = 0
    xdist: Xdist = "both"
    annotations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    attempts: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict)
    may: tuple[str, ...] = ()
    steps: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    output: Mapping[str, str] = field(default_factory=dict)
    plugins: tuple[str, ...] = ()
    option: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    cache: bool = False
    twice: bool = False
    sessions: int = 1
    workers: int | None = None
    first: tuple[str, ...] | None = None
    pytest: tuple[int, int] = (8, 0)
    before: tuple[int, int] | None = None
    signals: tuple[int, ...] = ()
    to_all: bool = True

    @property
    def project(self) -> dict[str, str]:
        """The project's files."""
        return {"test_it.py": self.source, **self.files} if self.source else dict(self.files)

    @property
    def company(self) -> Company | None:
        """What it shares with the cases that it is in one session with, or None where it asks something of its own."""
        alone = (self.option, self.environment, self.cache, self.twice, self.may, self.signals, self.workers)
        if (
            self.xdist != "both"
            or self.group not in _SOCIABLE
            or (self.run, self.exit) not in (("passed", 0), ("failed", 1))
            or any(alone)
            or self.project.get("pytest.ini", NO_INI) != NO_INI
            or any(word in content for content in self.project.values() for word in _ALONE)
        ):
            return None
        args = tuple(arg for arg in self.args if arg != "--dist=loadfile")
        return Company(args, bool(self.plugins), self.exit == 1)

    def ran_on(self, workers: int) -> int:
        """The number of workers that the run has to show."""
        return self.workers or workers or 1

    def exit_with(self, workers: int) -> int:
        """The exit status with that many workers."""
        return self.exit if isinstance(self.exit, int) else self.exit[1 if workers else 0]

    def run_with(self, workers: int) -> str | None:
        """The run's status with that many workers."""
        return self.run[1 if workers else 0] if isinstance(self.run, tuple) else self.run
