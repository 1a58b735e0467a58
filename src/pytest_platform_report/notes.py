"""What test code may tell of its own test besides steps and files: a title, tags, annotations and links.

The plugin puts the running attempt's notes into :data:`current`; where there are none (reporting is off, no test
runs), what is told comes to nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from .text import MESSAGE_LIMIT, shorten, shorten_name, show

__all__ = ["annotate", "link", "tag", "title"]

NOTES_LIMIT = 1000


class Notes:
    """What was told of one attempt, ready for the journal; what is told twice is kept once.

    :ivar title: what the test is to be shown as; empty where nothing was told.
    """

    __slots__ = ("_annotations", "_cut", "_redact", "_tags", "title")

    def __init__(self, redact: Callable[[str], str]) -> None:
        self.title = ""
        self._redact = redact
        self._tags: dict[str, None] = {}
        self._annotations: dict[tuple[str, str], None] = {}
        self._cut = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was told."""
        return not (self._tags or self._annotations or self.title)

    @property
    def tags(self) -> list[str]:
        """The tags, as markers have them: ``@name``."""
        return list(self._tags)

    @property
    def annotations(self) -> list[dict[str, str]]:
        """The annotations, and one more that says how many notes were left out."""
        told = [*self._annotations]
        if self._cut:
            told.append(("cut", f"{self._cut:,} further annotations and tags"))
        return [{"type": type_, "description": description} for type_, description in told]

    def set_title(self, text: object) -> None:
        """Take a title."""
        self.title = shorten_name(self._redact(show(text)))

    def add_tag(self, name: object) -> None:
        """Add a tag, unless there are too many notes."""
        if self._has_room():
            self._tags[as_tag(shorten_name(self._redact(show(name))))] = None

    def annotate(self, type: object, description: object) -> None:
        """Add an annotation, unless there are too many notes."""
        if self._has_room():
            told = shorten(self._redact(show(description)), MESSAGE_LIMIT)
            self._annotations[shorten_name(self._redact(show(type))), told] = None

    def _has_room(self) -> bool:
        if len(self._tags) + len(self._annotations) < NOTES_LIMIT:
            return True
        self._cut += 1
        return False


class _Current:
    __slots__ = ("notes",)

    def __init__(self) -> None:
        self.notes: Notes | None = None


current = _Current()


def title(text: str) -> None:
    """Have the running test shown under another title; it stays the same test, with the same history."""
    if current.notes is not None:
        current.notes.set_title(text)


def tag(*names: str) -> None:
    """Tag the running test, as a marker does: ``tag("smoke")`` gives it ``@smoke``."""
    if current.notes is not None:
        for name in names:
            current.notes.add_tag(name)


def annotate(type: str, description: str = "") -> None:
    """Annotate the running test with a remark of any type, such as ``annotate("owner", "ada")``."""
    if current.notes is not None:
        current.notes.annotate(type, description)


def link(url: str, name: str | None = None) -> None:
    """Link the running test to a page: an annotation of type ``link``."""
    if current.notes is not None:
        current.notes.annotate("link", describe_link(url, name))


def as_tag(name: str) -> str:
    """Return the tag of a name: ``@name``."""
    return name if name.startswith("@") else f"@{name}"


def describe_link(url: object, name: object) -> str:
    """Return a link in one text: ``name <url>``, or the address alone where it has no other name."""
    address, called = show(url), "" if name is None else show(name)
    return f"{called} <{address}>" if called not in ("", address) else address
