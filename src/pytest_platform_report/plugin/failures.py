"""Say why a phase failed, was skipped, or was expected to fail, from what pytest knows of it."""

from __future__ import annotations

import io
import os
from typing import Any

import _pytest
import pluggy
import pytest
from _pytest._io import TerminalWriter

from ..journal.records import Record
from ..redact import Redact, Redactor
from ..text import MESSAGE_LIMIT, STACK_LIMIT, shorten
from .comparison import Comparison

_FRAMEWORK = tuple(os.path.dirname(str(module.__file__)) + os.sep for module in (_pytest, pluggy))
_SHOWN_WHOLE = ("auto", "long")
_WIDTH = 80


def describe_failure(
    item: pytest.Item,
    report: pytest.TestReport,
    excinfo: pytest.ExceptionInfo[BaseException] | None,
    comparison: Comparison | None,
    redact: Redactor,
) -> Record:
    """Return the journal's failure of a failed phase."""
    longrepr: Any = report.longrepr
    crash = getattr(longrepr, "reprcrash", None)
    stack = _render(item, longrepr, excinfo)
    message = crash.message if crash is not None else stack
    if not message and excinfo is not None:
        message = excinfo.exconly(tryshort=True)
    location = ""
    if crash is not None and not crash.path.startswith(_FRAMEWORK):  # as the groups are that it makes of errors
        location = f"{_relative(crash.path, f'{item.config.rootpath}{os.sep}')}:{crash.lineno}"
    if comparison is None or not comparison.belongs_to(message):
        comparison = Comparison.of_unittest(excinfo.tb) if excinfo is not None else None
    compared = () if comparison is None else (comparison.expected, comparison.actual)
    told = "" if stack == message else stack
    message, told, location, *values = redact.each(message, told, location, *compared)
    failure: Record = {"phase": report.when, "message": shorten(message, MESSAGE_LIMIT)}
    if told:
        failure["stack"] = shorten(told, STACK_LIMIT)
    if location:
        failure["location"] = location
    if values:
        failure["expected"], failure["actual"] = values
    return failure


def describe_outcome(report: pytest.TestReport, redact: Redact) -> Record | None:
    """Return the annotation of a phase that was skipped or was expected to fail; None of any other."""
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        type_ = "xpass" if report.outcome == "passed" else "xfail"
        return _annotate(type_, str(expected).removeprefix("reason: "), redact)
    if report.outcome != "skipped":
        return None
    return _annotate("skip", describe_skip(report.longrepr), redact)


def _annotate(type_: str, description: str, redact: Redact) -> Record:
    return {"type": type_, "description": shorten(redact(description), MESSAGE_LIMIT)}


def describe_skip(longrepr: Any) -> str:
    """Return a skip's reason and the place that it comes from."""
    if isinstance(longrepr, (tuple, list)) and len(longrepr) == 3:
        path, line, reason = longrepr
        return f"{str(reason).removeprefix('Skipped: ')} ({path}:{line})"
    return str(longrepr)


def describe_collection(longrepr: Any) -> tuple[str, str]:
    """Return message and stack of a module that could not be collected."""
    stack = str(longrepr)
    errors = [line[1:].strip() for line in stack.splitlines() if line.startswith("E  ")]
    return (errors[-1] if errors else stack.strip().partition("\n")[0]), stack


def _relative(path: str, root: str) -> str:
    """Return a path as the platform names files: from the project's root where it is inside of that."""
    return path[len(root) :].replace(os.sep, "/") if path.startswith(root) else path


def _render(item: pytest.Item, longrepr: Any, excinfo: pytest.ExceptionInfo[BaseException] | None) -> str:
    style = item.config.getoption("tbstyle", "auto")
    if style in _SHOWN_WHOLE or excinfo is None or not hasattr(longrepr, "reprcrash"):
        return _to_text(longrepr)

    # --tb=no, line and native are for the terminal; who reads the report was not there.
    def cut(info: pytest.ExceptionInfo[BaseException]) -> Any:
        own = info.traceback.filter(lambda entry: not str(entry.path).startswith(_FRAMEWORK))
        return (own or info.traceback).filter(info)

    return _to_text(excinfo.getrepr(style="long", tbfilter=cut))


def _to_text(longrepr: Any) -> str:
    """Return what pytest would print, with the first line's indentation, which ``str`` takes off."""
    if not hasattr(longrepr, "toterminal"):
        return str(longrepr)
    page = _Page()
    longrepr.toterminal(page)
    return "".join(page.pieces).strip("\n")


class _Page(TerminalWriter):  # type: ignore[misc]  # final, and all that is known of what longreprs write to
    """What pytest prints, without what a terminal needs: where lines end there, and in which colours they are."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._file = io.StringIO()
        self._terminal_width = _WIDTH
        self._current_line = ""
        self.hasmarkup = self.code_highlight = False  # which are asked of the environment otherwise

    def write(self, msg: str, *, flush: bool = False, **markup: bool) -> None:
        self.pieces.append(msg)

    def line(self, s: str = "", **markup: bool) -> None:
        self.pieces += (s, "\n")
