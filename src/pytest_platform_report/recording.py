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
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from .native import now_ms
from .text import MESSAGE_LIMIT, shorten, shorten_name

__all__ = ["attach", "step"]

STEPS_LIMIT = 1000
_SKIPS = ("Skipped", "SkipTest")  # of pytest and of unittest, neither of which is imported here

P = ParamSpec("P")
R = TypeVar("R")


class Recording:
    """The steps of a running attempt, as the journal will have them."""

    __slots__ = ("cut", "redact", "start", "steps")

    def __init__(self, start: float, redact: Callable[[str], str]) -> None:
        self.start = start
        self.redact = redact
        self.steps: list[dict[str, Any]] = []
        self.cut = 0

    def add(self, step: dict[str, Any]) -> bool:
        """Add a step, unless there are too many; return whether it was."""
        if len(self.steps) >= STEPS_LIMIT:
            self.cut += 1
            return False
        self.steps.append(step)
        return True

    def finish(self, at: float) -> list[dict[str, Any]]:
        """Return the steps, and one more that says how many were left out."""
        if not self.cut:
            return self.steps
        mark = {
            "title": f"[... {self.cut:,} further steps cut ...]",
            "category": "action",
            "status": "passed",
            "start": round(at - self.start, 2),
            "duration": 0.0,
            "depth": 0,
        }
        return [*self.steps, mark]


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


class _Open:
    """An open step, the one around it, and what is noted of it: None where nothing is."""

    __slots__ = ("depth", "noted", "outer", "recording")

    def __init__(self, title: str, outer: _Open | None) -> None:
        recording = current.recording
        self.recording = recording
        self.outer = outer
        # A thread or a task may bring along the step of an attempt that is over.
        self.depth: int = outer.depth + 1 if outer is not None and outer.recording is recording else 0
        self.noted: dict[str, Any] | None = None
        if recording is None:
            return
        noted = {
            "title": shorten_name(recording.redact(title)),
            "category": "action",
            "status": "passed",
            "start": round(now_ms() - recording.start, 2),
            "duration": 0.0,
            "depth": self.depth,
        }
        if recording.add(noted):
            self.noted = noted

    def close(self, kind: type[BaseException] | None, error: BaseException | None) -> None:
        noted, recording = self.noted, self.recording
        if noted is None or recording is None:
            return
        noted["duration"] = round(now_ms() - recording.start - noted["start"], 2)
        if kind is not None:
            noted["status"] = "skipped" if kind.__name__ in _SKIPS else "failed"
            noted["error"] = shorten(recording.redact(f"{kind.__name__}: {_show(error)}"), MESSAGE_LIMIT)


_innermost: ContextVar[_Open | None] = ContextVar("pytest_platform_report_innermost", default=None)


class _Step:
    """A step: a context manager, and a decorator that opens one a call."""

    __slots__ = ("_opened", "_title")

    def __init__(self, title: str) -> None:
        self._title = title
        self._opened: list[_Open] = []  # several, where one object is entered again inside itself or by other threads

    def __enter__(self) -> None:
        opened = _Open(self._title, _innermost.get())
        self._opened.append(opened)
        _innermost.set(opened)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        opened = _innermost.get()
        if opened in self._opened:
            self._opened.remove(opened)
            _innermost.set(opened.outer)
        else:  # left in another context than it was entered in, as async fixtures do
            opened = self._opened.pop()
        opened.close(kind, error)

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
        return _show(super().__getitem__(name))


def _show(value: object) -> str:
    """Return ``str(value)``, whatever the tested code's ``__str__`` does."""
    try:
        return str(value)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        return f"<{type(value).__name__} whose str() raised {type(error).__name__}>"
