"""How the page of a test shows colours, differences and times: with all of the text, and none of it as HTML."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_report_server.model import Attempt, Step
from platform_report_server.shown import plain
from platform_report_server.web._colours import coloured
from platform_report_server.web._difference import difference
from platform_report_server.web._waterfall import bars

PIECES = st.sampled_from(
    ["\x1b[31m", "\x1b[1;4m", "\x1b[0m", "\x1b[38;5;196m", "\x1b[m", "\x1b[2K", "<b>", "a", "&", "\n", "\x00", '"']
)
LINES = st.text("ab <&\n", max_size=30)


def text_of(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


@given(st.lists(PIECES).map("".join))
def test_colours_leave_the_text_as_it_is(text: str) -> None:
    shown = coloured(text)
    assert text_of(shown) == plain(text)
    assert set(re.findall(r"<[^>]*>", re.sub(r'<span class="[a-z0-9 -]+">|</span>', "", shown))) == set()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mE\x1b[0m  ok", '<span class="ansi-1">E</span>  ok'),
        ("\x1b[1m\x1b[92mok\x1b[22m.\x1b[39m.", '<span class="ansi-2 bold">ok</span><span class="ansi-2">.</span>.'),
        ("\x1b[31;38;5;4mE\x1b[34mF", '<span class="ansi-1">E</span><span class="ansi-4">F</span>'),
        ("\x1b[48;2;31;32;33m<", "&lt;"),
    ],
)
def test_colours_are_those_that_were_last_chosen(text: str, shown: str) -> None:
    assert coloured(text) == shown


@given(LINES, LINES)
def test_a_difference_leaves_both_texts_as_they_are(expected: str, actual: str) -> None:
    compared = difference(expected, actual)
    assert compared is not None
    for shown, said in zip(compared, (expected, actual), strict=True):
        assert text_of(shown) == said
        assert re.sub(r"</?(del|ins)>", "", shown).count("<") == 0
    if expected == actual:
        assert "<del>" not in compared[0]


def test_a_difference_is_shown_inside_of_the_line() -> None:
    assert difference("total: 3.20 EUR\nsame", "total: 3.50 EUR\nsame") == (
        "total: 3.<del>20</del> EUR\nsame",
        "total: 3.<ins>50</ins> EUR\nsame",
    )
    assert difference("a\nb", "b") == ("<del>a</del>\nb", "b")
    assert difference("abc", "xyz") == ("<del>abc</del>", "<ins>xyz</ins>")
    assert difference("a", None) is None
    assert difference("a\n" * 1000, "b\n" * 1000) is None


def test_steps_lie_where_they_were_in_time() -> None:
    steps = [Step("a", duration=60, start=0), Step("b", duration=40, start=60), Step("c", duration=0, start=100)]
    placed = bars(Attempt(1, steps=steps))
    assert placed is not None
    assert [(bar.x, bar.width) for bar in placed] == [(0, 60), (60, 40), (99.6, 0.4)]
    assert bars(Attempt(1, steps=[Step("a", duration=1)])) is None
    assert bars(Attempt(1)) is None
