"""The errors of the client package.

::

    PlatformReportError
    ├── ConfigurationError      an option is missing or wrong
    ├── JournalError            a journal cannot be read
    │   └── NewerFormatError    it was written by a newer version of this package
    ├── FolderGoneError         a run folder was deleted or moved away while it was delivered
    ├── LockedError             another process holds the run folder
    ├── CannotLockError         its file system knows no locks
    ├── StateError              what is delivered cannot go from one state to the other: a defect of ours
    └── DeliveryError           a request to the platform did not end well (``permanent``: trying again is no use)
        ├── NotSent             the platform never saw the request
        ├── OutcomeUnknown      it may have seen it, and no usable answer came
        ├── Busy                it asks to come later (408, 425, 429, 5xx)
        └── Refused             it answered no (other 4xx, redirects)
"""

from __future__ import annotations

import errno

_FULL = ("database or disk is full", "disk I/O error")  # SQLite's; the second where a file of its own cannot grow


class PlatformReportError(Exception):
    """Anything that this package raises on purpose."""


class ConfigurationError(PlatformReportError):
    """An option is missing or wrong; the message says which, what was found and what to set."""


class JournalError(PlatformReportError):
    """A journal cannot be read."""


class NewerFormatError(JournalError):
    """A journal, or the record of its delivery, was written in a format that this version does not know.

    :param path: the file.
    :param found: the format version in the file.
    :param known: the newest format version that this package reads.
    """

    def __init__(self, path: str, found: object, known: int) -> None:
        super().__init__(
            f"{path}: format {found!r}, but this pytest-platform-report reads formats up to {known}; "
            f"nothing was changed: update pytest-platform-report, then run 'platform-report sync'"
        )
        self.path, self.found, self.known = path, found, known


class FolderGoneError(PlatformReportError):
    """A run folder, or a journal in it, was deleted or moved away while it was delivered."""


class LockedError(PlatformReportError):
    """Another process holds a run folder's lock."""


class CannotLockError(PlatformReportError):
    """A run folder cannot be locked, so that two processes might deliver it at once."""


class StateError(PlatformReportError):
    """Something that is delivered was to go to a state that does not follow the one it is in."""


class DeliveryError(PlatformReportError):
    """A request to the platform did not end well.

    :ivar permanent: the same request will fail again, so it is not worth repeating by itself.
    :ivar group: which requests share its limits; empty where it is not known.
    """

    permanent = False
    group = ""


class NotSent(DeliveryError):
    """The platform never saw the request: no address, no connection, no trust.

    :param permanent: set where another try cannot help, as with an address that is not one.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class OutcomeUnknown(DeliveryError):
    """The request went out and no usable answer came back: it may or may not have been carried out.

    :param misconfigured: what answered was no platform (HTML, say), so that waiting will not help.
    """

    def __init__(self, message: str, *, misconfigured: bool = False) -> None:
        super().__init__(message)
        self.permanent = misconfigured


class Busy(DeliveryError):
    """The platform asks to come later.

    :param status: the HTTP status.
    :param wait: seconds that the platform named, or None.
    """

    def __init__(self, message: str, status: int, wait: float | None = None) -> None:
        super().__init__(message)
        self.status, self.wait = status, wait


class Refused(DeliveryError):
    """The platform answered no.

    :param status: the HTTP status.
    :param code: the platform's error code, empty where it named none.
    """

    permanent = True

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


def lacks_room(error: BaseException | None) -> bool:
    """Tell whether *error*, or what it came from, is that of a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(words in str(error) for words in _FULL):
            return True
        error = error.__cause__ or error.__context__
    return False
