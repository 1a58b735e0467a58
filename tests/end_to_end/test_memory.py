"""Memory does not grow with the number of tests; benchmarks/memory.py shows it for many more of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from end_to_end.memory import Peaks, measure

pytestmark = pytest.mark.uncovered

_FEW, _MANY = 100, 1000
_OUTPUT = 64 * 1024
_MARGIN = 24.0  # MiB; to keep the output would take 56


def test_it_does_not_grow(tmp_path: Path) -> None:
    def peaks(count: int, *, report: bool = True) -> Peaks:
        folder = tmp_path / f"{count}-{report}"
        folder.mkdir()
        return measure(folder, count, output=_OUTPUT, report=report)

    few, many = peaks(_FEW), peaks(_MANY)
    assert few.uploader
    assert many.uploader
    assert many.uploader - few.uploader < _MARGIN
    assert many.session - peaks(_MANY, report=False).session < _MARGIN  # pytest itself keeps each test's output
