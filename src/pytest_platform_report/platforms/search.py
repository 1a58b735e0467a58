"""Search a platform's lists, page by page and row by row, through requests that fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from ..errors import DeliveryError

Json = Mapping[str, Any]
ReadPage = Callable[[str, Json, int, int], Json]
"""Reads a page of the list at a path: with these parameters, so many rows, from that one on."""

_PAGE = 50
_MOST_CUT_SHORT = 100

T = TypeVar("T")


class Pages:
    """The pages of a list; after a failed request, the next one is asked for again.

    :param most: of how many rows at most; None for all.
    """

    def __init__(self, read: ReadPage, path: str, params: Json, most: int | None = None) -> None:
        self._read = read
        self._path = path
        self._params = params
        self._most = most
        self._seen = 0
        self._is_over = False

    def __iter__(self) -> Iterator[list[Json]]:
        return self

    def __next__(self) -> list[Json]:
        left = _PAGE if self._most is None else min(_PAGE, self._most - self._seen)
        if self._is_over or left <= 0:
            raise StopIteration
        page = self._read(self._path, self._params, left, self._seen)
        rows = page["data"]
        self._seen += len(rows)
        total = page.get("total")
        # A platform may give fewer rows than were asked for; only its total, or an empty page, is the end.
        self._is_over = not rows or (isinstance(total, int) and self._seen >= total)
        return [row for row in rows if isinstance(row, dict)]


class Searches(Generic[T]):
    """Searches, each for what its key names; one that a failed request has cut short goes on where it was."""

    def __init__(self) -> None:
        self._cut_short: dict[Hashable, _Search[T]] = {}

    def run(
        self, key: Hashable, lists: Sequence[Pages], take: Callable[[Json], T | None], most: int | None = None
    ) -> list[T]:
        """Return what *take* makes of the rows, where it makes anything of them, *most* of that at most.

        :param take: may raise :class:`.DeliveryError`: it is called with the same row again.
        """
        search = self._cut_short.pop(key, None) or _Search(lists)
        try:
            return search.run(take, most)
        except DeliveryError:
            if len(self._cut_short) >= _MOST_CUT_SHORT:
                del self._cut_short[next(iter(self._cut_short))]
            self._cut_short[key] = search
            raise


class _Search(Generic[T]):
    def __init__(self, lists: Sequence[Pages]) -> None:
        self._lists = deque(lists)
        self._rows: deque[Json] = deque()
        self._found: list[T] = []

    def run(self, take: Callable[[Json], T | None], most: int | None) -> list[T]:
        while (most is None or len(self._found) < most) and self._read_on():
            found = take(self._rows[0])
            self._rows.popleft()
            if found is not None:
                self._found.append(found)
        return self._found

    def _read_on(self) -> bool:
        """Read the next page if need be; tell whether there is a row."""
        while self._lists and not self._rows:
            try:
                self._rows.extend(next(self._lists[0]))
            except StopIteration:
                self._lists.popleft()
        return bool(self._rows)
