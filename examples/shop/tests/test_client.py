"""The shelf over HTTP: products, search and stock."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest
import requests
import responses
from fake_shop import URL
from shop import ShopClient, ShopUnavailable, UnknownProduct

from pytest_platform_report import step

logger = logging.getLogger(__name__)


class TestProducts:
    @pytest.mark.smoke
    @pytest.mark.parametrize(
        ("sku", "price"),
        [
            ("oolong", "4.50"),
            ("menthe", "3.20"),
            ("genmaicha 玄米茶", "6.40"),
        ],
        ids=[None, "thé menthe, chaud ou glacé", None],
    )
    def test_price(self, client: ShopClient, sku: str, price: str) -> None:
        assert client.product(sku).price == Decimal(price)

    def test_the_shop_sells_no_coffee(self, client: ShopClient) -> None:
        with pytest.raises(UnknownProduct, match="sells no 'coffee'"):
            client.product("coffee")

    def test_search_reads_every_page(self, client: ShopClient) -> None:
        with step("search for tea"):
            found = [product.sku for product in client.search("tea")]
        logger.info("found %d products", len(found))
        assert found == ["oolong", "assam", "sencha", "matcha", "teapot"]


class TestStock:
    class TestWhileItIsCounted:
        @pytest.mark.flaky(reruns=2)
        def test_the_shelf_is_counted(self, client: ShopClient) -> None:
            """Flaky: the server answers 503 once, then it has counted."""
            with step("count the matcha"):
                logger.info("asking for the stock of matcha")
                assert client.stock("matcha") == 3

        @pytest.fixture
        def sencha_left(self, client: ShopClient) -> int:
            with step("count the sencha"):
                return client.stock("sencha")

        @pytest.mark.flaky(reruns=2)
        def test_the_shelf_is_counted_beforehand(self, sencha_left: int) -> None:
            """Flaky as well, but it is the fixture that fails the first time."""
            assert sencha_left == 12

    def test_a_shop_that_cannot_be_reached(self) -> None:
        with responses.RequestsMock() as mock, requests.Session() as session:
            mock.get(f"{URL}/stock/oolong", body=requests.ConnectionError("connection refused"))
            with pytest.raises(ShopUnavailable, match="no connection: connection refused"):
                ShopClient(URL, session).stock("oolong")
