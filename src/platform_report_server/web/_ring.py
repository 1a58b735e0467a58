"""The last executions of a test as a strip, from the rings of bits of its statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from platform_report_server.db.queries.flakiness import WINDOW, StatRow


@dataclass(frozen=True)
class Span:
    """Executions one after the other that ended alike."""

    status: str
    x: int
    width: int


@dataclass(frozen=True)
class Strip:
    """The last executions, the newest on the right."""

    spans: list[Span]
    executions: int
    flaky: int
    failed: int
    """Those that failed, and were not flaky."""
    first: int
    """How many executions ago the first of the flaky ones was; 1 is the newest."""


def strip(row: StatRow) -> Strip:
    """Return the strip of a test."""
    count = min(row.runs, WINDOW)
    ends = list(_ends(row, count))
    spans, x = [], WINDOW - count
    for status, same in groupby(ends):
        width = len(list(same))
        spans.append(Span(status, x, width))
        x += width
    return Strip(spans, count, ends.count("flaky"), ends.count("failed"), row.bits_flaky.bit_length())


def _ends(row: StatRow, count: int) -> Iterator[str]:
    for bit in range(count - 1, -1, -1):
        if row.bits_flaky >> bit & 1:
            yield "flaky"
        else:
            yield "failed" if row.bits_fail >> bit & 1 else "passed"
