"""Titles, tags, annotations and links that test code tells of its own test."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pytest_platform_report import annotate, link, tag, title
from pytest_platform_report.notes import NOTES_LIMIT, Notes, current
from pytest_platform_report.redact import MASK, make_redactor
from pytest_platform_report.text import MESSAGE_LIMIT, NAME_LIMIT

SECRET = "prk_live_0123456789abcdef"


class Hostile:
    def __str__(self) -> str:
        raise SystemExit("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")

    __hash__ = None  # type: ignore[assignment]


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Notes:
    """The notes of an attempt that runs."""
    told = Notes(make_redactor([SECRET]))
    monkeypatch.setattr(current, "notes", told)
    return told


def told(notes: Notes) -> list[tuple[str, str]]:
    return [(each["type"], each["description"]) for each in notes.annotations]


def test_the_last_title_counts(notes: Notes) -> None:
    assert notes.title == ""
    title("first")
    title("second")
    assert notes.title == "second"


def test_tags_are_written_as_markers_are(notes: Notes) -> None:
    tag("smoke", "@web", "smoke")
    tag("web")
    assert notes.tags == ["@smoke", "@web"]


def test_annotations_in_order_each_once(notes: Notes) -> None:
    annotate("owner", "ada")
    annotate("slow")
    annotate("owner", "ada")
    annotate("owner", "grace")
    assert told(notes) == [("owner", "ada"), ("slow", ""), ("owner", "grace")]


def test_links(notes: Notes) -> None:
    for name in (None, "", "https://a.example/1", "the first"):
        link("https://a.example/1", name)
    link("https://a.example/2", name="the second")
    assert told(notes) == [
        ("link", "https://a.example/1"),
        ("link", "the first <https://a.example/1>"),
        ("link", "the second <https://a.example/2>"),
    ]


def test_from_a_thread(notes: Notes) -> None:
    def work() -> None:
        annotate("from", "a thread")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert told(notes) == [("from", "a thread")]


def test_texts_are_bounded_and_redacted(notes: Notes) -> None:
    long = f"{SECRET}\x1b[0m" + "x" * 100_000
    title(long)
    tag(long)
    annotate(long, long)
    (annotation,) = notes.annotations
    for text, limit in (
        (notes.title, NAME_LIMIT),
        (notes.tags[0].removeprefix("@"), NAME_LIMIT),
        (annotation["type"], NAME_LIMIT),
        (annotation["description"], MESSAGE_LIMIT),
    ):
        assert text.startswith(f"{MASK}xxx")
        assert len(text) < limit + 60


@pytest.mark.parametrize("value", [Hostile(), 7, None, b"bytes"], ids=["hostile", "number", "none", "bytes"])
def test_values_that_are_no_text_do_no_harm(notes: Notes, value: object) -> None:
    tell: list[Callable[..., None]] = [title, tag, annotate, link]
    for each in tell:
        each(value)
    link("https://a.example", value)  # type: ignore[arg-type]
    assert len(notes.tags) == 1
    assert notes.title


def test_only_so_many(notes: Notes) -> None:
    for number in range(NOTES_LIMIT + 5):
        annotate("number", str(number))
    tag("late")
    annotate("number", "1")
    assert notes.tags == []
    assert len(told(notes)) == NOTES_LIMIT + 1
    assert told(notes)[-1] == ("cut", "7 further annotations and tags")


def test_come_to_nothing_where_no_test_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current, "notes", None)
    title("a")
    tag("a")
    annotate("a", "b")
    link("a")
