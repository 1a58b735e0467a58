"""The report of pytest-html, zipped with its assets, as an artifact of the run."""

from __future__ import annotations

import os
import re
from html import escape, unescape
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from ..artifacts import MB
from ..native import from_json, native, to_json
from ..redact import Redact
from .contents import Draft, Unfit
from .keeper import FileKeeper, open_file

_MOST_TEXT = 32 * MB
_TEXTS = (".html", ".txt", ".json", ".xml", ".csv")
_BLOCK = MB
_LEVEL = 3
_ASSET = re.compile(r"\bassets/((?:[\w.-]|\\u[0-9a-f]{4})+)")
# Where pytest-html 4 has its results: JSON in an attribute.
_RESULTS = re.compile(r'(?<=data-jsonblob=")[^"]*')


class HtmlReport:
    """A report that is written when the session ends; what it shows is masked as all that is sent."""

    def __init__(self, path: str, redact: Redact) -> None:
        self._path = path
        self._redact = redact
        self._earlier = self._look()

    def keep(self, keep_file: FileKeeper) -> None:
        """Keep the report, if it has been written since this object was made."""
        if self._look() != self._earlier:
            stem = os.path.splitext(os.path.basename(self._path))[0]
            keep_file.keep_made(self._path, f"{stem}.zip", "report", self._write)

    def _look(self) -> tuple[int, int]:
        try:
            found = native.stat(self._path)
        except (OSError, ValueError):
            return 0, 0
        return found.st_ino, found.st_mtime_ns

    def _write(self, draft: Draft) -> None:
        folder, name = os.path.split(self._path)
        with ZipFile(draft, "w") as zipped:
            zipping = _Zipping(zipped, self._redact)
            text = zipping.add(self._path, name)
            for asset in sorted(_named_in(text) & _files_in(f"{folder}/assets")):
                zipping.add(f"{folder}/assets/{asset}", f"assets/{asset}")


class _Zipping:
    def __init__(self, zipped: ZipFile, redact: Redact) -> None:
        self._zipped = zipped
        self._redact = redact
        self._text_left = _MOST_TEXT

    def add(self, path: str, name: str) -> str:
        """Add a file, without secrets where it is a text; return that, empty for any other file."""
        fd, _ = open_file(path)
        try:
            if name.endswith(_TEXTS):
                return self._add_text(fd, name)
            with self._zipped.open(ZipInfo(name), "w") as target:  # as it is: pictures and videos are compressed
                while block := native.read(fd, _BLOCK):
                    target.write(block)
            return ""
        finally:
            native.close(fd)

    def _add_text(self, fd: int, name: str) -> str:
        blocks = []
        while block := native.read(fd, _BLOCK):
            self._text_left -= len(block)
            if self._text_left < 0:
                raise Unfit(f"more than {_MOST_TEXT // MB} MB of text: too much to be looked through for secrets")
            blocks.append(block)
        text = b"".join(blocks).decode("utf-8", "replace")
        masked = self._mask_page(text) if name.endswith(".html") else self._redact(text)
        self._zipped.writestr(ZipInfo(name), masked.encode("utf-8", "replace"), ZIP_DEFLATED, _LEVEL)
        return masked

    def _mask_page(self, text: str) -> str:
        """Mask each text in the results on its own: what is masked up to a line's end must not take the rest along."""
        results = _RESULTS.search(text)
        if results is None:
            return self._redact(text)
        masked = to_json(self._mask(from_json(unescape(results.group()))))
        return self._redact(text[: results.start()]) + escape(masked) + self._redact(text[results.end() :])

    def _mask(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redact(value)
        if isinstance(value, list):
            return [self._mask(each) for each in value]
        if isinstance(value, dict):
            return {self._redact(name): self._mask(each) for name, each in value.items()}
        return value


def _named_in(text: str) -> set[str]:
    return {from_json(f'"{name}"') for name in _ASSET.findall(unescape(text))}


def _files_in(folder: str) -> set[str]:
    try:
        return set(native.listdir(folder))
    except OSError:
        return set()
