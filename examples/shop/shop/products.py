"""What the shop sells, and so many of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Product:
    """One article on the shelf; its price is in euros."""

    sku: str
    name: str
    price: Decimal


@dataclass(frozen=True)
class Line:
    """So many of one product."""

    product: Product
    quantity: int

    @property
    def total(self) -> Decimal:
        """What the line costs before any discount."""
        return self.product.price * self.quantity
