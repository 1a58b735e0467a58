"""Everything this package raises on purpose.

ServerError
├── ApiError                what a caller did wrong, or may not do: becomes one JSON error answer
│   ├── Invalid             400 VALIDATION_ERROR
│   ├── Unauthorized        401 UNAUTHORIZED
│   ├── Forbidden           403 FORBIDDEN
│   ├── NotFound            404 NOT_FOUND
│   ├── TooLarge            413 PAYLOAD_TOO_LARGE
│   ├── RateLimited         429 RATE_LIMITED
│   ├── Overloaded          503 INTERNAL_ERROR, because enough is going on already
│   └── Unavailable         500 INTERNAL_ERROR, because the database or the bucket is away
├── MailFailed              a mail could not be sent
├── SettingsError           the settings cannot work
└── StoreError              the store cannot be used
    ├── StoreBehind         an older version of this package made it, and it is migrated by command only
    └── StoreTooNew         a newer version of this package wrote it
"""

from __future__ import annotations

from typing import Literal

ErrorCode = Literal[
    "VALIDATION_ERROR",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "NOT_FOUND",
    "PAYLOAD_TOO_LARGE",
    "RATE_LIMITED",
    "INTERNAL_ERROR",
]


class ServerError(Exception):
    """The root of this package's errors."""


class ApiError(ServerError):
    """A request that is refused; ``status`` and ``code`` are those of the answer."""

    status = 500
    code: ErrorCode = "INTERNAL_ERROR"

    def __init__(self, message: str, *, field: str | None = None, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.reason = reason


class Invalid(ApiError):
    """The request is not what the API documents."""

    status = 400
    code = "VALIDATION_ERROR"

    @classmethod
    def field_is(cls, field: str, reason: str) -> Invalid:
        """Return the error for one field, with the reason in the message and in the details."""
        if reason == "required":
            return cls(f"Field '{field}' is required", field=field, reason=reason)
        return cls(f"Field '{field}': {reason}", field=field, reason=reason)


class Unauthorized(ApiError):
    """No key, or one that this server does not know."""

    status = 401
    code = "UNAUTHORIZED"


class Forbidden(ApiError):
    """A known caller asks for what is not theirs."""

    status = 403
    code = "FORBIDDEN"


class NotFound(ApiError):
    """There is no such thing, or none that the caller may know of."""

    status = 404
    code = "NOT_FOUND"


class TooLarge(ApiError):
    """A body or a file is larger than its limit."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"


class RateLimited(ApiError):
    """Too many calls; ``retry_after`` says in how many seconds the next is welcome."""

    status = 429
    code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(ApiError):
    """Enough of its kind is going on; ``retry_after`` says in how many seconds to try again."""

    status = 503

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(ApiError):
    """The database or the bucket cannot be reached; the same request may work later."""


class MailFailed(ServerError):
    """A mail could not be sent."""


class SettingsError(ServerError):
    """The settings cannot work."""


class StoreError(ServerError):
    """The store cannot be used."""


class StoreBehind(StoreError):
    """An older version of this package made the store, and it is migrated by command only."""

    def __init__(self, database: object, found: str | None, known: str) -> None:
        super().__init__(
            f"{database}: the store has schema revision {found!r}, and this version needs {known!r}. "
            "Run 'platform-report migrate' with the same --database first."
        )
        self.found = found
        self.known = known


class StoreTooNew(StoreError):
    """A newer version of this package wrote the store."""

    def __init__(self, database: object, found: str, known: str) -> None:
        super().__init__(
            f"{database}: the store has schema revision {found!r}, and this version knows revisions up to {known!r}. "
            "Install the newer version that wrote it (pip install -U 'pytest-platform-report[server]'), "
            "or point to another store."
        )
        self.found = found
        self.known = known
