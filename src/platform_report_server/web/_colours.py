"""Text with a terminal's colours, as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from platform_report_server.shown import plain

_SELECTION = re.compile(r"\x1b\[([0-9;]*)m")
_COLOURS = {code: f"ansi-{code % 10}" for code in (*range(30, 38), *range(90, 98))}
_STYLES = {1: "bold", 2: "faint", 3: "slanted", 4: "underlined"}
_ENDS = {22: ("bold", "faint"), 23: ("slanted",), 24: ("underlined",), 39: tuple(set(_COLOURS.values()))}
_OF_MANY, _BY_NUMBER, _BY_PARTS = (38, 48), 5, 2


def coloured(text: str | None) -> Markup:
    """Return the text escaped, with an element around what has a colour or a style."""
    parts = _SELECTION.split((text or "").replace("\r\n", "\n"))
    made, classes = [escape(plain(parts[0]))], frozenset[str]()
    for codes, said in zip(parts[1::2], parts[2::2], strict=True):
        classes = _after(classes, codes)
        if said:
            shown = escape(plain(said))
            made.append(
                Markup('<span class="{}">{}</span>').format(" ".join(sorted(classes)), shown) if classes else shown
            )
    return Markup("").join(made)


def _after(classes: frozenset[str], codes: str) -> frozenset[str]:
    for code in _meant(int(each[:4] or 0) for each in codes.split(";")):
        if code == 0:
            classes = frozenset()
        elif code in _COLOURS:
            classes = classes.difference(_COLOURS.values()) | {_COLOURS[code]}
        elif code in _STYLES:
            classes |= {_STYLES[code]}
        else:
            classes = classes.difference(_ENDS.get(code, ()))
    return classes


def _meant(codes: Iterator[int]) -> Iterator[int]:
    """Yield the codes without those that choose one of many colours, and their numbers."""
    for code in codes:
        if code not in _OF_MANY:
            yield code
            continue
        kind = next(codes, 0)
        for _ in range({_BY_NUMBER: 1, _BY_PARTS: 3}.get(kind, 0)):
            next(codes, 0)
