"""Print how much memory a session and its uploader take at most, by the number of tests.

::

    python benchmarks/memory.py [NUMBER ...]

A session without a report stands beside it: pytest itself keeps each test, and what it knows of it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from end_to_end.memory import Peaks, measure

_COUNTS = (1_000, 10_000, 100_000)


def main() -> None:
    """Measure sessions of each number of tests."""
    print("| tests | session without a report | session with one | uploader |")
    print("| ---: | ---: | ---: | ---: |")
    for count in [int(text) for text in sys.argv[1:]] or _COUNTS:
        bare, reported = _peaks(count, report=False), _peaks(count, report=True)
        row = [f"{peak or 0:,.0f} MiB" for peak in (bare.session, reported.session, reported.uploader)]
        print(f"| {count:,} | {' | '.join(row)} |", flush=True)


def _peaks(count: int, *, report: bool) -> Peaks:
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), count, report=report)


if __name__ == "__main__":
    main()
