"""What a driver's error means for a transaction."""

from __future__ import annotations

_CONFLICTS = {"40001", "40P01"}
_LOCKED = "55P03"
_DUPLICATE = "23505"
_ENDS = {"57P01", "57P02", "57P03"}


def is_conflict(error: BaseException) -> bool:
    """Tell whether the transaction gave way to another one: nothing of it is there, and it may be run again."""
    return _state(error) in _CONFLICTS


def is_locked(error: BaseException) -> bool:
    """Tell whether the transaction waited in vain for a lock."""
    return _state(error) == _LOCKED


def is_duplicate(error: BaseException) -> bool:
    """Tell whether PostgreSQL refuses a row because its key is there already."""
    return _state(error) == _DUPLICATE


def cause_of(error: BaseException) -> str:
    """Return the driver's own words, in one line."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


def is_ending(error: BaseException) -> bool:
    """Tell whether PostgreSQL says that it ends the connection."""
    state = _state(error)
    return state is not None and (state in _ENDS or state.startswith("08"))


def _state(error: BaseException) -> str | None:
    state: str | None = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    return state
