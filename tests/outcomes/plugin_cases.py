"""What other plugins make of a test: coroutines, scenarios, repetitions, child processes, timeouts."""

from __future__ import annotations

from outcomes.cases import Attempt, Case, Xdist
from outcomes.tries import dead, project

_IT = "test_it > "

_ASYNC = """
import asyncio, pytest
from pytest_platform_report import step
async def shop(name):
    with step(f'open {name}'):
        await asyncio.sleep(0)
    yield [name]
    with step(f'close {name}'):
        await asyncio.sleep(0)
"""

_ASYNC_TESTS = """
async def test_a(shop):
    with step('buy'):
        await asyncio.sleep(0)
    assert shop == ['tea']
async def test_b(shop):
    await asyncio.gather(*(look(shop) for _ in range(2)))
async def look(shop):
    with step('look'):
        await asyncio.sleep(0)
        assert shop == []
"""

_ASYNC_STEPS = (("open tea", "passed"), ("buy", "passed"), ("close tea", "passed"))

_FORKED = """
import pytest
def test_a():
    pass
def test_b():
    print('in b')
    assert 1 == 2
def test_c():
    pytest.skip('later')
def test_d(tmp_path):
    pass
"""

_HANGS = """
import threading
@pytest.mark.timeout(0.5, method='{method}')
def test_a():
    if count('a') <= {times}:
        threading.Event().wait()
def test_b():
    pass
"""

_TIMED_OUT: tuple[tuple[str, Xdist, Attempt], ...] = (
    ("signal", "without", Attempt("failed", "Timeout", output="a 1\n")),
    ("thread", "with", dead("", code=1)),  # what was captured the plugin itself has taken, and has printed
)

PLUGINS = (
    Case(
        "coroutines by pytest-asyncio",
        "Other plugins",
        {_IT + "test_a": "passed", _IT + "test_b": "failed"},
        f"""{_ASYNC}
import pytest_asyncio
pytestmark = pytest.mark.asyncio
@pytest_asyncio.fixture(name='shop')
async def opened():
    async for it in shop('tea'):
        yield it
{_ASYNC_TESTS}""",
        run="failed",
        exit=1,
        steps={_IT + "test_a": _ASYNC_STEPS},
        messages={_IT + "test_b": "assert ['tea'] == []"},
        plugins=("pytest_asyncio.plugin",),
    ),
    Case(
        "coroutines by anyio",
        "Other plugins",
        {_IT + "test_a[asyncio]": "passed", _IT + "test_b[asyncio]": "failed"},
        f"""{_ASYNC}
pytestmark = pytest.mark.anyio
@pytest.fixture(params=['asyncio'])
def anyio_backend(request):
    return request.param
@pytest.fixture(name='shop')
async def opened():
    async for it in shop('tea'):
        yield it
{_ASYNC_TESTS}""",
        run="failed",
        exit=1,
        steps={_IT + "test_a[asyncio]": _ASYNC_STEPS},
        messages={_IT + "test_b[asyncio]": "assert ['tea'] == []"},
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
        "scenario outlines, a background and a missing step by pytest-bdd",
        "Other plugins",
        {
            _IT + "test_drink[tea-1]": "passed",
            _IT + "test_drink[gin-2]": "failed",
            _IT + "test_close": "failed",
        },
        files={
            "shop.feature": """
            Feature: A shop
                Background:
                    Given a shop

                Scenario Outline: Drink
                    When <drink> is bought
                    Then <number> is paid

                    Examples:
                    | drink | number |
                    | tea   | 1      |
                    | gin   | 2      |

                Scenario: Close
                    When the shop is closed
                    Then 1 is paid
            """,
            "test_it.py": """
            from pytest_bdd import given, parsers, scenarios, then, when
            scenarios('shop.feature')
            @given('a shop', target_fixture='paid')
            def shop():
                return []
            @when(parsers.parse('{drink} is bought'))
            def buy(paid, drink):
                paid.append(1)
            @then(parsers.parse('{number:d} is paid'))
            def check(paid, number):
                assert sum(paid) == number
            """,
        },
        run="failed",
        exit=1,
        steps={
            _IT + "test_drink[tea-1]": (
                ("Given a shop", "passed"),
                ("When tea is bought", "passed"),
                ("Then 1 is paid", "passed"),
            ),
            _IT + "test_drink[gin-2]": (
                ("Given a shop", "passed"),
                ("When gin is bought", "passed"),
                ("Then 2 is paid", "failed"),
            ),
            _IT + "test_close": (("Given a shop", "passed"), ("When the shop is closed", "failed")),
        },
        messages={_IT + "test_drink[gin-2]": "assert 1 == 2", _IT + "test_close": "Step definition is not found"},
        plugins=("pytest_bdd.plugin",),
    ),
    Case(
        "repetitions by pytest-repeat",
        "Other plugins",
        {
            _IT + "test_a[1-2]": "passed",
            _IT + "test_a[2-2]": "passed",
            _IT + "test_b[x-1-3]": "failed",
            _IT + "test_b[x-2-3]": "failed",
            _IT + "test_b[x-3-3]": "failed",
        },
        """
        import pytest
        def test_a():
            pass
        @pytest.mark.repeat(3)
        @pytest.mark.parametrize('name', ['x'])
        def test_b(name):
            assert name == 'y'
        """,
        args=("--count", "2"),
        run="failed",
        exit=1,
        plugins=("pytest_repeat",),
    ),
    Case(
        "the order of pytest-randomly",
        "Other plugins",
        {
            **{f"{_IT}test_a[{number}]": "failed" if number == 3 else "passed" for number in range(5)},
            **{f"{_IT}TestB > test_x[{number}]": "passed" for number in range(5)},
            _IT + "TestB > test_y": "flaky",
        },
        """
        import pytest, random
        numbers = pytest.mark.parametrize('number', range(5))
        @numbers
        def test_a(number):
            assert number != 3
        class TestB:
            @numbers
            def test_x(self, number):
                assert 0 <= random.random() < 1
            @pytest.mark.flaky(reruns=1)
            def test_y(self, request):
                assert request.node.execution_count == 2
        """,
        args=("--randomly-seed=7",),
        run="failed",
        exit=1,
        attempts={_IT + "TestB > test_y": (Attempt("failed", "assert 1 == 2"), Attempt("passed"))},
        plugins=("pytest_randomly",),
    ),
    Case(
        "pytest-forked",
        "Other plugins",
        {_IT + "test_a": "passed", _IT + "test_b": "failed", _IT + "test_c": "skipped", _IT + "test_d": "passed"},
        _FORKED,
        args=("--forked",),
        run="failed",
        exit=1,
        annotations={_IT + "test_c": ("skip",)},
        messages={_IT + "test_b": "assert 1 == 2"},
        output={_IT + "test_b": "in b"},
        plugins=("pytest_forked",),
        before=(9, 2),
    ),
    Case(
        "pytest-forked with a pytest that it cannot serve",
        "Other plugins",
        {f"{_IT}test_{name}": "failed" for name in "abcd"},
        _FORKED,
        args=("--forked",),
        run="failed",
        exit=1,
        messages={f"{_IT}test_{name}": "EXITED with status 3" for name in "abcd"},
        plugins=("pytest_forked",),
        pytest=(9, 2),
    ),
    Case(
        "a death in the child of pytest-forked",
        "Other plugins",
        {_IT + "test_a": "failed", _IT + "test_b": "failed"},
        """
        import os, signal
        def test_a():
            print('last words', flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        def test_b():
            os._exit(5)
        """,
        args=("--forked", "-s"),
        run="failed",
        exit=1,
        messages={_IT + "test_a": "CRASHED with signal 9", _IT + "test_b": "EXITED with status 5"},
        output={_IT + "test_a": "last words"},
        plugins=("pytest_forked",),
    ),
    Case(
        "pytest-timeout by signal",
        "Other plugins",
        {_IT + "test_a": "failed", _IT + "test_b": "passed"},
        files=project(_HANGS.format(method="signal", times=9)),
        run="failed",
        exit=1,
        messages={_IT + "test_a": "Timeout"},
        output={_IT + "test_a": "a 1"},
        plugins=("pytest_timeout",),
    ),
    Case(
        "pytest-timeout by ending the process",
        "Other plugins",
        {_IT + "test_a": "failed"},
        files=project(_HANGS.format(method="thread", times=9)),
        run="cancelled",
        exit=1,
        xdist="without",
        messages={_IT + "test_a": "process ended (exit code 1) while running this test"},
        plugins=("pytest_timeout",),
    ),
    Case(
        "pytest-timeout by ending the worker",
        "Other plugins",
        {_IT + "test_a": "failed", _IT + "test_b": "passed"},
        files=project(_HANGS.format(method="thread", times=9)),
        run="failed",
        exit=1,
        xdist="with",
        messages={_IT + "test_a": "process ended (exit code 1) while running this test"},
        plugins=("pytest_timeout",),
    ),
    *(
        Case(
            f"reruns with pytest-timeout by {method}",
            "Other plugins",
            {_IT + "test_a": "flaky", _IT + "test_b": "passed"},
            files=project(_HANGS.format(method=method, times=1)),
            args=("--reruns", "1"),
            xdist=xdist,
            attempts={_IT + "test_a": (first, Attempt("passed", output="a 2\n"))},
            plugins=("pytest_timeout",),
        )
        for method, xdist, first in _TIMED_OUT
    ),
)
