"""What a recording holds, as the uploader reads it."""

from __future__ import annotations

from pytest_platform_report.journal.steps import steps_of
from pytest_platform_report.model import Step
from pytest_platform_report.native import now_ms
from pytest_platform_report.recording import Recording


def steps(recording: Recording, failure: str | None = None) -> tuple[Step, ...]:
    """End the attempt, and return its steps as a tree in order."""
    return steps_of({"steps": recording.describe(now_ms(), failure)})


def titles(recording: Recording) -> list[tuple[str, int]]:
    return [(step.title, step.depth) for step in steps(recording)]


def outcomes(recording: Recording) -> list[tuple[str, str, str | None]]:
    return [(step.title, step.status, step.error) for step in steps(recording)]
