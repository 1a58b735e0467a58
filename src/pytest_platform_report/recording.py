"""What test code may record of its own attempt: steps and files.

The plugin puts the running attempt into :data:`current`; where there is none (reporting is off, no test runs), steps
and files come to nothing.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Generator
from contextvars import ContextVar
from threading import get_ident as _get_thread
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from .native import now_ms
from .text import MESSAGE_LIMIT, shorten, shorten_name, show

__all__ = ["attach", "step"]

STEPS_LIMIT = 1000
_SKIPS = ("Skipped", "SkipTest")  # of pytest and of unittest, neither of which is imported here

P = ParamSpec("P")
R = TypeVar("R")


class OpenStep:
    """A step that has begun in an attempt, and all that is known of it.

    :ivar outer: the step that it is inside of.
    :ivar start: milliseconds from the attempt's start; ``duration`` is None until the step is closed.
    """

    __slots__ = ("category", "duration", "error", "outer", "recording", "start", "status", "title")

    def __init__(self, recording: Recording, title: str, category: str, start: float, outer: OpenStep | None) -> None:
        self.recording = recording
        self.title = title
        self.category = category
        self.start = start
        self.outer = outer
        self.duration: float | None = None
        self.status = "passed"
        self.error = ""

    def close(self, error: BaseException | None, at: float) -> None:
        """Close it at a moment, milliseconds since 1970; *error* is what ended it."""
        self.duration = at - self.recording.start - self.start
        if error is not None:
            self.fail(error)

    def holds(self, other: OpenStep | None) -> bool:
        """Tell whether *other* is this step or inside of it."""
        while other is not None and other is not self:
            other = other.outer
        return other is self

    def end_with(self, at: float, failure: str | None) -> None:
        """Close what nothing has closed: with the step around it if that is over, else with the attempt, at *at*."""
        if self.outer is not None and self.outer.duration is not None:
            at = self.recording.start + self.outer.start + self.outer.duration
            failure = self.outer.error if self.outer.status == "failed" else None
        self.close(None, at)
        if failure is not None:
            self.status, self.error = "failed", failure

    def fail(self, error: BaseException) -> None:
        """Say what ended it."""
        kind = type(error).__name__
        self.status = "skipped" if kind in _SKIPS else "failed"
        self.error = shorten(self.recording.redact(f"{kind}: {show(error)}"), MESSAGE_LIMIT)


class Recording:
    """The steps of a running attempt.

    :ivar start: when the attempt began, milliseconds since 1970.
    :ivar thread: the thread that the test runs in.
    :ivar innermost: the innermost open step of that thread, which those of other threads are inside of.
    :ivar steps: all that have begun, in that order.
    """

    __slots__ = ("_cut", "innermost", "redact", "start", "steps", "thread")

    def __init__(self, start: float, redact: Callable[[str], str]) -> None:
        self.start = start
        self.redact = redact
        self.thread = _get_thread()
        self.innermost: OpenStep | None = None
        self.steps: list[OpenStep] = []
        self._cut = 0

    def open(
        self, title: str, category: str = "action", at: float | None = None, *, is_fit: bool = False
    ) -> OpenStep | None:
        """Begin a step inside the innermost one, now or at a moment; None where there are too many.

        :param is_fit: whether the title has been redacted and shortened.
        """
        if len(self.steps) >= STEPS_LIMIT:
            self._cut += 1
            return None
        start = (now_ms() if at is None else at) - self.start
        if not is_fit:
            title = shorten_name(self.redact(title))
        opened = OpenStep(self, title, category, start if start > 0.0 else 0.0, self._around())
        self.steps.append(opened)
        return opened

    def _around(self) -> OpenStep | None:
        """Return the step that one that begins now is inside of.

        A thread brings none along, and a task perhaps that of an attempt or of a fixture's setup that is over.
        """
        around = _innermost.get()
        while around is not None and around.duration is not None:
            around = around.outer
        if around is not None and around.recording is self:
            return around
        around = self.innermost
        if _get_thread() == self.thread:  # whatever tasks take turns with this one, it is for this fixture that it runs
            while around is not None and around.category != "fixture":
                around = around.outer
        return around

    def enclose(self, step: OpenStep) -> None:
        """Move the steps inside *step* that were made while it ran, where it is noted when it is over."""
        end = step.start + (step.duration or 0.0)
        for other in self.steps:
            middle = other.start + (other.duration or 0.0) / 2
            if other is not step and other.outer is step.outer and step.start <= middle <= end:
                other.outer = step

    def passed_steps(self) -> list[tuple[str, str, float, float, int | None]] | None:
        """Return title, category, start, duration and the number of the step around each; None if there is more to say.

        Where all are closed and passed, which is true of most tests, there is not.
        """
        steps, told = self.steps, []
        for step in steps:
            duration = step.duration
            if duration is None or step.status != "passed" or step.error:
                return None
            around = None if step.outer is None else steps.index(step.outer)
            told.append((step.title, step.category, step.start, max(duration, 0.0), around))
        return None if self._cut else told

    def describe(self, at: float, failure: str | None) -> list[dict[str, Any]]:
        """Return the journal's steps, when the attempt is over at *at*, by a failure or without one."""
        if not self.steps:
            return []
        numbers = {id(step): number for number, step in enumerate(self.steps)}
        described = []
        for step in self.steps:
            if step.duration is None:
                step.end_with(at, failure)
            noted = {
                "title": step.title,
                "category": step.category,
                "status": step.status,
                "start": step.start,
                "duration": max(step.duration or 0.0, 0.0),
            }
            if step.outer is not None:
                noted["parent"] = numbers[id(step.outer)]
            if step.error:
                noted["error"] = step.error
            described.append(noted)
        if self._cut:
            mark = f"[... {self._cut:,} further steps cut ...]"
            cut = {"title": mark, "category": "action", "status": "passed", "start": at - self.start, "duration": 0.0}
            described.append(cut)
        return described


class FileKeeper(Protocol):
    """Keeps a file with the test that runs."""

    def __call__(self, source: str | os.PathLike[str] | bytes, name: str | None, type: str | None) -> None:
        """Copy *source* into the run folder and note it; raise nothing."""


class _Current:
    __slots__ = ("keep_file", "recording")

    def __init__(self) -> None:
        self.recording: Recording | None = None
        self.keep_file: FileKeeper | None = None


current = _Current()


_innermost: ContextVar[OpenStep | None] = ContextVar("pytest_platform_report_innermost", default=None)


class Inside:
    """What is entered and left around what a step stands for.

    :ivar step: the step, None where no test runs or there are too many.
    """

    __slots__ = ("_before", "step")

    def __init__(self, title: str, category: str = "action", *, is_fit: bool = False) -> None:
        recording = current.recording
        self.step = step = None if recording is None else recording.open(title, category, is_fit=is_fit)
        if recording is not None and step is not None:
            self._before = _innermost.get()
            _innermost.set(step)
            if _get_thread() == recording.thread:
                recording.innermost = step

    def leave(self, error: BaseException | None) -> None:
        """Close the step; *error* is what ended it."""
        step = self.step
        if step is None:
            return
        # A fixture may leave its own steps open inside; and async fixtures are left in another context than entered.
        if step.holds(_innermost.get()):
            _innermost.set(self._before)
        if step.holds(step.recording.innermost):
            step.recording.innermost = step.outer
        step.close(error, now_ms())


class _Step:
    """A step: a context manager, and a decorator that opens one a call."""

    __slots__ = ("_entered", "_title")

    def __init__(self, title: str) -> None:
        self._title = title
        self._entered: list[Inside] = []  # several, where one object is entered again inside itself or by other threads

    def __enter__(self) -> None:
        self._entered.append(Inside(self._title))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        innermost = _innermost.get()
        entered = next((each for each in self._entered if each.step is innermost), self._entered[-1])
        self._entered.remove(entered)
        entered.leave(error)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        return _decorate(function, self._title)


@overload
def step(title: str) -> _Step: ...
@overload
def step(title: Callable[P, R]) -> Callable[P, R]: ...
def step(title: str | Callable[P, R]) -> _Step | Callable[P, R]:
    """Record a named step of the running test.

    As a context manager, ``with step("log in"):``; as a decorator, ``@step`` (titled by the function's name) or
    ``@step("add {sku} to the cart")``, with the function's arguments filled in. Steps nest. On a generator, such as a
    fixture, the step is what runs up to its first ``yield``.
    """
    if isinstance(title, str):
        return _Step(title)
    name = getattr(title, "__name__", type(title).__name__)
    return _decorate(title, name.replace("_", " "))


def attach(source: str | os.PathLike[str] | bytes, name: str | None = None, type: str | None = None) -> None:
    """Attach a file to the running test, from its path or as bytes; it is copied at once.

    :param name: the file's name on the platform; by default the path's.
    :param type: ``screenshot``, ``video``, ``trace``, ``report`` or ``attachment``; by default the name's ending tells.
    """
    if current.keep_file is not None:
        current.keep_file(source, name, type)


def _decorate(function: Callable[P, R], title: str) -> Callable[P, R]:
    fill = _make_filler(function, title)
    wrapped: Any = function

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def in_step(*args: P.args, **kwargs: P.kwargs) -> Any:
            with _Step(fill(args, kwargs)):
                return await wrapped(*args, **kwargs)

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def in_step(*args: P.args, **kwargs: P.kwargs) -> Any:
            return (yield from _first_in_step(wrapped(*args, **kwargs), fill(args, kwargs)))

    elif inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def in_step(*args: P.args, **kwargs: P.kwargs) -> Any:
            generator = wrapped(*args, **kwargs)
            try:
                with _Step(fill(args, kwargs)):
                    try:
                        value = await anext(generator)
                    except StopAsyncIteration:
                        return
                while True:
                    try:
                        sent = yield value
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        value = await generator.athrow(error)
                    else:
                        value = await generator.asend(sent)
            except StopAsyncIteration:
                return
            finally:
                await generator.aclose()

    else:

        @functools.wraps(function)
        def in_step(*args: P.args, **kwargs: P.kwargs) -> Any:
            with _Step(fill(args, kwargs)):
                return function(*args, **kwargs)

    return in_step  # type: ignore[return-value]  # one wrapper of four, each of the function's own kind


def _first_in_step(generator: Generator[Any, Any, Any], title: str) -> Generator[Any, Any, Any]:
    """Do as ``yield from generator`` does, with what comes before the first value in a step."""
    try:
        with _Step(title):
            try:
                value = next(generator)
            except StopIteration as stop:
                return stop.value
        while True:
            try:
                sent = yield value
            except GeneratorExit:
                generator.close()
                raise
            except BaseException as error:
                value = generator.throw(error)
            else:
                value = generator.send(sent)
    except StopIteration as stop:
        return stop.value


def _make_filler(function: Callable[..., Any], title: str) -> Callable[[tuple[Any, ...], dict[str, Any]], str]:
    if "{" not in title:
        return lambda args, kwargs: title
    signature = inspect.signature(function)

    def fill(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if current.recording is None:
            return title
        try:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return title.format_map(_Shown(bound.arguments))
        except (TypeError, LookupError, AttributeError, ValueError):
            return title  # a wrong call fails on its own; a wrong title is no reason to fail

    return fill


class _Shown(dict[str, Any]):
    """A call's arguments as texts, made of those alone that a title asks for."""

    def __getitem__(self, name: str) -> str:
        return show(super().__getitem__(name))
