"""What plugins make of a test: reruns, subtests, scenarios, coroutines, timeouts, distribution."""

from __future__ import annotations

from outcomes.cases import Case

_IT = "test_it > "

_COUNTED = """
from pathlib import Path
def fails_until(attempt):
    told = Path(__file__).with_suffix('.count')
    count = int(told.read_text()) + 1 if told.exists() else 1
    told.write_text(str(count))
    print(f'attempt {count}')
    assert count >= attempt
"""

_MIXED = """
import pytest
@pytest.mark.parametrize('number', range(8))
def test_a(number):
    assert number != 3
class TestB:
    def test_x(self):
        pass
    def test_y(self):
        pytest.skip('later')
"""

_MIXED_EXPECTED = {
    **{f"{_IT}test_a[{number}]": "failed" if number == 3 else "passed" for number in range(8)},
    _IT + "TestB > test_x": "passed",
    _IT + "TestB > test_y": "skipped",
}

_RERUNS = (
    Case(
        "a rerun that passes",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "passed"},
        files={
            "counted.py": _COUNTED,
            "test_it.py": "from counted import fails_until\n"
            "def test_a():\n    fails_until(3)\n"
            "def test_b():\n    pass\n",
        },
        args=("--reruns", "3"),
        attempts={_IT + "test_a": ("failed", "failed", "passed")},
        output={_IT + "test_a": "attempt 3"},
    ),
    Case(
        "reruns that all fail",
        "Reruns",
        {_IT + "test_a": "failed"},
        "def test_a():\n    assert 1 == 2\n",
        args=("--reruns", "1"),
        run="failed",
        exit=1,
        attempts={_IT + "test_a": ("failed", "failed")},
        messages={_IT + "test_a": "assert 1 == 2"},
    ),
    Case(
        "a rerun by mark, after an error in setup",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files={
            "counted.py": _COUNTED,
            "test_it.py": """
            import pytest
            from counted import fails_until
            @pytest.fixture
            def shaky():
                fails_until(2)
            @pytest.mark.flaky(reruns=2)
            def test_a(shaky):
                pass
            """,
        },
        attempts={_IT + "test_a": ("failed", "passed")},
        pytest=(8, 2),  # before it, a fixture that failed could not be set up again
    ),
    Case(
        "a rerun after an error in teardown",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files={
            "counted.py": _COUNTED,
            "test_it.py": """
            import pytest
            from counted import fails_until
            @pytest.fixture
            def shaky():
                yield
                fails_until(2)
            @pytest.mark.flaky(reruns=2)
            def test_a(shaky):
                pass
            """,
        },
        attempts={_IT + "test_a": ("failed", "passed")},
    ),
    Case(
        "the flaky plugin: a repetition that passes",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files={
            "counted.py": _COUNTED,
            "test_it.py": "from counted import fails_until\n"
            "from flaky import flaky\n@flaky(max_runs=3)\ndef test_a():\n    fails_until(2)\n",
        },
        attempts={_IT + "test_a": ("failed", "passed")},
        plugins=("flaky.flaky_pytest_plugin",),
    ),
    Case(
        "the flaky plugin: repeated passes",
        "Reruns",
        {_IT + "test_a": "passed"},
        "from flaky import flaky\n@flaky(max_runs=2, min_passes=2)\ndef test_a():\n    pass\n",
        attempts={_IT + "test_a": ("passed", "passed")},
        plugins=("flaky.flaky_pytest_plugin",),
    ),
)

_KINDS = (
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

_XDIST = (
    *(
        Case(
            f"--dist {mode}",
            "Distribution",
            _MIXED_EXPECTED,
            _MIXED,
            args=("--dist", mode),
            run="failed",
            exit=1,
            xdist="with",
        )
        for mode in ("load", "loadscope", "loadfile", "worksteal")
    ),
    Case(
        "--dist loadgroup",
        "Distribution",
        {_IT + "test_a[a@b]": "passed", _IT + "test_b": "passed"},
        """
        import pytest
        @pytest.mark.xdist_group('one')
        @pytest.mark.parametrize('x', ['a@b'])
        def test_a(x):
            pass
        @pytest.mark.xdist_group('one')
        def test_b():
            pass
        """,
        args=("--dist", "loadgroup"),
        xdist="with",
    ),
    Case(
        "--dist each",
        "Distribution",
        {_IT + "test_a": "passed"},
        "def test_a():\n    pass\n",
        args=("--dist", "each"),
        xdist="with",
        twice=True,
    ),
    Case(
        "--keep-duplicates",
        "Distribution",
        {_IT + "test_a": "passed"},
        "def test_a():\n    pass\n",
        args=("--keep-duplicates", "test_it.py", "test_it.py"),
        xdist="without",
        twice=True,
    ),
    Case(
        "one worker",
        "Distribution",
        _MIXED_EXPECTED,
        _MIXED,
        args=("-n", "1"),
        run="failed",
        exit=1,
        xdist="with",
        workers=1,
    ),
    Case("-n 0", "Distribution", {_IT + "test_a": "passed"}, "def test_a():\n    pass\n", args=("-n", "0"), workers=1),
)

PLUGINS = (*_RERUNS, *_KINDS, *_XDIST)
