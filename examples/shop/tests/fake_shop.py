"""The shop's server, played by `responses`: a shelf, its stock, orders and payments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import responses
from requests import PreparedRequest

URL = "https://shop.test"
PAGE = 2

SHELF = {
    "oolong": ("Oolong tea", "4.50", 40),
    "assam": ("Assam tea", "3.80", 25),
    "sencha": ("Sencha tea", "5.20", 12),
    "matcha": ("Matcha tea", "18.90", 3),
    "menthe": ("Thé menthe", "3.20", 60),
    "teapot": ("Iron teapot", "34.00", 2),
    "genmaicha 玄米茶": ("Genmaicha", "6.40", 8),
}

Answer = tuple[int, dict[str, str], str]


def answer(status: int, body: Mapping[str, Any] | str) -> Answer:
    return status, {}, body if isinstance(body, str) else json.dumps(body)


class FakeShop:
    """Lives as long as the session, as a server would: a test that is run again meets the same one."""

    def __init__(self) -> None:
        self.stock = {sku: count for sku, (_, _, count) in SHELF.items()}
        self.orders: list[dict[str, Any]] = []
        # The first question about these finds the count not ready, each one after it is answered.
        self._counting = {"matcha", "sencha"}

    def open(self, mock: responses.RequestsMock) -> None:
        """Answer all requests that go through this mock."""
        mock.add_callback("GET", re.compile(rf"{URL}/products/.+"), self._product)
        mock.add_callback("GET", re.compile(rf"{URL}/products\?.+"), self._search)
        mock.add_callback("GET", re.compile(rf"{URL}/stock/.+"), self._stock)
        mock.add_callback("POST", f"{URL}/orders", self._order)
        mock.add_callback("POST", f"{URL}/payments", self._payment)

    def _product(self, request: PreparedRequest) -> Answer:
        sku = _last_part(request)
        return answer(200, _product(sku)) if sku in SHELF else answer(404, {"error": f"no product {sku}"})

    def _search(self, request: PreparedRequest) -> Answer:
        query: dict[str, str] = request.params  # type: ignore[attr-defined]  # responses adds it
        found = [sku for sku, (name, _, _) in SHELF.items() if query["q"].lower() in name.lower()]
        page = int(query["page"])
        more = len(found) > page * PAGE
        products = [_product(sku) for sku in found[(page - 1) * PAGE : page * PAGE]]
        return answer(200, {"products": products, "next": page + 1 if more else None})

    def _stock(self, request: PreparedRequest) -> Answer:
        sku = _last_part(request)
        if sku in self._counting:
            self._counting.remove(sku)
            return answer(503, f"the stock of {sku} is being counted")
        return answer(200, {"sku": sku, "count": self.stock[sku]})

    def _order(self, request: PreparedRequest) -> Answer:
        order: dict[str, Any] = json.loads(request.body or "")
        for line in order["lines"]:
            sku, wanted, left = line["sku"], line["quantity"], self.stock[line["sku"]]
            if wanted > left:
                return answer(409, {"sku": sku, "wanted": wanted, "left": left})
        for line in order["lines"]:
            self.stock[line["sku"]] -= line["quantity"]
        self.orders.append(order)
        return answer(201, {"id": f"A-{len(self.orders):04}", "total": order["total"]})

    def _payment(self, request: PreparedRequest) -> Answer:
        payment = json.loads(request.body or "")
        if payment["method"] == "voucher":
            return answer(503, "vouchers cannot be redeemed before Monday")
        return answer(201, {"number": f"{payment['order']}/{payment['method']}"})


def _last_part(request: PreparedRequest) -> str:
    return unquote((request.url or "").rpartition("/")[2])


def _product(sku: str) -> dict[str, str]:
    name, price, _ = SHELF[sku]
    return {"sku": sku, "name": name, "price": price}
