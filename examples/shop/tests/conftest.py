"""A shop to test against, and carts to fill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import responses
from actions import add_to_cart
from fake_shop import URL, FakeShop
from shop import Cart, PercentOff, ShopClient

from pytest_platform_report import step


@pytest.fixture(scope="session")
def fake_shop() -> FakeShop:
    return FakeShop()


@pytest.fixture
def client(fake_shop: FakeShop) -> Iterator[ShopClient]:
    with (
        responses.RequestsMock(assert_all_requests_are_fired=False) as mock,
        requests.Session() as session,
    ):
        with step("open the shop"):
            fake_shop.open(mock)
        yield ShopClient(URL, session)


@pytest.fixture
@step("fill the cart")
def tea_cart(client: ShopClient) -> Cart:
    """A cart with a spring discount."""
    cart = Cart([PercentOff(10)])
    add_to_cart(client, cart, "oolong", 2)
    add_to_cart(client, cart, "menthe")
    return cart


@pytest.fixture
def borrowed_cart() -> Iterator[Cart]:
    """A cart that has to be given back empty."""
    with step("borrow a cart"):
        cart = Cart()
    yield cart
    with step("give the cart back"):
        cart.close()
