"""What other plugins make of a test: scenarios, coroutines, timeouts."""

from __future__ import annotations

from outcomes.cases import Case

_IT = "test_it > "

PLUGINS = (
    Case(
        "coroutines by pytest-asyncio",
        "Other plugins",
        {_IT + "test_a": "passed", _IT + "test_b": "failed"},
        """
        import asyncio, pytest
        from pytest_platform_report import step
        @pytest.mark.asyncio
        async def test_a():
            with step('wait'):
                await asyncio.sleep(0)
        @pytest.mark.asyncio
        async def test_b():
            await asyncio.sleep(0)
            assert 1 == 2
        """,
        run="failed",
        exit=1,
        steps={_IT + "test_a": (("wait", "passed"),)},
        plugins=("pytest_asyncio.plugin",),
    ),
    Case(
        "coroutines by anyio",
        "Other plugins",
        {_IT + "test_a[asyncio]": "passed"},
        """
        import anyio, pytest
        from pytest_platform_report import step
        @pytest.fixture
        def anyio_backend():
            return 'asyncio'
        @pytest.mark.anyio
        async def test_a():
            with step('wait'):
                await anyio.sleep(0)
        @pytest.fixture(params=['asyncio'])
        def anyio_backend(request):
            return request.param
        """,
        steps={_IT + "test_a[asyncio]": (("wait", "passed"),)},
        plugins=("anyio.pytest_plugin",),
    ),
    Case(
        "scenarios by pytest-bdd",
        "Other plugins",
        {_IT + "test_buy": "passed", _IT + "test_sell": "failed"},
        files={
            "shop.feature": """
            Feature: A shop
                Scenario: Buy
                    Given a shop
                    When tea is bought
                    Then the shelf is empty
                Scenario: Sell
                    Given a shop
                    Then the shelf is empty
            """,
            "test_it.py": """
            from pytest_bdd import given, scenario, then, when
            @scenario('shop.feature', 'Buy')
            def test_buy():
                pass
            @scenario('shop.feature', 'Sell')
            def test_sell():
                pass
            @given('a shop', target_fixture='shelf')
            def shop():
                return ['tea']
            @when('tea is bought')
            def buy(shelf):
                shelf.clear()
            @then('the shelf is empty')
            def empty(shelf):
                assert shelf == []
            """,
        },
        run="failed",
        exit=1,
        steps={
            _IT + "test_buy": (
                ("Given a shop", "passed"),
                ("When tea is bought", "passed"),
                ("Then the shelf is empty", "passed"),
            ),
            _IT + "test_sell": (("Given a shop", "passed"), ("Then the shelf is empty", "failed")),
        },
        plugins=("pytest_bdd.plugin",),
    ),
    Case(
        "pytest-timeout by signal",
        "Other plugins",
        {_IT + "test_a": "failed", _IT + "test_b": "passed"},
        "import threading\ndef test_a():\n    threading.Event().wait()\ndef test_b():\n    pass\n",
        args=("--timeout=0.5", "--timeout-method=signal"),
        run="failed",
        exit=1,
        messages={_IT + "test_a": "Timeout"},
        plugins=("pytest_timeout",),
    ),
    Case(
        "pytest-timeout by ending the process",
        "Other plugins",
        {_IT + "test_a": "passed", _IT + "test_b": "failed"},
        "import threading\ndef test_a():\n    pass\ndef test_b():\n    threading.Event().wait()\n",
        args=("--timeout=0.5", "--timeout-method=thread"),
        run="cancelled",
        exit=1,
        xdist="without",
        messages={_IT + "test_b": "process ended (exit code 1) while running this test"},
        plugins=("pytest_timeout",),
    ),
)
