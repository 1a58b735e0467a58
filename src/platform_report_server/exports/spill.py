"""Pieces that come in one order and are needed in another: they wait in a file."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path

SIGN_OF_LIFE = 5_000
"""After so many pieces a blank goes to who waits for them: proxies give up on who says nothing for a while."""
_PIECE = 2**16


class Spill:
    """Keeps pieces group by group, groups in the order of their first piece. In memory are their places alone."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._places: dict[str, array[int]] = {}  # begin, end, begin, end, ...
        self._end = 0

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, group: str, piece: bytes) -> None:
        """Keep a piece."""
        self._file.write(piece)
        places = self._places.setdefault(group, array("Q"))
        begin, self._end = self._end, self._end + len(piece)
        if places and places[-1] == begin:
            places[-1] = self._end
        else:
            places.extend((begin, self._end))

    def read(self, group: str) -> Iterator[bytes]:
        """Give out the pieces of a group."""
        places = self._places[group]
        for begin, end in zip(places[::2], places[1::2], strict=True):
            for at in range(begin, end, _PIECE):
                self._file.seek(at)
                yield self._file.read(min(end - at, _PIECE))
