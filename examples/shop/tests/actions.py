"""What a customer does, each a step in the report."""

from __future__ import annotations

from shop import Cart, Order, Product, ShopClient

from pytest_platform_report import step


@step("look up {sku}")
def look_up(client: ShopClient, sku: str) -> Product:
    return client.product(sku)


@step("add {quantity} x {sku} to the cart")
def add_to_cart(client: ShopClient, cart: Cart, sku: str, quantity: int = 1) -> None:
    cart.add(look_up(client, sku), quantity)


@step
def check_out(client: ShopClient, cart: Cart) -> Order:
    with step("order"):
        order = client.order(cart)
    with step("empty the cart"):
        cart.clear()
    return order
