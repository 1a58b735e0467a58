"""A client for a small tea shop: look at the shelf, fill a cart, order, pay."""

from .cart import Cart
from .client import Order, ShopClient
from .errors import CartNotEmpty, ShopError, ShopUnavailable, SoldOut, UnknownProduct
from .prices import Discount, PercentOff, ThreeForTwo, to_cents
from .products import Line, Product

__all__ = [
    "Cart",
    "CartNotEmpty",
    "Discount",
    "Line",
    "Order",
    "PercentOff",
    "Product",
    "ShopClient",
    "ShopError",
    "ShopUnavailable",
    "SoldOut",
    "ThreeForTwo",
    "UnknownProduct",
    "to_cents",
]
