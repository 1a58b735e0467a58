"""Make what hooks have left of a run or a test fit for the journal: text, redacted and bounded, of the right shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..descriptions import Annotation, AttemptDescription, FailureDescription, StepDescription
from ..journal.records import Record
from ..journal.values import annotations_of
from ..notes import as_tag
from ..redact import Redact
from ..text import MESSAGE_LIMIT, NAME_LIMIT, OUTPUT_LIMIT, STACK_LIMIT, shorten, shorten_name
from .comparison import VALUE_LIMIT, show
from .described import PARAMETER_LIMIT, as_text

LIST_LIMIT = 1000
METADATA_LIMIT = 40
METADATA_NAME_LIMIT = 100
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
    """Makes fit; raises TypeError or ValueError, in words, where that cannot be.

    A list may have :data:`LIST_LIMIT` entries, or as many as it *was* before.
    """

    def __init__(self, redact: Redact) -> None:
        self._redact = redact

    def name(self, value: object) -> str:
        """Return a title or the like, in one line."""
        name = self._shorten(value).replace("\n", " ")
        if not name.strip():
            raise ValueError("an empty name")
        return name

    def names(self, what: str, values: object, was: Sequence[object] = ()) -> list[str]:
        """Return a list of names."""
        return [self.name(value) for value in _list(what, values, was)]

    def tags(self, values: object, was: Sequence[object] = ()) -> list[str]:
        """Return a test's tags, as markers have them: ``@name``."""
        return list(dict.fromkeys(map(as_tag, self.names("tags", values, was))))

    def metadata(self, values: object) -> dict[str, str]:
        """Return a run's metadata."""
        if not isinstance(values, Mapping):
            raise TypeError(f"metadata: a dict was expected, not {_show(values)}")
        if len(values) > METADATA_LIMIT:
            raise ValueError(f"metadata: {len(values):,} entries are more than {METADATA_LIMIT}")
        metadata = {self.name(name): self._shorten(value) for name, value in values.items()}
        longest = max(metadata, key=len, default="")
        if len(longest) > METADATA_NAME_LIMIT:
            raise ValueError(f"metadata: a name has {len(longest):,} characters, more than {METADATA_NAME_LIMIT}")
        return metadata

    def annotations(self, values: object, was: Sequence[object] = ()) -> list[Record]:
        """Return a journal's annotations."""
        annotations: list[Record] = []
        for value in _list("annotations", values, was):
            if not isinstance(value, Annotation):
                raise TypeError(f"annotations: an Annotation was expected, not {_show(value)}")
            description = self._text(value.description, MESSAGE_LIMIT)
            annotations.append({"type": self._shorten(value.type), "description": description})
        return annotations

    def attempt(self, attempt: Record, described: AttemptDescription) -> Record:
        """Return a journal's attempt with the texts of what was described of it."""
        changed = self._change(attempt, described, _OUTPUT_TEXTS)
        changed |= self._change_each(attempt, "failures", described.failures, _FAILURE_TEXTS)
        changed |= self._change_each(attempt, "steps", described.steps, _STEP_TEXTS)
        annotations = self.annotations(described.annotations, attempt.get("annotations", ()))
        if annotations or "annotations" in attempt:
            changed["annotations"] = annotations
        return changed

    def _change_each(self, attempt: Record, key: str, described: Iterable[object], limits: Mapping[str, int]) -> Record:
        parts = zip(attempt.get(key, ()), described, strict=True)
        changed = [self._change(part, each, limits) for part, each in parts]
        return {key: changed} if changed else {}

    def _change(self, record: Record, described: object, limits: Mapping[str, int]) -> Record:
        """Return *record* with those texts that differ in what was described of it."""
        changed = dict(record)
        for key, limit in limits.items():
            text = getattr(described, key)
            text = "" if text is None else text
            if text != record.get(key, ""):
                changed[key] = self._text(text, limit)
        return changed

    def _shorten(self, value: object) -> str:
        return shorten_name(self._redact(as_text(value)))

    def _text(self, value: object, limit: int) -> str:
        return shorten(self._redact(as_text(value)), limit)


def _show(value: object) -> str:
    return show(value, PARAMETER_LIMIT)


def _list(what: str, values: object, was: Sequence[object]) -> list[Any]:
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{what}: a list was expected, not {_show(values)}")
    if len(values) > max(LIST_LIMIT, len(was)):
        raise ValueError(f"{what}: {len(values):,} are more than {LIST_LIMIT:,}")
    return list(values)
