"""Say why a phase failed, was skipped, or was expected to fail, from what pytest knows of it."""

from __future__ import annotations

import io
import os
from typing import Any

import _pytest
import pluggy
import pytest
from _pytest._io import TerminalWriter
from _pytest._io.saferepr import saferepr  # what pytest itself shows values with; it has no public name

from ..journal.records import Record
from ..redact import Redact
from ..text import MESSAGE_LIMIT, STACK_LIMIT, shorten

_VALUE_LIMIT = 8 * 1024
_FRAMEWORK = tuple(os.path.dirname(str(module.__file__)) + os.sep for module in (_pytest, pluggy))
_SHOWN_WHOLE = ("auto", "long")


def show(value: object, limit: int) -> str:
    """Return a value as pytest shows it, also where its ``repr`` raises what pytest lets through, as SystemExit."""
    try:
        return saferepr(value, maxsize=limit)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return f"<{type(value).__name__} whose repr() raised {type(error).__name__}>"


class Comparison:
    """The last comparison that pytest explained: it belongs to an error only where the error repeats it."""

    __slots__ = ("actual", "expected", "summary")

    def __init__(self, summary: str, left: object, right: object) -> None:
        self.summary = summary
        self.actual = show(left, _VALUE_LIMIT)
        self.expected = show(right, _VALUE_LIMIT)


def describe_failure(
    item: pytest.Item,
    report: pytest.TestReport,
    excinfo: pytest.ExceptionInfo[BaseException] | None,
    comparison: Comparison | None,
    redact: Redact,
) -> Record:
    """Return the journal's failure of a failed phase."""
    longrepr: Any = report.longrepr
    crash = getattr(longrepr, "reprcrash", None)
    stack = _render(item, longrepr, excinfo)
    message = crash.message if crash is not None else stack
    if not message and excinfo is not None:
        message = excinfo.exconly(tryshort=True)
    failure: Record = {"phase": report.when, "message": shorten(redact(message), MESSAGE_LIMIT)}
    if stack != message:
        failure["stack"] = shorten(redact(stack), STACK_LIMIT)
    if comparison is not None and comparison.summary in message:
        failure["expected"] = redact(comparison.expected)
        failure["actual"] = redact(comparison.actual)
    return failure


def describe_outcome(report: pytest.TestReport, redact: Redact) -> Record | None:
    """Return the annotation of a phase that was skipped or was expected to fail; None of any other."""
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        type_ = "xpass" if report.outcome == "passed" else "xfail"
        return {"type": type_, "description": redact(str(expected).removeprefix("reason: "))}
    if report.outcome != "skipped":
        return None
    return {"type": "skip", "description": redact(describe_skip(report.longrepr))}


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
    page = io.StringIO()
    longrepr.toterminal(TerminalWriter(page))
    return page.getvalue().strip("\n")
