"""Pictures that want to be compared: of several attempts, or what was expected, what came, and the difference."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from platform_report_server.db.queries.artifacts import ArtifactRow
from platform_report_server.storage.formats import is_image

_MOST = 20
_ATTEMPT = re.compile("attempt-([0-9]{1,6})-")
_OF_PLAYWRIGHT = re.compile("test-(?:failed|finished)-")  # how the attempt ended is no part of what is seen
_PARTS = {
    **dict.fromkeys(("expected", "baseline", "reference"), "expected"),
    **dict.fromkeys(("actual", "result", "received"), "actual"),
    **dict.fromkeys(("diff", "difference"), "diff"),
}
_PART = "|".join(_PARTS)
_AT_END = re.compile(rf"(?:(.*)[-_. ])?({_PART})", re.I | re.S)
_AT_BEGIN = re.compile(rf"({_PART})[-_. ](.*)", re.I | re.S)


@dataclass(frozen=True)
class Picture:
    """One of several pictures."""

    row: ArtifactRow
    attempt: int | None
    part: str | None
    """expected, actual or diff, where its name says so."""
    label: str
    """Tells it from the others."""


def alike(rows: Iterable[ArtifactRow]) -> list[list[Picture]]:
    """Return the pictures of a test in groups of those that are compared; those that are alone are left out."""
    named = [(row, _read(row.file_name)) for row in rows if is_image(row.mime)]
    expected = {name.subject for _, name in named if name.part == "expected"}
    groups: dict[tuple[str, bool], list[tuple[ArtifactRow, _Name]]] = defaultdict(list)
    for row, name in named:
        # a search-result.png is the result of nothing, unless there is a search-expected.png
        is_part = name.part is not None and name.subject in expected
        groups[name.subject if is_part else name.whole, is_part].append((row, name))
    return [_labelled(group[:_MOST], is_part) for (_, is_part), group in groups.items() if len(group) > 1]


def counterpart(picture: Picture, group: list[Picture]) -> tuple[Picture, Picture]:
    """Return the pair that shows best how a picture differs from others of its group."""
    if picture.part is not None:
        of_attempt = {each.part: each for each in group if each.attempt == picture.attempt}
        if {"expected", "actual"} <= of_attempt.keys():
            return of_attempt["expected"], of_attempt["actual"]
    others = [each for each in group if each is not picture]
    same = [each for each in others if each.part == picture.part] or others
    return (same[0], picture) if picture is group[-1] else (picture, same[-1])


@dataclass(frozen=True)
class _Name:
    whole: str  # without the attempt
    attempt: int | None
    subject: str
    part: str | None


def _read(name: str) -> _Name:
    found = _ATTEMPT.match(name)
    whole = _OF_PLAYWRIGHT.sub("test-", name[found.end() :] if found else name, count=1)
    stem, dot, ending = whole.rpartition(".")
    at_end, at_begin = _AT_END.fullmatch(stem), _AT_BEGIN.fullmatch(stem)
    subject, part = (at_end[1], at_end[2]) if at_end else (at_begin[2], at_begin[1]) if at_begin else (stem, None)
    attempt = int(found[1]) if found else None
    return _Name(whole, attempt, f"{subject or ''}{dot}{ending}", part and _PARTS[part.lower()])


def _labelled(group: list[tuple[ArtifactRow, _Name]], is_part: bool) -> list[Picture]:
    said = [_words(name, is_part) for _, name in group]
    return [
        Picture(
            row,
            name.attempt,
            name.part if is_part else None,
            words if words and said.count(words) == 1 else f"{words} ({number} of {len(group)})".strip(),
        )
        for number, ((row, name), words) in enumerate(zip(group, said, strict=True), 1)
    ]


def _words(name: _Name, is_part: bool) -> str:
    part = name.part if is_part else None
    attempt = None if name.attempt is None else f"attempt {name.attempt}"
    return ", ".join(filter(None, (part, attempt)))
