"""Ids: 64-bit time-ordered integers inside, a prefix and Crockford base32 outside.

41 bits milliseconds, 10 bits worker, 12 bits counter. Two processes may draw the same worker number; the clash is a
unique violation in the database, and the writer tries again with fresh ids.
"""

from __future__ import annotations

import secrets
import threading
from functools import lru_cache

from platform_report_server.clock import now_ms

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_WIDTH = 13
_LARGEST = 2**63 - 1
_EPOCH = 1_577_836_800_000  # 2020: forty-one bits last until 2089


class IdMaker:
    """Makes ids that grow with time; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker = secrets.randbelow(1024) << 12
        self._last = 0
        self._count = 0

    def __call__(self) -> int:
        """Return the next id."""
        with self._lock:
            now = now_ms() - _EPOCH
            if now > self._last:
                self._last, self._count = now, 0
            elif self._count == 4095:  # the clock stood still or went back: borrow the next millisecond
                self._last, self._count = self._last + 1, 0
            else:
                self._count += 1
            return self._last << 22 | self._worker | self._count


def first_id(moment: int) -> int:
    """Return the smallest id that can be made at a time."""
    return max(moment - _EPOCH, 0) << 22


def moment_of(number: int) -> int:
    """Return when an id was made."""
    return (number >> 22) + _EPOCH


def encode(prefix: str, *numbers: int) -> str:
    """Return the public form: every number but a trailing sequence takes thirteen letters."""
    return f"{prefix}_" + "".join(map(_letters, numbers))


def test_id(run_id: int, seq: int) -> str:
    """Return the public id of a result: the run's letters, then the sequence number without leading zeros."""
    return f"test_{_letters(run_id)}{_short(seq)}"


def decode(prefix: str, text: str) -> int | None:
    """Return the number in `text`, or None when it is not such an id."""
    numbers = decode_pair(prefix, text)
    return numbers[0] if numbers is not None and numbers[1] is None else None


def decode_pair(prefix: str, text: str) -> tuple[int, int | None] | None:
    """Return the number and what follows it (None when nothing does), or None when `text` is not such an id."""
    start = len(prefix) + 1
    if text[:start] != prefix + "_" or not _WIDTH <= len(text) - start <= 2 * _WIDTH:
        return None
    first, rest = _number(text[start : start + _WIDTH]), text[start + _WIDTH :]
    second = _number(rest) if rest else None
    if first is None or (rest and second is None):
        return None
    return first, second


@lru_cache(maxsize=1024)
def _letters(number: int) -> str:
    return _short(number).rjust(_WIDTH, "0")


def _short(number: int) -> str:
    letters = _ALPHABET[number & 31]
    while number := number >> 5:
        letters = _ALPHABET[number & 31] + letters
    return letters


def _number(letters: str) -> int | None:
    number = 0
    for letter in letters:
        value = _VALUES.get(letter)
        if value is None:
            return None
        number = number << 5 | value
    return number if number <= _LARGEST else None
