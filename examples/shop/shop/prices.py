"""Rounding and discounts. Every amount is in euros, a `Decimal`, and exact to the cent once it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from .products import Line

CENT = Decimal("0.01")


def to_cents(amount: Decimal) -> Decimal:
    """Round to whole cents, half a cent up, as the tax office wants it."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


class Discount(Protocol):
    """Something that makes a cart cheaper."""

    @property
    def label(self) -> str:
        """What the receipt calls it."""

    def amount(self, lines: Iterable[Line]) -> Decimal:
        """What it takes off these lines, as a positive amount."""


@dataclass(frozen=True)
class PercentOff:
    """So many percent off everything."""

    percent: int

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ValueError(f"a discount is between 0 and 100 percent, found {self.percent}")

    @property
    def label(self) -> str:
        """What the receipt calls it."""
        return f"{self.percent} % off"

    def amount(self, lines: Iterable[Line]) -> Decimal:
        """What it takes off these lines."""
        # Wrong, and known to be (SHOP-142): each line is rounded by itself, and the cents add up.
        return sum((to_cents(line.total * self.percent / 100) for line in lines), Decimal(0))


@dataclass(frozen=True)
class ThreeForTwo:
    """Every third one of a product is free."""

    sku: str

    @property
    def label(self) -> str:
        """What the receipt calls it."""
        return f"3 for 2: {self.sku}"

    def amount(self, lines: Iterable[Line]) -> Decimal:
        """What it takes off these lines."""
        free = (line.product.price * (line.quantity // 3) for line in lines if line.product.sku == self.sku)
        return sum(free, Decimal(0))
