"""The receipt: what the platform shows of a run, beside what it has acknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from ..platforms.client import Platform
from ..text import number_of
from .delivery import DeliveryRecord

_MOST_LISTED = 10_000
_MOST_NAMED = 50


@dataclass(frozen=True)
class Receipt:
    """A comparison of what was acknowledged with what is there.

    :ivar total: how many tests the platform counts.
    :ivar is_right: whether these are as many as it has acknowledged.
    :ivar notes: the difference in words, test by test.
    """

    total: int
    is_right: bool = True
    notes: tuple[str, ...] = ()


def take_receipt(platform: Platform, record: DeliveryRecord, total: int | None = None, *, is_shared: bool) -> Receipt:
    """Ask the platform what it has of the run.

    :param total: how many tests, where it has been asked.
    :param is_shared: others report into it as well, so that it may have more than what this record knows.
    :raises DeliveryError: it does not tell.
    """
    run_id = str(record.run_id)
    total, acknowledged = platform.count_tests(run_id) if total is None else total, record.acknowledged()
    # What is under way may have arrived, and is not known to have: only fewer than that is a difference.
    is_right = total >= acknowledged if is_shared or record.has_open() else total == acknowledged
    if is_right:
        return Receipt(total)
    more = "fewer" if total < acknowledged else "more"
    notes = [
        f"the platform shows {number_of(total, 'test')} in this run, {more} than the {acknowledged:,} it acknowledged"
    ]
    if max(total, acknowledged) <= _MOST_LISTED:
        rows = islice(platform.iter_tests(run_id), _MOST_LISTED)
        listed = [(str(row.get("id", "")), str(row.get("fullTitle") or row.get("title"))) for row in rows]
        gone, strange = record.compare(listed, _MOST_NAMED)
        notes += [f"acknowledged, and not there: {node}" for node in gone]
        notes += [] if is_shared else [f"there, and not acknowledged: {title}" for title in strange]
    return Receipt(total, False, tuple(notes))
