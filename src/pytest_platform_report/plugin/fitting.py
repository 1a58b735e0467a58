"""Make what hooks have left of a run or a test fit for the journal: text, redacted and bounded, of the right shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..descriptions import Annotation, AttemptDescription, FailureDescription, StepDescription
from ..journal.records import Record, annotations_of
from ..redact import Redact
from ..text import MESSAGE_LIMIT, NAME_LIMIT, OUTPUT_LIMIT, STACK_LIMIT, shorten, shorten_name
from .comparison import VALUE_LIMIT
from .described import as_text

LIST_LIMIT = 1000
_FAILURE_TEXTS = {
    "message": MESSAGE_LIMIT,
    "stack": STACK_LIMIT,
    "expected": VALUE_LIMIT,
    "actual": VALUE_LIMIT,
    "location": MESSAGE_LIMIT,
}
_OUTPUT_TEXTS = {"stdout": OUTPUT_LIMIT, "stderr": OUTPUT_LIMIT}
_STEP_TEXTS = {"title": NAME_LIMIT, "error": MESSAGE_LIMIT}


def describe_attempt(attempt: Record) -> AttemptDescription:
    """Return a journal's attempt as hooks are given it."""
    return AttemptDescription(
        outcome=attempt["outcome"],
        duration=attempt["duration"],
        failures=tuple(FailureDescription(**failure) for failure in attempt.get("failures", ())),
        steps=tuple(
            StepDescription(
                step["title"], step["category"], step["status"], step["duration"], error=step.get("error", "")
            )
            for step in attempt.get("steps", ())
        ),
        annotations=list(annotations_of(attempt)),
        stdout=attempt.get("stdout", ""),
        stderr=attempt.get("stderr", ""),
    )


class Fitting:
    """Makes fit; raises TypeError or ValueError, in words, where that cannot be."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact

    def name(self, value: object) -> str:
        """Return a title or the like."""
        name = self._shorten(value)
        if not name.strip():
            raise ValueError("an empty name")
        return name

    def names(self, what: str, values: object) -> list[str]:
        """Return a list of names."""
        return [self.name(value) for value in _list(what, values)]

    def tags(self, values: object) -> list[str]:
        """Return a test's tags, as markers have them: ``@name``."""
        return [name if name.startswith("@") else f"@{name}" for name in dict.fromkeys(self.names("tags", values))]

    def metadata(self, values: object) -> dict[str, str]:
        """Return a run's metadata."""
        if not isinstance(values, Mapping):
            raise TypeError(f"metadata: a dict was expected, not {as_text(values)}")
        names = self.names("metadata", list(values))
        return {name: self._text(value, MESSAGE_LIMIT) for name, value in zip(names, values.values(), strict=True)}

    def annotations(self, values: object) -> list[Record]:
        """Return a journal's annotations."""
        annotations: list[Record] = []
        for value in _list("annotations", values):
            if not isinstance(value, Annotation):
                raise TypeError(f"annotations: an Annotation was expected, not {as_text(value)}")
            description = self._text(value.description, MESSAGE_LIMIT)
            annotations.append({"type": self._shorten(value.type), "description": description})
        return annotations

    def attempt(self, attempt: Record, described: AttemptDescription) -> Record:
        """Return a journal's attempt with the texts of what was described of it."""
        changed = self._change(attempt, described, _OUTPUT_TEXTS)
        for key, described_parts, limits in (
            ("failures", described.failures, _FAILURE_TEXTS),
            ("steps", described.steps, _STEP_TEXTS),
        ):
            if key in attempt:
                changed[key] = [
                    self._change(part, each, limits) for part, each in zip(attempt[key], described_parts, strict=True)
                ]
        annotations = self.annotations(described.annotations)
        if annotations or "annotations" in attempt:
            changed["annotations"] = annotations
        return changed

    def _change(self, record: Record, described: object, limits: Mapping[str, int]) -> Record:
        """Return *record* with those texts that differ in what was described of it."""
        changed = dict(record)
        for key, limit in limits.items():
            text = getattr(described, key)
            if text is None:
                changed.pop(key, None)
            elif text != record.get(key, ""):
                changed[key] = self._text(text, limit)
        return changed

    def _shorten(self, value: object) -> str:
        return shorten_name(self._redact(as_text(value)))

    def _text(self, value: object, limit: int) -> str:
        return shorten(self._redact(as_text(value)), limit)


def _list(what: str, values: object) -> list[Any]:
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{what}: a list was expected, not {as_text(values)}")
    if len(values) > LIST_LIMIT:
        raise ValueError(f"{what}: {len(values):,} are more than {LIST_LIMIT:,}")
    return list(values)
