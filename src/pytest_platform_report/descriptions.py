"""What the hooks of :mod:`.hookspecs` are given: a run, a test, a file, in words that they may read and change.

Durations are milliseconds. What is not said to be changeable is passed over where it is changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Annotation, Outcome, Status, status_of

__all__ = [
    "Annotation",
    "ArtifactDescription",
    "AttemptDescription",
    "BegunTest",
    "EndedTest",
    "FailureDescription",
    "RunDescription",
    "StepDescription",
]


@dataclass
class RunDescription:
    """A run that is about to begin; all of it may be changed."""

    title: str
    tags: list[str]
    metadata: dict[str, str]


@dataclass
class _Test:
    tags: list[str]
    annotations: list[Annotation]
    is_dropped: bool = field(default=False, init=False)

    def annotate(self, type: str, description: str = "") -> None:
        """Add an annotation."""
        self.annotations.append(Annotation(type, description))

    def drop(self) -> None:
        """Leave the test out of the report; it runs as ever."""
        self.is_dropped = True


@dataclass
class BegunTest(_Test):
    """A test that is about to begin; all of it may be changed.

    A platform knows a test again by its file, suites and title: with another title or other suites it is another test.
    """

    title: str
    suites: list[str]


@dataclass
class FailureDescription:
    """Why a phase of an attempt failed; all but the phase may be changed."""

    phase: str
    message: str
    stack: str = ""
    expected: str | None = None
    actual: str | None = None
    location: str = ""


@dataclass
class StepDescription:
    """A step of an attempt; its title and error may be changed."""

    title: str
    category: str
    status: Outcome
    duration: float
    error: str = ""


@dataclass
class AttemptDescription:
    """One execution of a test; its annotations and output may be changed, and the texts of its failures and steps."""

    outcome: Outcome
    duration: float
    failures: tuple[FailureDescription, ...]
    steps: tuple[StepDescription, ...]
    annotations: list[Annotation]
    stdout: str = ""
    stderr: str = ""


@dataclass
class EndedTest(_Test):
    """A test that has ended; its title and the tags and annotations that have come since it began may be changed.

    :ivar title: what it is to be shown as, and no part of what it is known again by; empty where that is its own name.
    """

    title: str
    attempts: tuple[AttemptDescription, ...]

    @property
    def outcome(self) -> Status:
        """The last attempt's outcome; ``flaky`` where it passed after a failed one."""
        return status_of([attempt.outcome for attempt in self.attempts])


@dataclass(frozen=True)
class ArtifactDescription:
    """A file that is about to be kept.

    :ivar type: ``screenshot``, ``video``, ``trace``, ``report`` or ``attachment``.
    :ivar size: in bytes; None where there is no such file.
    :ivar source: its path as it was given; None where its content was.
    """

    name: str
    type: str
    size: int | None
    source: str | None
