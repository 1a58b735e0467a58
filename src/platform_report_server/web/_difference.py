"""Two texts, and what is different inside of their lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from markupsafe import Markup, escape

from platform_report_server.shown import plain

_MOST_LINES = 400
_LONGEST_LINE = 2000
_WORDS = re.compile(r"\w+|\s+|.", re.DOTALL)
_LEAST_ALIKE = 0.3


def difference(expected: str | None, actual: str | None) -> tuple[Markup, Markup] | None:
    """Return both texts as HTML, what only one of them has in `del` and `ins`; None where there is nothing to compare.

    Very long texts are compared neither: it takes the square of their length.
    """
    if expected is None or actual is None:
        return None
    lines = [plain(text).split("\n") for text in (expected, actual)]
    if any(len(each) > _MOST_LINES or any(len(line) > _LONGEST_LINE for line in each) for each in lines):
        return None
    old, new = lines
    left: list[Markup] = []
    right: list[Markup] = []
    for kind, *(first, last, begin, end) in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            left += map(escape, old[first:last])
            right += map(escape, new[begin:end])
        elif last - first == end - begin:
            for one, other in zip(old[first:last], new[begin:end], strict=True):
                deleted, inserted = _inside(one, other)
                left.append(deleted)
                right.append(inserted)
        else:
            left += [_marked("del", [line]) for line in old[first:last]]
            right += [_marked("ins", [line]) for line in new[begin:end]]
    return Markup("\n").join(left), Markup("\n").join(right)


def _inside(one: str, other: str) -> tuple[Markup, Markup]:
    """Return two lines with what differs inside; as a whole, where they have little in common."""
    words = _WORDS.findall(one), _WORDS.findall(other)
    matcher = SequenceMatcher(None, *words, autojunk=False)
    if matcher.ratio() < _LEAST_ALIKE:
        return _marked("del", [one]), _marked("ins", [other])
    left, right = Markup(""), Markup("")
    for kind, *(first, last, begin, end) in matcher.get_opcodes():
        if kind == "equal":
            left += escape("".join(words[0][first:last]))
            right += escape("".join(words[1][begin:end]))
        else:
            left += _marked("del", words[0][first:last])
            right += _marked("ins", words[1][begin:end])
    return left, right


def _marked(name: str, words: Sequence[str]) -> Markup:
    text = "".join(words)
    return Markup("<{0}>{1}</{0}>").format(Markup(name), text) if text else Markup("")  # noqa: S704  a name of ours
