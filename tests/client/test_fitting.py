"""What hooks leave of a run or a test, made fit for the journal or refused in words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_platform_report.descriptions import Annotation
from pytest_platform_report.plugin.fitting import LIST_LIMIT, METADATA_LIMIT, Fitting, describe_attempt
from pytest_platform_report.redact import MASK, make_redactor
from pytest_platform_report.text import MESSAGE_LIMIT, NAME_LIMIT

SECRET = "prk_live_0123456789abcdef"

ATTEMPT: dict[str, Any] = {
    "outcome": "failed",
    "start": 1000.0,
    "duration": 2.0,
    "phases": [["call", "failed", 2.0]],
    "steps": [{"title": "a", "category": "action", "status": "failed", "start": 0.0, "duration": 1.0, "error": "no"}],
    "failures": [{"phase": "call", "message": "no", "expected": "1", "actual": "2"}],
    "annotations": [{"type": "skip", "description": "later"}],
    "stdout": "said",
}


@pytest.fixture
def fit() -> Fitting:
    return Fitting(make_redactor([SECRET]))


def test_all_of_it_is_made_text_cleaned_and_bounded(fit: Fitting) -> None:
    assert fit.names("suites", ["a\0b", 7, SECRET, "x" * 10_000])[:3] == ["a\ufffdb", "7", MASK]
    assert len(fit.names("suites", ["x" * 10_000])[0]) == NAME_LIMIT
    assert fit.name("two\nlines") == "two lines"
    assert fit.tags(["slow", "@slow", "@fast"]) == ["@slow", "@fast"]
    odd: Any = Annotation(type=None, description=["b", "\ud800"])  # type: ignore[arg-type]
    assert fit.annotations([odd]) == [{"type": "None", "description": r"['b', '\ud800']"}]
    assert len(fit.annotations([Annotation("long", "x" * 100_000)])[0]["description"]) < MESSAGE_LIMIT + 100
    assert fit.metadata({"a": 1, SECRET: SECRET}) == {"a": "1", MASK: MASK}


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("tags", "smoke", "tags: a list was expected, not 'smoke'"),
        ("tags", None, "tags: a list was expected, not None"),
        ("tags", ["a", " "], "an empty name"),
        ("tags", ["a"] * (LIST_LIMIT + 1), "tags: 1,001 are more than 1,000"),
        ("annotations", [("owner", "ada")], r"annotations: an Annotation was expected, not ('owner', 'ada')"),
        ("metadata", ["a"], "metadata: a dict was expected, not ['a']"),
        ("metadata", {str(n): "" for n in range(METADATA_LIMIT + 1)}, "metadata: 41 entries are more than 40"),
        ("metadata", {"n" * 101: ""}, "metadata: a name has 101 characters, more than 100"),
    ],
)
def test_what_cannot_be_made_fit_is_refused(fit: Fitting, part: str, value: object, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        getattr(fit, part)(value)


def test_attempt_that_nobody_has_changed_is_what_it_was(fit: Fitting) -> None:
    assert fit.attempt(ATTEMPT, describe_attempt(ATTEMPT)) == ATTEMPT
    bare = {key: ATTEMPT[key] for key in ("outcome", "start", "duration", "phases")}
    assert fit.attempt(bare, describe_attempt(bare)) == bare


def test_texts_of_an_attempt_are_replaced_and_nothing_else(fit: Fitting) -> None:
    described = describe_attempt(ATTEMPT)
    described.outcome, described.duration = "passed", 0.0
    described.stdout, described.stderr = "", f"said {SECRET}"
    described.annotations.clear()
    (failure,), (step,) = described.failures, described.steps
    failure.message, failure.expected, failure.location = "another", None, "a.py:1"
    step.title, step.error, step.status = "b", "neither", "passed"
    assert fit.attempt(ATTEMPT, described) == {
        **ATTEMPT,
        "steps": [{**ATTEMPT["steps"][0], "title": "b", "error": "neither"}],
        "failures": [{"phase": "call", "message": "another", "expected": "", "actual": "2", "location": "a.py:1"}],
        "annotations": [],
        "stdout": "",
        "stderr": f"said {MASK}",
    }


def test_parts_of_an_attempt_are_neither_added_nor_taken_away(fit: Fitting) -> None:
    described = describe_attempt(ATTEMPT)
    described.failures = ()
    with pytest.raises(ValueError, match="shorter"):
        fit.attempt(ATTEMPT, described)
    bare = {key: ATTEMPT[key] for key in ("outcome", "start", "duration", "phases")}
    with pytest.raises(ValueError, match="longer"):
        fit.attempt(bare, describe_attempt(ATTEMPT))
