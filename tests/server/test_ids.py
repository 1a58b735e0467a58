"""Ids."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_report_server import ids
from server.support import in_threads

START = 1_800_000_000_000
NUMBERS = st.integers(0, 2**63 - 1)


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_public_ids_round_trip(run: int, seq: int) -> None:
    assert ids.decode("run", ids.encode("run", run)) == run
    assert ids.decode_pair("test", ids.test_id(run, seq)) == (run, seq)
    assert ids.decode_pair("artifact", ids.encode("artifact", run, seq)) == (run, seq)
    assert ids.decode_pair("test", ids.encode("test", run)) == (run, None)


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_public_ids_sort_as_their_numbers(one: int, other: int) -> None:
    assert (one < other) == (ids.encode("run", one) < ids.encode("run", other))


@settings(deadline=None)
@given(st.text())
def test_any_text_is_an_id_or_none(text: str) -> None:
    for candidate in (text, f"run_{text}", f"run_{text[:13]:0>13}"):
        number = ids.decode("run", candidate)
        assert number is None or ids.encode("run", number) == candidate


def test_ids_grow_and_never_repeat() -> None:
    make = ids.IdMaker()
    series = in_threads(4, lambda _: [make() for _ in range(20_000)])
    assert all(one < following for made in series for one, following in itertools.pairwise(made))
    assert len({number for made in series for number in made}) == 80_000


def test_ids_grow_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([START + 1000, START + 999, 5, START + 1001])
    monkeypatch.setattr(ids, "now_ms", lambda: next(times))
    make = ids.IdMaker()
    made = [make() for _ in range(4)]
    assert made == sorted(set(made))
