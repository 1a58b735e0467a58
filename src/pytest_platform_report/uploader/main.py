"""Deliver a run folder: as the uploader's process, or for ``platform-report sync``."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import FolderGoneError, LockedError, lacks_room
from ..locking import hold
from ..settings import Access
from .leftovers import deliver_leftovers, has_arrived
from .status import tell_failure
from .tail import Handle
from .uploader import Uploader

_FULL_SECONDS = 3600.0
_FULL_PAUSE = 0.5
_LASTING_SECONDS = 60.0
_NICE = 5
# One that was killed counts as dead before the last of its threads is gone, which holds the lock until then.
_DYING_SECONDS = 2.0

_log = logging.getLogger(__name__)


def main(folder: str, launcher: Mapping[str, Any], pidfd: int | None, *output: int | None) -> None:
    """Deliver the run in *folder* while its session runs; the process's only task.

    :param launcher: the session's process, with a descriptor of it and descriptors of its capture files.
    """
    _give_way()
    logging.basicConfig(
        filename=Path(folder) / "uploader.log", level=logging.WARNING, format="%(asctime)s %(name)s %(message)s"
    )
    access = Access(os.environ.get("PLATFORM_API_KEY", ""))
    try:
        session = Handle(launcher["pid"], pidfd, output)
        status = deliver(Path(folder), access, session=session, launcher=launcher, lock_patience=_DYING_SECONDS)
    except LockedError:
        return  # another session of the run has started one
    except Exception as error:
        _log.exception("the uploader failed")
        tell_failure(Path(folder), error)
        return
    if has_arrived(status):
        deliver_leftovers(
            Path(folder),
            lambda other, url, seconds: deliver(other, replace(access, url=url), patience=seconds, follow=False),
        )


def deliver(
    folder: Path,
    access: Access,
    *,
    session: Handle | None = None,
    launcher: Mapping[str, Any] | None = None,
    patience: float | None = None,
    follow: bool = True,
    lock_patience: float = 0.0,
    watch: Callable[[dict[str, Any]], None] = lambda status: None,
) -> dict[str, Any]:
    """Deliver the run in *folder* until it is over and settled, or the time for it has come; return the last status.

    A disk that is full is waited for, an hour at most, while sessions are followed, and a folder that somebody deletes
    is made anew.

    :param session: the process that started us; ``launcher`` is its identity.
    :param patience: seconds to go on after the run's end; by default what its session was told to wait, or an hour
        where that does not wait.
    :param follow: wait for sessions that still run; without it, what there is is delivered.
    :param lock_patience: seconds to wait for another uploader that has the folder.
    :param watch: told of each new status.
    :raises LockedError: another uploader has the folder.
    :raises ConfigurationError: the run goes to another platform than the key.
    :raises CannotLockError: nobody can have it.
    """
    full_since = time.monotonic()
    while True:
        begun = time.monotonic()
        try:
            with hold(folder / "lock", lock_patience) as held:
                uploader = Uploader(folder, access, session, patience, follow, watch, launcher, held.is_there)
                try:
                    uploader.run()
                    status = uploader.status()
                except Exception as error:
                    if not follow or (held.is_there() and not isinstance(error, FolderGoneError)):
                        raise
                    uploader.make_anew()
                    session = None
                    continue
                finally:
                    uploader.close()
        except Exception as error:
            now = time.monotonic()
            if now - begun > _LASTING_SECONDS:  # there was room all that time
                full_since = now
            if not (follow and lacks_room(error)) or now - full_since > _FULL_SECONDS:
                raise
            time.sleep(_FULL_PAUSE)  # and begin anew from what the delivery record says, as another uploader would
        else:
            # A session of the same run may have begun, and its uploader left, while this one still held the lock.
            if not uploader.has_newcomers():
                return status
        session = None


def _give_way() -> None:
    """Leave the cores to the tests, now that all is loaded: who waits for the end waits for the start, too."""
    with suppress(AttributeError, OSError):
        os.nice(_NICE)
        # Linux may give each session a share of its own, whatever the nice values of its processes.
        Path("/proc/self/autogroup").write_text(str(_NICE), encoding="utf-8")
