"""The tests that sessions run, in modules of at most a hundred."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_IN_A_MODULE = 100

_MIXED = """\
import logging

import pytest


@pytest.fixture(scope="module")
def shelf():
    return ["cup", "pot"]


@pytest.fixture
def basket(shelf):
    yield list(shelf)


def charge(amount):
    if amount < 0:
        raise ValueError(f"amount {amount}")
    return amount


class TestBasket:
    def test_has_all(self, basket):
        assert basket == ["cup", "pot"]

    def test_takes_more(self, basket):
        basket.append("tea")
        assert len(basket) == 3

    @pytest.mark.smoke
    def test_can_be_emptied(self, basket):
        basket.clear()
        assert not basket


@pytest.mark.parametrize("amount", [0, 1, 20, 300])
@pytest.mark.parametrize("times", [1, 2])
def test_charges(amount, times):
    assert charge(amount) * times == amount * times


def test_passes():
    pass


def test_prints(capsys):
    print("nothing of this is seen")
    assert capsys.readouterr().out


def test_is_talkative():
    for number in range(20):
        print(f"line {number} of what a test says on its way")


def test_logs():
    logging.getLogger("shop").warning("there are only %d cups left", 2)


def test_refuses_less_than_nothing():
    with pytest.raises(ValueError, match="amount"):
        charge(-1)


@pytest.mark.skip(reason="not today")
def test_is_skipped():
    pass


@pytest.mark.xfail(reason="known", strict=True)
def test_is_known_to_fail():
    assert charge(1) == 2


def test_fails_to_compare(basket):
    print("what was said before")
    assert {"basket": basket, "sum": 12} == {"basket": ["cup", "pot", "tea"], "sum": 20}


def test_fails_deeper(shelf):
    charge(-len(shelf))


"""
_IN_MIXED = 20


@dataclass(frozen=True)
class Corpus:
    """Tests of one kind.

    :ivar count: how many there are; of some kinds, a few more than were asked for.
    :ivar exit: pytest's exit status.
    """

    name: str
    count: int
    modules: tuple[str, ...]
    exit: int = 0

    def write(self, folder: Path) -> None:
        """Write the modules."""
        folder.mkdir(parents=True)
        (folder / "pytest.ini").write_text("[pytest]\nmarkers = smoke\n", encoding="utf-8")
        for number, text in enumerate(self.modules):
            (folder / f"test_{number:03}.py").write_text(text, encoding="utf-8")


def trivial(count: int) -> Corpus:
    """Return tests that do nothing."""
    return _of("trivial", count, lambda number: f"def test_{number}():\n    pass\n")


def sleeping(count: int) -> Corpus:
    """Return tests that do nothing for 10 ms."""
    return _of("sleeping", count, lambda number: f"def test_{number}():\n    sleep(0.01)\n", "from time import sleep\n")


def mixed(count: int) -> Corpus:
    """Return tests with fixtures, parameters, marks, output, expected failures and, one of ten, unexpected ones."""
    modules = max(1, round(count / _IN_MIXED))
    return Corpus("mixed", modules * _IN_MIXED, (_MIXED,) * modules, exit=1)


def _of(name: str, count: int, test: Callable[[int], str], head: str = "") -> Corpus:
    modules = []
    for first in range(0, count, _IN_A_MODULE):
        tests = [test(number) for number in range(first, min(count, first + _IN_A_MODULE))]
        modules.append("\n\n".join([head, *tests] if head else tests))
    return Corpus(name, count, tuple(modules))
