"""The shop over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import requests

from .cart import Cart
from .errors import ShopUnavailable, SoldOut, UnknownProduct
from .products import Product

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """An order the shop has taken."""

    id: str
    total: Decimal


class ShopClient:
    """Talks to one shop; the session is the caller's, to be closed by the caller."""

    def __init__(self, url: str, session: requests.Session, timeout: float = 5.0) -> None:
        self.url = url.rstrip("/")
        self._session = session
        self._timeout = timeout

    def product(self, sku: str) -> Product:
        """Look one product up."""
        response = self._send("GET", f"/products/{sku}")
        if response.status_code == requests.codes.not_found:
            raise UnknownProduct(sku)
        return _product(response.json())

    def search(self, text: str) -> Iterator[Product]:
        """Find products by their name, one page of answers after the other."""
        page: int | None = 1
        while page is not None:
            answer = self._send("GET", "/products", params={"q": text, "page": str(page)}).json()
            yield from map(_product, answer["products"])
            page = answer["next"]

    def stock(self, sku: str) -> int:
        """Count what is left on the shelf."""
        count: int = self._send("GET", f"/stock/{sku}").json()["count"]
        return count

    def order(self, cart: Cart, coupon: str | None = None) -> Order:
        """Order what is in the cart."""
        body = {
            "lines": [
                {"sku": line.product.sku, "quantity": line.quantity, "unit_price": str(line.product.price)}
                for line in cart.lines
            ],
            "coupon": coupon,
            # Wrong on purpose, see the README: the discounts are forgotten, it has to be the total.
            "total": str(cart.subtotal),
        }
        response = self._send("POST", "/orders", json=body)
        answer = response.json()
        if response.status_code == requests.codes.conflict:
            raise SoldOut(answer["sku"], wanted=answer["wanted"], left=answer["left"])
        return Order(answer["id"], Decimal(answer["total"]))

    def pay(self, order: Order, method: str) -> str:
        """Pay an order and return the number of the payment."""
        number: str = self._send("POST", "/payments", json={"order": order.id, "method": method}).json()["number"]
        return number

    def _send(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, json: Any = None
    ) -> requests.Response:
        url = self.url + path
        try:
            response = self._session.request(method, url, params=params, json=json, timeout=self._timeout)
        except requests.RequestException as error:
            raise ShopUnavailable(method, url, f"no connection: {error}") from error
        logger.info("%s %s: %d", method, response.url, response.status_code)
        if response.status_code >= 500:
            raise ShopUnavailable(method, url, f"{response.status_code} {response.reason}: {response.text}")
        return response


def _product(answer: Mapping[str, str]) -> Product:
    return Product(answer["sku"], answer["name"], Decimal(answer["price"]))
