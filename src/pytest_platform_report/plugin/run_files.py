"""The files of the run itself, kept when its session ends: those that ``--platform-artifact`` names among them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import translate

from ..native import native
from ..settings import Settings
from .contents import Unfit
from .keeper import FileKeeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .html_report import HtmlReport

_MOST_ENTRIES = 200_000
_MAGIC = re.compile(r"[*?[]")


class RunFiles:
    """Finds the files below a project's root directory, but for those that are in the spool already.

    :param report: pytest-html's, None where it writes none.
    """

    def __init__(self, rootdir: str, settings: Settings, keep_file: FileKeeper, report: HtmlReport | None) -> None:
        self._rootdir = rootdir
        self._globs = settings.artifacts
        self._passed_over = (f"{settings.spool}/runs", f"{settings.spool}/platform")
        self._keep_file = keep_file
        self._report = report
        self._seen = 0

    def keep(self) -> None:
        """Keep them."""
        for type_, glob in self._globs:
            self._keep_matching(type_, glob)
        if self._report is not None:
            self._report.keep(self._keep_file)

    def _keep_matching(self, type: str, glob: str) -> None:
        self._seen = 0
        parts = [part for part in glob.split("/") if part not in ("", ".")]
        try:
            for path in sorted(set(self._match("", parts) if parts else ())):
                self._keep(path, type)
        except Unfit as unfit:
            self._keep_file.refuse(glob, unfit)

    def _keep(self, path: str, type: str) -> None:
        full = f"{self._rootdir}/{path}"
        root = os.path.realpath(self._rootdir)
        if os.path.commonpath([root, os.path.realpath(full)]) == root:
            self._keep_file(full, path, type, is_final=True)
            return
        try:
            size = native.stat(full).st_size
        except OSError:
            size = 0
        self._keep_file.refuse(path, Unfit(f"it is outside of {self._rootdir}: attach() in a test sends it", size))

    def _match(self, folder: str, parts: list[str]) -> Iterator[str]:
        """Yield the files below *folder* that match; a folder's path is empty or ends in a slash."""
        part, rest = parts[0], parts[1:]
        if part == "**":
            yield from self._match(folder, rest or ["*"])
            for entry in self._list(folder):
                if _is_folder(entry, follow_symlinks=False):
                    yield from self._match(f"{folder}{entry.name}/", parts)
        elif rest and not _MAGIC.search(part):
            yield from self._match(f"{folder}{part}/", rest)
        else:
            fits = re.compile(translate(part)).match
            for entry in self._list(folder):
                if not fits(entry.name):
                    continue
                if _is_folder(entry):
                    if rest:
                        yield from self._match(f"{folder}{entry.name}/", rest)
                elif not rest:
                    yield folder + entry.name

    def _list(self, folder: str) -> list[os.DirEntry[str]]:
        path = f"{self._rootdir}/{folder}"
        if path.rstrip("/") in self._passed_over:
            return []
        try:
            with native.scandir(path) as entries:  # type: ignore[arg-type]  # mypy sees the first of its overloads only
                found = list(entries)
        except OSError:
            return []  # there is no such folder, or it may not be read
        self._seen += len(found)
        if self._seen > _MOST_ENTRIES:
            raise Unfit(f"more than {_MOST_ENTRIES:,} files and folders were looked through: give a narrower pattern")
        return found


def _is_folder(entry: os.DirEntry[str], *, follow_symlinks: bool = True) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_symlinks)
    except OSError:  # links in a circle, for one
        return False
