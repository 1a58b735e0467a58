"""What can go wrong in the shop.

ShopError
├── CartNotEmpty
├── ShopUnavailable
├── SoldOut
└── UnknownProduct
"""

from __future__ import annotations


class ShopError(Exception):
    """The root of all errors this package raises by itself."""


class CartNotEmpty(ShopError):
    """A cart was closed while products were still in it."""


class ShopUnavailable(ShopError):
    """The shop could not be reached, or answered with an error of its own."""

    def __init__(self, method: str, url: str, found: str) -> None:
        super().__init__(f"{method} {url}: expected an answer, found {found}")
        self.method = method
        self.url = url


class SoldOut(ShopError):
    """More was ordered than is left on the shelf."""

    def __init__(self, sku: str, wanted: int, left: int) -> None:
        super().__init__(f"{wanted} of {sku!r} ordered, {left} left")
        self.sku = sku
        self.wanted = wanted
        self.left = left


class UnknownProduct(ShopError):
    """The shop does not sell what was asked for."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"the shop sells no {sku!r}")
        self.sku = sku
