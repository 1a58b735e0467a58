"""What a session found, as frozen values: a result, its attempts, their steps and failures.

Durations are milliseconds; moments are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Outcome = Literal["passed", "failed", "skipped"]
Status = Literal["passed", "failed", "skipped", "flaky"]
StepCategory = Literal["action", "assertion", "hook", "fixture"]
RunStatus = Literal["passed", "failed", "cancelled"]

STATUSES: tuple[Status, ...] = ("passed", "failed", "skipped", "flaky")


class Step(NamedTuple):
    """A named part of an attempt; ``start`` counts from the attempt's, ``depth`` is 0 for its phases."""

    title: str
    category: StepCategory
    status: Outcome
    start: float
    duration: float
    depth: int
    error: str | None = None


@dataclass(frozen=True)
class Failure:
    """Why a phase (setup, call, teardown, collection) of an attempt failed, and where: ``location`` is path:line."""

    phase: str
    message: str
    stack: str = ""
    expected: str | None = None
    actual: str | None = None
    location: str = ""


@dataclass(frozen=True)
class Annotation:
    """A typed remark, such as ``skip`` with its reason."""

    type: str
    description: str


class Attempt(NamedTuple):
    """One execution of a test."""

    outcome: Outcome
    start: float
    duration: float
    steps: tuple[Step, ...] = ()
    failures: tuple[Failure, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True)
class Artifact:
    """A file kept in the run folder: ``path`` is relative to it, ``size`` in bytes, ``sha256`` in hex."""

    path: str
    name: str
    type: str
    size: int
    sha256: str


class Place(NamedTuple):
    """Which test: its names and where it stands. ``suites`` goes from the module to the innermost class."""

    node_id: str
    file_path: str
    line: int | None
    suites: tuple[str, ...]
    title: str

    @property
    def full_title(self) -> str:
        """Module, classes and title, joined with `` > ``."""
        return " > ".join((*self.suites, self.title))


@dataclass(frozen=True)
class Lane:
    """Who ran a test: an xdist worker, empty in a plain session, and which shard it belongs to, None where to none."""

    worker: str = ""
    shard: int | None = None


class Result(NamedTuple):
    """A test of one run with its final outcome.

    ``report_id`` is unique over all runs, made from the journal that holds the result: the marker by which the result
    is found again on a platform. ``shown_as`` is the title that the test was given, empty where it has its own name.
    ``start`` is when it began where it came to its end, after the deaths of others that ran it, if any; None where
    nothing ran, as of a module that could not be collected.
    """

    report_id: str
    place: Place
    attempts: tuple[Attempt, ...]
    tags: tuple[str, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    shown_as: str = ""
    start: float | None = None

    @property
    def title(self) -> str:
        """What a platform shows the test as; its identity is in its place."""
        return self.shown_as or self.place.title

    @property
    def status(self) -> Status:
        """The last attempt's outcome; ``flaky`` where it passed after a failed one."""
        return status_of([attempt.outcome for attempt in self.attempts])


def status_of(outcomes: Sequence[Outcome]) -> Status:
    """Return a test's status, by its attempts' outcomes."""
    outcome = outcomes[-1]
    if outcome == "passed" and "failed" in outcomes:
        return "flaky"
    return outcome
