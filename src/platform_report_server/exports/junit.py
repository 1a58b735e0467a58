"""JUnit XML as pytest writes it and CI servers read it; tests that were run again as Surefire writes them.

A test is one case, whose last attempt decides. One suite element a suite: results may arrive in any order, and the
element begins with counts, so the cases wait in a file.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement, tostring

from platform_report_server import ids
from platform_report_server.clock import iso
from platform_report_server.db.queries.lanes import started_at
from platform_report_server.db.queries.runs import totals_of
from platform_report_server.db.queries.tests import TestRow
from platform_report_server.exports.names import COLLECTION, REASONS, REPORT_ID, junit_names
from platform_report_server.exports.source import Entry, Source
from platform_report_server.exports.spill import SIGN_OF_LIFE, Spill
from platform_report_server.model import Annotation, Attempt, Step, TestError
from platform_report_server.shown import without_colours

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KIND = re.compile(r"[A-Za-z_][\w.]{0,200}(?:Error|Exception|Exit|Failed|Interrupt|Warning)\b")
_TOLD_OTHERWISE = (REPORT_ID, *REASONS)
_OUTCOMES = ("failures", "errors", "skipped")


@dataclass
class _Suite:
    file: str
    duration: float = 0.0
    start: int | None = None
    counts: Counter[str] = field(default_factory=Counter)


def pieces(source: Source) -> Iterator[bytes]:
    """Give out the file."""
    yield b'<?xml version="1.0" encoding="utf-8"?>\n'
    with Spill(source.drafts) as spill:
        suites: dict[str, _Suite] = {}
        for number, entry in enumerate(source.entries(), 1):
            class_name, name = junit_names(entry.row)
            suite = suites.setdefault(class_name or name, _Suite(entry.row.file_path or ""))
            case, outcome = _case(entry, class_name, name)
            suite.counts.update(("tests", outcome))
            suite.duration += entry.row.duration
            start = started_at(entry.row)
            if start is not None:
                suite.start = min(start, suite.start or start)
            spill.add(class_name or name, _xml(case) + b"\n")
            if not number % SIGN_OF_LIFE:
                yield b"\n"
        yield from _assembled(source, suites, spill)


def _assembled(source: Source, suites: dict[str, _Suite], spill: Spill) -> Iterator[bytes]:
    run = source.run
    counts = sum((suite.counts for suite in suites.values()), Counter[str]())
    head = Element("testsuites", _clean({"name": run.title or source.project, **_counted(counts)}))
    head.set("time", _seconds(totals_of(run).duration))
    yield _opened(head)
    for name, suite in suites.items():
        told = {"name": name, **_counted(suite.counts), "time": _seconds(suite.duration)}
        told |= {"timestamp": iso(suite.start or run.created_at), "file": suite.file}
        element = Element("testsuite", _clean(told))
        if run.hostname:
            element.set("hostname", _allowed(run.hostname))
        yield _opened(element)
        yield _xml(_properties(_of_run(source))) + b"\n"
        yield from spill.read(name)
        yield b"</testsuite>\n"
    yield b"</testsuites>\n"


def _of_run(source: Source) -> dict[str, str]:
    run = source.run
    told = {"run": ids.encode("run", run.id), "branch": run.branch, "commit": run.commit_sha, "build": run.ci_build_url}
    return {name: value for name, value in told.items() if value}


def _case(entry: Entry, class_name: str, name: str) -> tuple[Element, str]:
    """Return the element of a test, and what it counts as."""
    row, detail = entry.row, entry.detail
    told = {"classname": class_name, "name": name, "time": _seconds(row.duration), "file": row.file_path or ""}
    case = Element("testcase", _clean(told))
    if detail.line is not None:
        case.set("line", str(detail.line))
    properties = _properties_of(entry)
    if len(properties):
        case.append(properties)
    outcome = "passed"
    if entry.status == "failed":
        outcome = "errors" if _is_beside_the_call(row, detail.steps) else "failures"
        case.append(_failure("error" if outcome == "errors" else "failure", detail.error))
        _add_reruns(case, "rerun", row, _before_the_last(detail.attempts))
    elif entry.status == "skipped":
        outcome = "skipped"
        case.append(_skipped(detail.annotations))
    elif entry.status == "flaky":
        _add_reruns(case, "flaky", row, _before_the_last(detail.attempts))
    _add_output(case, detail.stdout, detail.stderr)
    return case, outcome


def _properties_of(entry: Entry) -> Element:
    told: dict[str, list[str]] = defaultdict(list)
    for note in entry.detail.annotations:
        if note.type not in _TOLD_OTHERWISE:
            told[note.type].append(note.description or "")
    told["tag"] += entry.detail.tags
    found = _properties({})
    for name, values in told.items():
        for value in values:
            SubElement(found, "property", _clean({"name": name, "value": value}))
    return found


def _properties(told: dict[str, str]) -> Element:
    element = Element("properties")
    for name, value in told.items():
        SubElement(element, "property", _clean({"name": name, "value": value}))
    return element


def _failure(tag: str, error: TestError | None) -> Element:
    said = error or TestError("no message")
    kind = _KIND.match(said.message)
    element = Element(tag, _clean({"message": said.message, "type": kind[0] if kind else "failure"}))
    element.text = _allowed(said.stack or said.message)
    return element


def _skipped(notes: Iterable[Annotation]) -> Element:
    for note in notes:
        if note.type in REASONS:
            element = Element("skipped", _clean({"type": f"pytest.{note.type}", "message": note.description or ""}))
            element.text = _allowed(note.description or "")
            return element
    return Element("skipped", {"message": ""})


def _before_the_last(attempts: Sequence[Attempt] | None) -> list[Attempt]:
    return [each for each in (attempts or ())[:-1] if each.status == "failed"]


def _add_reruns(case: Element, prefix: str, row: TestRow, attempts: Iterable[Attempt]) -> None:
    for attempt in attempts:
        kind = "Error" if _is_beside_the_call(row, attempt.steps) else "Failure"
        told = _failure(prefix + kind, attempt.error)
        told.text, stack = None, told.text
        SubElement(told, "stackTrace").text = stack
        _add_output(told, attempt.stdout, attempt.stderr)
        case.append(told)


def _add_output(element: Element, stdout: str | None, stderr: str | None) -> None:
    for tag, text in (("system-out", stdout), ("system-err", stderr)):
        if text:
            SubElement(element, tag).text = _allowed(text)


def _is_beside_the_call(row: TestRow, steps: Iterable[Step]) -> bool:
    """Tell whether a failure is of a fixture or of the collection, which pytest calls an error."""
    failed = {step.title for step in steps if step.category == "hook" and step.status == "failed"}
    return row.title == COLLECTION or (bool(failed & {"setup", "teardown"}) and "call" not in failed)


def _counted(counts: Counter[str]) -> dict[str, str]:
    return {name: str(counts[name]) for name in ("tests", *_OUTCOMES)}


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.3f}"


def _allowed(text: str) -> str:
    """Return text with nothing in it that XML forbids."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", without_colours(text))


def _clean(told: dict[str, str]) -> dict[str, str]:
    return {name: _allowed(value) for name, value in told.items()}


def _xml(element: Element) -> bytes:
    return bytes(tostring(element, "utf-8"))


def _opened(element: Element) -> bytes:
    """Return an element without children, as its beginning alone."""
    return _xml(element).removesuffix(b" />") + b">\n"
