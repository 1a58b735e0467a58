"""Print how much memory a session and its uploader take at most, by the number of tests.

::

    python benchmarks/memory.py [NUMBER ...]

A session without a report stands beside it: pytest itself keeps each test, and what it knows of it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from end_to_end.memory import Peaks, measure
from faults.plugins import OURS
from faults.sessions import serving

_COUNTS = (1_000, 10_000, 100_000)


def main() -> None:
    """Measure sessions of each number of tests."""
    print("| tests | session without a report | session with one | uploader | uploader, over HTTP |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for count in [int(text) for text in sys.argv[1:]] or _COUNTS:
        bare, reported, over_http = _peaks(count, report=False), _peaks(count, report=True), _over_http(count)
        found = (bare.session, reported.session, reported.uploader, over_http.uploader)
        print(f"| {count:,} | {' | '.join(f'{peak or 0:,.0f} MiB' for peak in found)} |", flush=True)


def _peaks(count: int, *, report: bool, platform: Mapping[str, str] | None = None) -> Peaks:
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), count, report=report, platform=platform)


def _over_http(count: int) -> Peaks:
    with serving(OURS.api) as servers:
        address = servers.begin({"capabilities": "bulk-tests=500, idempotency-key, attempts, gzip"}).address
        names = {name: value for name, value in OURS.environment.items() if name.startswith("PLATFORM_")}
        return _peaks(count, report=True, platform={**names, "PLATFORM_URL": address})


if __name__ == "__main__":
    main()
