"""Steps and files that test code records of its own attempt."""

from __future__ import annotations

import asyncio
import threading
import unittest
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path

import pytest
from recorded import outcomes, steps, titles

from pytest_platform_report import attach, step
from pytest_platform_report.native import now_ms
from pytest_platform_report.recording import STEPS_LIMIT, Inside, Recording, current
from pytest_platform_report.redact import MASK, make_redactor
from pytest_platform_report.text import MESSAGE_LIMIT, NAME_LIMIT

SECRET = "prk_live_0123456789abcdef"


def new_attempt() -> Recording:
    return Recording(now_ms(), make_redactor([SECRET]))


@pytest.fixture
def attempt(monkeypatch: pytest.MonkeyPatch) -> Recording:
    """An attempt that runs."""
    recording = new_attempt()
    monkeypatch.setattr(current, "recording", recording)
    return recording


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current, "recording", None)
    monkeypatch.setattr(current, "keep_file", None)


class TestNesting:
    def test_depth_and_order(self, attempt: Recording) -> None:
        with step("a"), step("b"):
            with step("c"):
                pass
            with step("d"):
                pass
        with step("e"):
            pass
        assert titles(attempt) == [("a", 0), ("b", 1), ("c", 2), ("d", 2), ("e", 0)]

    def test_times_count_from_the_attempts_start(self, attempt: Recording) -> None:
        with step("a"), step("b"):
            pass
        outer, inner = steps(attempt)
        assert 0 <= outer.start <= inner.start
        assert 0 <= inner.duration <= outer.duration

    def test_one_step_object_inside_itself(self, attempt: Recording) -> None:
        again = step("again")
        with again:
            with again:
                pass
            with step("after"):
                pass
        with again:
            pass
        assert titles(attempt) == [("again", 0), ("again", 1), ("after", 1), ("again", 0)]

    def test_one_step_object_in_tasks_that_take_turns(self, attempt: Recording) -> None:
        shared = step("shared")

        async def work(mine: asyncio.Event, others: asyncio.Event) -> None:
            with shared:
                mine.set()
                await others.wait()
            with step("after"):
                pass

        async def main() -> None:
            first, second = asyncio.Event(), asyncio.Event()
            await asyncio.gather(work(first, second), work(second, first))

        asyncio.run(main())
        assert sorted(titles(attempt)) == [("after", 0), ("after", 0), ("shared", 0), ("shared", 0)]

    def test_left_in_another_context_than_entered(self, attempt: Recording) -> None:
        opened = step("opened")
        copy_context().run(opened.__enter__)
        with step("between"):
            pass
        copy_context().run(opened.__exit__, ValueError, ValueError("late"), None)
        assert outcomes(attempt) == [("opened", "failed", "ValueError: late"), ("between", "passed", None)]
        assert titles(attempt) == [("opened", 0), ("between", 0)]

    def test_thread_goes_on_inside_what_the_test_does(self, attempt: Recording) -> None:
        def work() -> None:
            with step("in thread"), step("deeper"):
                pass

        with step("outer"):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            with step("inner"):
                pass
        assert titles(attempt) == [("outer", 0), ("in thread", 1), ("deeper", 2), ("inner", 1)]

    def test_what_a_fixtures_task_brings_along_is_inside_its_teardown(self, attempt: Recording) -> None:
        setup = Inside("tea", "fixture")
        with step("boil"):
            brought = copy_context()
        setup.leave(None)
        teardown = Inside("tea", "fixture")
        with step("clean"):
            brought.run(step("pour").__enter__)
            copy_context().run(step("rinse").__enter__)
        teardown.leave(None)
        assert titles(attempt) == [("tea", 0), ("boil", 1), ("tea", 0), ("clean", 1), ("rinse", 2), ("pour", 1)]

    def test_tasks_go_on_from_where_they_were_made(self, attempt: Recording) -> None:
        async def work(name: str, mine: asyncio.Event, others: asyncio.Event) -> None:
            with step(name):
                mine.set()
                await others.wait()
                with step(f"{name} inner"):
                    pass

        async def main() -> None:
            first, second = asyncio.Event(), asyncio.Event()
            with step("outer"):
                await asyncio.gather(work("a", first, second), work("b", second, first))

        asyncio.run(main())
        assert titles(attempt)[0] == ("outer", 0)
        assert set(titles(attempt)[1:]) == {("a", 1), ("b", 1), ("a inner", 2), ("b inner", 2)}

    def test_step_of_an_attempt_that_is_over_is_no_parent(
        self, attempt: Recording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        following = new_attempt()
        with step("outer"):
            monkeypatch.setattr(current, "recording", following)
            with step("of the next attempt"):
                pass
        assert titles(following) == [("of the next attempt", 0)]

    def test_step_that_outlives_its_attempt_counts_from_its_start(
        self, attempt: Recording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        attempt.start -= 10_000
        with step("outer"):
            monkeypatch.setattr(current, "recording", new_attempt())
        assert 0 <= steps(attempt)[0].duration < 10_000


class TestEnds:
    def test_error(self, attempt: Recording) -> None:
        with pytest.raises(ValueError, match="no such cart"), step("outer"), step("inner"):
            raise ValueError("no such cart")
        error = "ValueError: no such cart"
        assert outcomes(attempt) == [("outer", "failed", error), ("inner", "failed", error)]

    @pytest.mark.parametrize("skip", [pytest.skip.Exception, unittest.SkipTest])
    def test_skip(self, attempt: Recording, skip: type[BaseException]) -> None:
        with pytest.raises(skip), step("a"):
            raise skip("not today")
        assert [(title, status) for title, status, _ in outcomes(attempt)] == [("a", "skipped")]

    def test_failure_and_interrupt_pass_through(self, attempt: Recording) -> None:
        with pytest.raises(pytest.fail.Exception, match="enough"), step("a"):
            pytest.fail("enough")
        with pytest.raises(KeyboardInterrupt), step("b"):
            raise KeyboardInterrupt
        assert outcomes(attempt) == [("a", "failed", "Failed: enough"), ("b", "failed", "KeyboardInterrupt: ")]

    def test_error_that_cannot_be_shown(self, attempt: Recording) -> None:
        class Odd(Exception):
            def __str__(self) -> str:
                raise SystemExit("no")

        with pytest.raises(Odd), step("a"):
            raise Odd
        assert outcomes(attempt) == [("a", "failed", "Odd: <Odd whose str() raised SystemExit>")]

    def test_texts_are_bounded_and_redacted(self, attempt: Recording) -> None:
        with pytest.raises(ValueError, match=SECRET), step(f"with {SECRET}" + "x" * 10_000):
            raise ValueError(f"{SECRET}\x1b[0m" + "x" * 100_000)
        (noted,) = steps(attempt)
        assert noted.title.startswith(f"with {MASK}xxx")
        assert len(noted.title) < NAME_LIMIT + 60
        assert noted.error is not None
        assert noted.error.startswith(f"ValueError: {MASK}xxx")
        assert len(noted.error) < MESSAGE_LIMIT + 60

    def test_only_so_many(self, attempt: Recording) -> None:
        for _ in range(STEPS_LIMIT + 7):
            with step("a"):
                pass
        noted = titles(attempt)
        assert len(noted) == STEPS_LIMIT + 1
        assert noted[-2:] == [("a", 0), ("[... 7 further steps cut ...]", 0)]

    @pytest.mark.parametrize("failure", [None, "ValueError: too hot"])
    def test_step_that_is_still_open_when_its_attempt_ends(self, attempt: Recording, failure: str | None) -> None:
        opened = step("left open")
        opened.__enter__()
        (noted,) = steps(attempt, failure)
        assert (noted.status, noted.error) == ("failed" if failure else "passed", failure)
        opened.__exit__(None, None, None)

    def test_step_that_is_noted_when_it_is_over_gets_what_was_inside(self, attempt: Recording) -> None:
        with step("around"):
            with step("before"):
                pass
            begun = now_ms()
            with step("inner"), step("innermost"):
                pass
            late = attempt.open("late", "assertion", begun)
            assert late is not None
            late.close(None, now_ms())
            attempt.enclose(late)
            with step("after"):
                pass
        assert titles(attempt) == [
            ("around", 0),
            ("before", 1),
            ("late", 1),
            ("inner", 2),
            ("innermost", 3),
            ("after", 1),
        ]


@pytest.mark.usefixtures("off")
class TestOff:
    def test_steps_come_to_nothing(self) -> None:
        @step("of {a}")
        def act(a: object) -> int:
            return 1

        with step("a"):
            assert act(1) == 1

    def test_arguments_are_not_even_looked_at(self) -> None:
        shown: list[bool] = []

        class Watched:
            def __str__(self) -> str:
                shown.append(True)
                return "shown"

        @step("of {a}")
        def act(a: object) -> None:
            pass

        act(Watched())
        assert shown == []

    def test_attempt_that_begins_inside_a_step_does_not_get_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        recording = new_attempt()
        with step("before"):
            monkeypatch.setattr(current, "recording", recording)
        assert titles(recording) == []

    def test_files_come_to_nothing(self, tmp_path: Path) -> None:
        attach(tmp_path / "missing.png")
        attach(b"bytes", "name.txt", "attachment")
        assert list(tmp_path.iterdir()) == []


def test_files_go_to_the_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[object, ...]] = []
    keeper: Callable[..., None] = lambda *arguments: kept.append(arguments)  # noqa: E731
    monkeypatch.setattr(current, "keep_file", keeper)
    attach("a.png")
    attach(b"x", name="b.bin", type="attachment")
    assert kept == [("a.png", None, None), (b"x", "b.bin", "attachment")]
