"""The run folder, made when a run begins: ``<spool>/runs/<run key>/``."""

from __future__ import annotations

import os
import tempfile

from ..native import create, create_folder, native

_getuid = getattr(os, "getuid", lambda: 0)


class RunFolder:
    """Where a run is kept.

    Every process of a run computes the same paths, with the same way out where the spool cannot be written: a folder
    of this user's in the system's temporary directory.

    :ivar path: the run folder; final once it has been made.
    :ivar is_remade: whether it was deleted while the session ran, and has been made again.
    :ivar problem: why it is not in the spool that was asked for, in words; empty where it is.
    """

    def __init__(self, spool: str, run_key: str) -> None:
        self._spool = spool
        self._run_key = run_key
        self.path = self._path_in(spool)
        self.problem = ""
        self.is_remade = False

    @property
    def journal(self) -> str:
        """Where the segments are."""
        return f"{self.path}/journal"

    @property
    def artifacts(self) -> str:
        """Where the copies of artifacts are."""
        return f"{self.path}/artifacts"

    def make(self) -> None:
        """Make the folder, unless another process of the run has.

        :raises OSError: neither the spool nor the temporary directory can be written.
        """
        try:
            self._make_in(self._spool)
        except OSError as error:
            spare = f"{tempfile.gettempdir()}/platform-report-{_getuid()}"
            self._make_in(spare)
            self.problem = f"{self._spool} cannot be written ({error.strerror or error}): the run is kept in {spare}"

    def remake(self) -> None:
        """Make the folder anew, since somebody has deleted it or moved it away; raises as :meth:`make` does.

        What became of the delivery is not known any more, but to an uploader that lives: ``restored`` says so.
        """
        lost = self.path
        self.make()
        self.is_remade = True
        _write_new(f"{self.path}/restored", b"")
        where = "" if self.path == lost else f" as {self.path}"
        self.problem = f"{lost} was deleted or moved away while the session ran: it has been written anew{where}"

    def _path_in(self, spool: str) -> str:
        return f"{spool}/runs/{self._run_key}"

    def _make_in(self, spool: str) -> None:
        _make_folders(spool)
        if spool != self._spool and native.stat(spool).st_uid != _getuid():
            raise PermissionError(f"{spool} belongs to somebody else")
        _write_new(f"{spool}/.gitignore", b"*\n")
        self.path = self._path_in(spool)
        for folder in (f"{spool}/runs", self.path, self.journal, self.artifacts):
            create_folder(folder)


def _make_folders(path: str) -> None:
    """Make *path* and what is missing above it."""
    try:
        create_folder(path)
    except FileNotFoundError:
        _make_folders(path.rpartition("/")[0])
        create_folder(path)


def _write_new(path: str, content: bytes) -> None:
    try:
        fd = create(path)
    except FileExistsError:
        return
    try:
        native.write(fd, content)
    finally:
        native.close(fd)
