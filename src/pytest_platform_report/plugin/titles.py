"""Titles by which tests are known again in later sessions, whatever addresses their parameters' ids hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable

import pytest

from .problems import Problems

_sub_address = re.compile(r"\b0x[0-9a-fA-F]{4,}").sub
_place = pytest.StashKey[int]()


def hide_addresses(text: str) -> str:
    """Return *text* with ``0x...`` for each address, which is another one in each session."""
    return _sub_address("0x...", text) if "0x" in text else text


def title_of(item: pytest.Item) -> str:
    """Return the item's name without addresses: ``test_a[<Cup at 0x...>]``, followed by `` (2)`` for the next cup."""
    name = item.name
    if "0x" not in name:
        return name
    place = item.stash.get(_place, 1)
    return hide_addresses(name) if place == 1 else f"{hide_addresses(name)} ({place})"


class TitleHooks:
    """Counts the tests of one function that differ by addresses only.

    That is done where all of them are made, in the order of their parameters: which of them are selected, in which
    order and by which worker they run, changes nothing.
    """

    def __init__(self, guard: Problems) -> None:
        self._guard = guard

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Called for each module and class."""
        report = yield
        try:
            _count(report.result or ())
        except Exception as error:
            self._guard(error)
        return report


def _count(collected: Iterable[pytest.Item | pytest.Collector]) -> None:
    places: Counter[str] = Counter()
    for item in collected:
        if "0x" in item.name:
            title = hide_addresses(item.name)
            places[title] += 1
            item.stash[_place] = places[title]
