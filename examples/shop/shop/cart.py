"""The cart: lines, discounts, totals and the receipt."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from .errors import CartNotEmpty
from .prices import Discount, to_cents
from .products import Line, Product

_NAME, _COUNT, _AMOUNT = 18, 12, 8


class Cart:
    """What a customer is about to buy, in the order it was put in."""

    def __init__(self, discounts: Iterable[Discount] = ()) -> None:
        self.discounts = tuple(discounts)
        self._lines: dict[str, Line] = {}

    @property
    def lines(self) -> tuple[Line, ...]:
        """One line a product."""
        return tuple(self._lines.values())

    def add(self, product: Product, quantity: int = 1) -> None:
        """Put so many of a product into the cart, on top of those already there."""
        if quantity < 1:
            raise ValueError(f"a quantity is 1 or more, found {quantity} of {product.sku!r}")
        known = self._lines.get(product.sku)
        self._lines[product.sku] = Line(product, quantity + (known.quantity if known else 0))

    def remove(self, sku: str) -> None:
        """Take a product out, however many there are of it."""
        self._lines.pop(sku, None)

    def clear(self) -> None:
        """Take everything out."""
        self._lines.clear()

    def close(self) -> None:
        """Give the cart back. It has to be empty: what is in it is held back for this customer."""
        if self._lines:
            held = ", ".join(f"{line.quantity} x {line.product.name}" for line in self.lines)
            raise CartNotEmpty(f"the cart still holds {held}: order it or clear the cart before closing it")

    @property
    def subtotal(self) -> Decimal:
        """The price of all lines without the discounts."""
        return to_cents(sum((line.total for line in self.lines), Decimal(0)))

    @property
    def total(self) -> Decimal:
        """What the customer pays; never less than nothing."""
        off = sum((discount.amount(self.lines) for discount in self.discounts), Decimal(0))
        return max(to_cents(self.subtotal - off), Decimal("0.00"))

    def receipt(self) -> str:
        """The cart as it is printed, one line a product."""
        rows = [(line.product.name, f"{line.quantity} x {line.product.price}", line.total) for line in self.lines]
        # Wrong on purpose, see the README: what is taken off has to be printed with a minus.
        rows += [(discount.label, "", discount.amount(self.lines)) for discount in self.discounts]
        rows.append(("Total", "", self.total))
        return "\n".join(f"{name:<{_NAME}}{count:>{_COUNT}}{amount:>{_AMOUNT}.2f}" for name, count, amount in rows)
