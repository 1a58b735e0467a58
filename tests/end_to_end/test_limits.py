"""The bounds of docs/limits.md: what goes beyond them is cut, and the cut is marked."""

from __future__ import annotations

import re
from pathlib import Path

from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project
from pytest_platform_report.journal import segment
from pytest_platform_report.notes import NOTES_LIMIT
from pytest_platform_report.plugin import attempt, comparison, described, fitting
from pytest_platform_report.recording import STEPS_LIMIT
from pytest_platform_report.text import MESSAGE_LIMIT, NAME_LIMIT, OUTPUT_LIMIT, STACK_LIMIT

_PAGE = Path(__file__).parents[2] / "docs/limits.md"
_KB = 1024

_TESTS = """
    import sys
    import unittest

    import pytest

    from pytest_platform_report import step

    def test_output():
        print("head " + "o" * 1_000_000 + " tail")
        print("head " + "e" * 1_000_000 + " tail", file=sys.stderr)

    def test_error():
        class Odd(Exception):
            def __str__(self):
                return "head " + "m" * 1_000_000 + " tail"

        raise Odd

    def test_values():
        assert ["a" * 100_000] == ["b" * 100_000]

    def test_steps():
        for number in range(1_500):
            with step(f"step {number}"):
                pass

    def test_property(record_property):
        record_property("long", "head " + "p" * 1_000_000 + " tail")

    @pytest.mark.skip(reason="head " + "r" * 1_000_000 + " tail")
    def test_reason(): pass

    @pytest.mark.parametrize("value", ["v" * 10_000], ids=["n" * 100_000])
    def test_name(value): pass

    class Case(unittest.TestCase):
        def test_subtests(self):
            for number in range(150):
                with self.subTest(number=number):
                    raise ValueError(number)
"""


def test_the_page_has_the_bounds_of_the_code() -> None:
    rows = dict(re.findall(r"^\| ([^|]+?) +\| ([^|]+?) +\|", _PAGE.read_text(), re.MULTILINE))
    assert {row: rows[row] for row in rows if row not in ("what", "---")} == {
        "standard output, standard error with log messages, of each attempt": f"{OUTPUT_LIMIT // _KB} KiB",
        "stack of an error": f"{STACK_LIMIT // _KB} KiB",
        "message of an error or of a step, reason, description of an annotation": f"{MESSAGE_LIMIT // _KB} KiB",
        "expected and actual value of a comparison": f"{comparison.VALUE_LIMIT // _KB} KiB",
        "value of a parameter": f"{described.PARAMETER_LIMIT} characters",
        "name or title of a test, name of a step, a tag or a file's path": f"{NAME_LIMIT // _KB} KiB",
        "steps of an attempt": f"{STEPS_LIMIT:,}",
        "tags and annotations that an attempt tells": f"{NOTES_LIMIT:,}",
        "subtests of an attempt that are told of as failures": f"{attempt.FAILURES_LIMIT}",
        "suites, tags or annotations of a test or a run that a hook has changed": f"{fitting.LIST_LIMIT:,}",
        "records that a full disk keeps from being written": f"{segment.KEPT_BYTES // _KB**2} MiB a process",
    }


def test_each_is_kept_to_and_its_cut_is_marked(target: Target, project: Project) -> None:
    project.write("test_it.py", _TESTS)
    project.run()
    run = read_run(target)

    def is_cut(text: str, limit: int) -> bool:
        assert len(text) <= limit + 100
        return "characters cut ...]" in text and text.startswith("head ") and text.rstrip("\n").endswith(" tail")

    output = run.test("test_output")
    assert is_cut(output["stdout"], OUTPUT_LIMIT)
    assert is_cut(output["stderr"], OUTPUT_LIMIT)
    error = run.test("test_error")["error"]
    assert "characters cut ...]" in error["message"]
    assert len(error["message"]) <= MESSAGE_LIMIT + 100
    assert "characters cut ...]" in error["stack"]
    assert len(error["stack"]) <= STACK_LIMIT + 100
    values = run.test("test_values")["error"]
    assert "..." in values["expected"]
    assert len(values["expected"]) <= comparison.VALUE_LIMIT
    assert is_cut(run.annotations("test_property")["long"], MESSAGE_LIMIT)
    reason = run.annotations("test_reason")["skip"]
    assert "characters cut ...]" in reason
    assert len(reason) <= MESSAGE_LIMIT + 100
    (named,) = [test for test in run.tests if test["title"].startswith("test_name[")]
    assert len(named["title"]) <= NAME_LIMIT
    parameter = run.annotations(named["title"])["parameter"]
    assert len(parameter) <= described.PARAMETER_LIMIT + len("value=")
    titles = [step["title"] for step in run.test("test_steps")["steps"] if step["category"] == "action"]
    assert titles[-2:] == [f"step {STEPS_LIMIT - 1}", "[... 500 further steps cut ...]"]
    stack = run.test("test_subtests")["error"]["stack"]
    assert "[... 50 further failures cut ...]" in stack
    assert "number=99" in stack
    assert "number=100" not in stack
