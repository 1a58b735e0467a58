"""What the records of a journal say, as the values of :mod:`pytest_platform_report.model`.

Only what reads journals imports this: a session writes them, and need not wait for the classes of what it found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Annotation, Artifact, Attempt, Failure, Place
from .steps import steps_of


def place(record: Mapping[str, Any]) -> Place:
    """Read the test that a ``began`` record names."""
    return Place(record["node"], record["file"], record["line"], tuple(record["suites"]), record["title"])


def attempts(record: Mapping[str, Any]) -> tuple[Attempt, ...]:
    """Read the attempts of an ``attempt`` or ``ended`` record."""
    return tuple(
        Attempt(
            outcome=attempt["outcome"],
            start=attempt["start"],
            duration=attempt["duration"],
            steps=steps_of(attempt),
            failures=tuple(Failure(**failure) for failure in attempt["failures"]) if "failures" in attempt else (),
            annotations=annotations_of(attempt),
            stdout=attempt.get("stdout", ""),
            stderr=attempt.get("stderr", ""),
        )
        for attempt in record["attempts"]
    )


def annotations_of(record: Mapping[str, Any]) -> tuple[Annotation, ...]:
    """Read the annotations of a ``began`` or ``ended`` record or of an attempt."""
    noted = record.get("annotations")
    return tuple(Annotation(**annotation) for annotation in noted) if noted else ()


def artifact_of(record: Mapping[str, Any]) -> Artifact:
    """Read the file that an ``artifact`` record names."""
    return Artifact(record["path"], record["name"], record["type"], record["size"], record["sha256"])
