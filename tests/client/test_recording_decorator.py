"""Steps that are whole functions: plain ones, methods, generators, coroutines."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
from recorded import outcomes, titles

from pytest_platform_report import step
from pytest_platform_report.native import now_ms
from pytest_platform_report.recording import Recording, current


@pytest.fixture
def attempt(monkeypatch: pytest.MonkeyPatch) -> Recording:
    """An attempt that runs."""
    recording = Recording(now_ms(), str)
    monkeypatch.setattr(current, "recording", recording)
    return recording


class Hostile:
    def __str__(self) -> str:
        raise SystemExit("no")


class TestDecorator:
    def test_title_is_the_functions_name(self, attempt: Recording) -> None:
        @step
        def log_in(name: str) -> str:
            """Log in."""
            return name.upper()

        assert log_in("ann") == "ANN"
        assert (log_in.__name__, log_in.__doc__) == ("log_in", "Log in.")
        assert titles(attempt) == [("log in", 0)]

    def test_methods_of_all_kinds(self, attempt: Recording) -> None:
        class Cart:
            @step("add {sku} {count} times")
            def add(self, sku: str, count: int = 1) -> int:
                return count

            @classmethod
            @step
            def of_nobody(cls) -> type:
                return cls

            @staticmethod
            @step
            def price() -> int:
                return 3

        assert Cart().add("A-1", count=2) == 2
        assert Cart.of_nobody() is Cart
        assert Cart.price() == 3
        assert [title for title, _ in titles(attempt)] == ["add A-1 2 times", "of nobody", "price"]

    def test_callable_without_a_name(self, attempt: Recording) -> None:
        assert step(functools.partial(int, base=2))("101") == 5
        assert titles(attempt) == [("partial", 0)]

    @pytest.mark.parametrize(
        ("title", "expected"),
        [
            ("of {a}", "of 1"),
            ("of {b!r:>5}", "of   'x'"),
            ("{rest} {more}", "(3,) {'c': 4}"),
            ("of {nothing}", "of {nothing}"),
            ("of {}", "of {}"),
            ("of {a.real}", "of {a.real}"),
            ("of {a:d}", "of {a:d}"),
            ("of {", "of {"),
        ],
    )
    def test_titles(self, attempt: Recording, title: str, expected: str) -> None:
        @step(title)
        def act(a: int, b: str = "x", *rest: int, **more: int) -> None:
            pass

        act(1, "x", 3, c=4)
        assert titles(attempt) == [(expected, 0)]

    def test_wrong_call_fails_as_without(self, attempt: Recording) -> None:
        @step("of {a}")
        def act(a: int) -> None:
            pass

        with pytest.raises(TypeError, match="missing 1 required positional argument: 'a'"):
            act()  # type: ignore[call-arg]

    def test_argument_that_cannot_be_shown(self, attempt: Recording) -> None:
        @step("of {thing}")
        def act(thing: object) -> None:
            pass

        act(Hostile())
        assert titles(attempt) == [("of <Hostile whose str() raised SystemExit>", 0)]

    def test_only_arguments_in_the_title_are_shown(self, attempt: Recording) -> None:
        shown: list[str] = []

        class Lazy:
            def __str__(self) -> str:
                shown.append("shown")
                return "lazy"

        @step("of {a}")
        def act(a: object, b: object) -> None:
            pass

        act(1, Lazy())
        assert shown == []
        act(Lazy(), 1)
        assert shown == ["shown"]


class TestGenerators:
    def test_step_lasts_to_the_first_yield(self, attempt: Recording) -> None:
        @step
        def fixture() -> Iterator[int]:
            with step("set up"):
                pass
            yield 1
            with step("tear down"):
                pass

        assert list(fixture()) == [1]
        assert titles(attempt) == [("fixture", 0), ("set up", 1), ("tear down", 0)]

    def test_is_the_generator_that_it_wraps(self, attempt: Recording) -> None:
        def talk() -> Any:
            heard = []
            heard.append((yield 1))
            try:
                heard.append((yield 2))
            except ValueError as error:
                heard.append(str(error))
            heard.append((yield 3))
            return heard

        def converse(generator: Any) -> list[object]:
            said = [next(generator), generator.send("a"), generator.throw(ValueError("b"))]
            with pytest.raises(StopIteration) as caught:
                generator.send("c")
            return [*said, caught.value.value]

        assert converse(step(talk)()) == converse(talk()) == [1, 2, 3, ["a", "b", "c"]]

    def test_context_manager_that_swallows_the_error(self, attempt: Recording) -> None:
        @contextmanager
        @step
        def tolerant() -> Iterator[None]:
            with suppress(ValueError):
                yield

        with tolerant():
            raise ValueError
        assert outcomes(attempt) == [("tolerant", "passed", None)]

    def test_context_manager_that_lets_it_pass(self, attempt: Recording) -> None:
        ended = []

        @contextmanager
        @step
        def tidy() -> Iterator[None]:
            try:
                yield
            finally:
                ended.append(True)

        with pytest.raises(ValueError, match="mine"), tidy():
            raise ValueError("mine")
        assert ended == [True]

    def test_closed_early(self, attempt: Recording) -> None:
        ended = []

        @step
        def numbers() -> Iterator[int]:
            try:
                yield from range(10)
            finally:
                ended.append(True)

        generator: Any = numbers()
        assert next(generator) == 0
        generator.close()
        assert ended == [True]

    def test_yields_nothing(self, attempt: Recording) -> None:
        @step
        def nothing() -> Iterator[int]:
            yield from ()

        assert list(nothing()) == []
        assert outcomes(attempt) == [("nothing", "passed", None)]


class TestAsync:
    def test_coroutine(self, attempt: Recording) -> None:
        @step("fetch {name}")
        async def fetch(name: str) -> str:
            await asyncio.sleep(0)
            with step("inside"):
                return name

        assert asyncio.run(fetch("a")) == "a"
        assert asyncio.iscoroutinefunction(fetch)
        assert titles(attempt) == [("fetch a", 0), ("inside", 1)]

    def test_generator(self, attempt: Recording) -> None:
        @step
        async def numbers() -> AsyncIterator[int]:
            yield 1
            with step("later"):
                pass
            yield 2

        async def main() -> list[int]:
            return [number async for number in numbers()]

        assert asyncio.run(main()) == [1, 2]
        assert titles(attempt) == [("numbers", 0), ("later", 0)]

    def test_generator_that_yields_nothing(self, attempt: Recording) -> None:
        @step
        async def nothing() -> AsyncIterator[int]:
            for number in list[int]():
                yield number

        async def main() -> list[int]:
            return [number async for number in nothing()]

        assert asyncio.run(main()) == []
        assert outcomes(attempt) == [("nothing", "passed", None)]

    @pytest.mark.parametrize("swallows", [True, False])
    def test_context_manager_sees_the_error(self, attempt: Recording, swallows: bool) -> None:
        seen: list[str] = []

        @asynccontextmanager
        @step
        async def session() -> AsyncIterator[str]:
            try:
                yield "open"
            except ValueError as error:
                seen.append(str(error))
                if not swallows:
                    raise
            finally:
                seen.append("closed")

        async def main() -> None:
            async with session() as state:
                raise ValueError(state)

        if swallows:
            asyncio.run(main())
        else:
            with pytest.raises(ValueError, match="open"):
                asyncio.run(main())
        assert seen == ["open", "closed"]

    def test_generator_closed_early(self, attempt: Recording) -> None:
        ended = []

        @step
        async def numbers() -> AsyncIterator[int]:
            try:
                yield 1
            finally:
                ended.append(True)

        async def main() -> None:
            generator: Any = numbers()
            assert await anext(generator) == 1
            await generator.aclose()
            assert ended == [True]

        asyncio.run(main())
