"""The spool: the run folders in it, how they are named, and when they may go."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from ..errors import ConfigurationError, LockedError
from ..ids import new_id
from ..locking import hold
from .backlog import survey
from .status import read_status

_DAY_SECONDS = 86_400.0
_GOING = ".going-"


class Spool:
    """A spool directory, which need not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs = path / "runs"

    def folders(self) -> list[Path]:
        """Return all run folders, the oldest first."""
        if not self.runs.is_dir():
            return []
        found = [path for path in self.runs.iterdir() if (path / "journal").is_dir() and not path.name.startswith(".")]
        return sorted(found, key=_last_written)

    def find(self, name: str) -> Path:
        """Return the run folder that *name* means: its path, its run key, or the run's id on the platform.

        :raises ConfigurationError: there is none.
        """
        for path in (self.runs / name, Path(name).absolute()):
            if (path / "journal").is_dir():
                return path
        for path in self.folders():
            if read_status(path).get("run_id") == name:
                return path
        raise ConfigurationError(
            f"{name}: no such run folder, run key or run id: "
            f"'platform-report sync --dry-run' lists those of {self.runs}"
        )

    def is_old(self, folder: Path, days: float) -> bool:
        """Tell whether the last record of a run is older than *days*."""
        return time.time() - _last_written(folder) >= days * _DAY_SECONDS

    def prune(self, folder: Path, keep_days: float) -> bool:
        """Delete a run folder that is delivered and older than *keep_days*; return whether it was."""
        if not self.is_old(folder, keep_days):
            return False
        try:
            with hold(folder / "lock"):
                before = _segments(folder)
                if not survey(folder).is_delivered:
                    return False
                # A session of the same run may come at any time: it finds the folder, or none, but never half of one.
                going = folder.with_name(f"{_GOING}{folder.name}-{new_id(6)}")
                folder.rename(going)
                if _segments(going) != before:
                    going.rename(folder)
                    return False
        except LockedError:
            return False
        shutil.rmtree(going)
        return True

    def clear(self) -> None:
        """Delete what a pruning that was cut short has left."""
        if self.runs.is_dir():
            for path in self.runs.glob(f"{_GOING}*"):
                shutil.rmtree(path, ignore_errors=True)


def _segments(folder: Path) -> set[str]:
    return {path.name for path in (folder / "journal").iterdir()}


def _last_written(folder: Path) -> float:
    """Return when a record was last written, in seconds since 1970."""
    times = [path.stat().st_mtime for path in (folder / "journal").glob("*.jsonl")]
    return max(times, default=folder.stat().st_mtime)
