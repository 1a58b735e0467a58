"""The hooks of projects: what they change of a run and its tests, what fails in them, and the page about them."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path

from end_to_end.platforms import Target
from end_to_end.readback import own_steps, read_run
from end_to_end.sessions import Project
from end_to_end.test_docs import Page
from end_to_end.test_secrets import holders
from pytest_platform_report import descriptions, hookspecs, plugin

_PAGE = Path(__file__).parents[2] / "docs/hooks.md"
_SECRET = "ghp_" + 36 * "c"

_CONFTEST = """
    import pytest

    from pytest_platform_report import Annotation, attach

    begun, ended = pytest.StashKey[int](), pytest.StashKey[int]()

    def pytest_platform_run(config, run):
        run.title += ", the evening's"
        run.tags += ["controller" if not hasattr(config, "workerinput") else "worker", "{secret}"]
        run.metadata |= {{"stage": "test", "key": "{secret}", "pytest": "my own"}}

    def pytest_platform_begin(item, test):
        item.stash[begun] = item.stash.get(begun, 0) + 1
        if "unseen" in item.name:
            test.drop()
        if item.name == "test_named":
            test.title = "what it is for\\n{secret}"
            test.tags[:] = ["smoke", "@slow"]
            test.annotate("owner", "ada" + "a" * 20_000)
            test.annotations.append(Annotation("key", "{secret}"))

    def pytest_platform_end(item, test):
        item.stash[ended] = item.stash.get(ended, 0) + 1
        if "forgotten" in item.name:
            test.drop()
            attach(b"of a forgotten one", name="forgotten.txt")
            return
        if test.outcome != "passed":
            attach(test.outcome.encode(), name=item.name + ".txt")
        calls = (item.stash[begun], item.stash[ended], len(test.attempts))
        test.annotate("calls", "begun {{}}, ended {{}}, {{}} attempts".format(*calls))
        if item.name == "test_inside":
            assert test.title == "told by itself"
            test.title = "shown {secret}"
        test.tags += [attempt.outcome for attempt in test.attempts]
        for attempt in test.attempts:
            assert attempt.duration >= 0
            attempt.stdout = attempt.stdout.replace("canary", "bird")
            attempt.annotations = [Annotation(each.type, "hidden") for each in attempt.annotations]
            for part in (*attempt.failures, *attempt.steps):
                for name, value in vars(part).items():
                    if isinstance(value, str):
                        setattr(part, name, value.replace("canary", "bird"))

    @pytest.hookimpl(trylast=True)
    def pytest_platform_artifact(item, artifact):
        if item is None:
            assert (artifact.type, artifact.size) == ("report", 22)
            return artifact.name != "left.zip"
        if artifact.name == "source.log":
            assert (artifact.type, artifact.size) == ("attachment", 7)
            assert artifact.source.endswith("source.log")
            return False
        assert artifact.source is None
"""

_OF_A_FOLDER = """
    import pytest

    def pytest_platform_begin(item, test):
        test.suites.insert(0, "Inner")
        test.suites.pop()

    def pytest_platform_artifact(artifact):
        return artifact.name != "mine.log" and None
"""

_TESTS = """
    import pytest

    from pytest_platform_report import attach, step

    @pytest.mark.fast
    def test_named(): pass

    def test_unseen():
        attach(b"unseen", name="unseen.log")
        print("canary")
        assert not "canary"

    def test_forgotten():
        attach(b"content", name="forgotten.log")
        print("canary")

    ran = []

    @pytest.mark.flaky(reruns=1)
    def test_again():
        ran.append(1)
        print("canary", len(ran))
        assert len(ran) == 2, "canary"

    def test_fails(tmp_path):
        (tmp_path / "source.log").write_text("content")
        attach(tmp_path / "source.log")
        attach(b"content", name="kept.log")
        with step("look at the canary"):
            assert "canary" == "dog"

    @pytest.mark.skip(reason="the canary sleeps")
    def test_skipped(): pass
"""

_INNER_TESTS = """
    from pytest_platform_report import attach, title

    def test_inside():
        title("told by itself")
        attach(b"content", name="mine.log")
        attach(b"content", name="yours.log")
"""

_OUTCOMES = {
    "test_it > what it is for [redacted]": "passed",
    "test_it > test_again": "flaky",
    "test_it > test_fails": "failed",
    "test_it > test_skipped": "skipped",
    "Inner > test_inside": "passed",
}


def test_a_say_in_what_is_recorded(target: Target, project: Project, workers: int) -> None:
    project.write("conftest.py", _CONFTEST.format(secret=_SECRET))
    project.write("test_it.py", _TESTS)
    project.write("inner/conftest.py", _OF_A_FOLDER)
    project.write("inner/test_inner.py", _INNER_TESTS)
    for name in ("kept.zip", "left.zip"):
        project.write(name, "PK\5\6" + 18 * "\0")
    ended = project.run("--platform-artifact=report:*.zip", "--platform-tag=given", workers=workers)
    assert ended.exit == 1
    assert "failed, and what" not in ended.out
    assert "5 tests run, 5 acknowledged" in ended.out
    run = read_run(target)
    run.check_totals()
    assert run.outcomes == _OUTCOMES
    assert run.fields["runTitle"] == f"{project.root.name}, the evening's"
    assert [tag for tag in run.fields["tags"] if ":" not in tag] == ["given", "controller", "[redacted]"]
    assert [run.fields["metadata"][name] for name in ("stage", "key", "pytest")] == ["test", "[redacted]", "my own"]

    named = run.test("what it is for [redacted]")
    told = run.annotations(named["title"])
    assert named["tags"] == ["@smoke", "@slow", "@passed"]
    assert told["key"] == "[redacted]"
    assert re.fullmatch(r"adaa+\n\[\.\.\. 3,619 characters cut \.\.\.\]\na+", told["owner"])
    again = run.test("test_again")
    assert run.annotations("test_again")["calls"] == "begun 1, ended 1, 2 attempts"
    assert again["tags"] == ["@flaky", "@failed", "@passed"]
    assert [attempt["stdout"] for attempt in again["attempts"]] == ["bird 1\n", "bird 2\n"]
    failed = run.test("test_fails")
    assert failed["error"]["message"].startswith("AssertionError: assert 'bird' == 'dog'")
    assert own_steps(failed)[0]["title"] == "look at the bird"
    assert run.annotations("test_skipped")["skip"] == "hidden"

    assert run.test("Inner > test_inside")["title"] == "shown [redacted]"

    assert {(each["fileName"], each["testId"] and _title_of(run.tests, each["testId"])) for each in run.artifacts} == {
        ("test_again.txt", "test_again"),
        ("test_fails.txt", "test_fails"),
        ("test_skipped.txt", "test_skipped"),
        ("kept.log", "test_fails"),
        ("yours.log", "shown [redacted]"),
        ("kept.zip", None),
    }
    assert "canary" not in repr(run)
    assert _SECRET not in repr(run)
    assert holders(project.spool, _SECRET) == []
    assert holders(project.spool, "canary") == []


def _title_of(tests: list[dict[str, object]], test_id: str) -> object:
    (test,) = [test for test in tests if test["id"] == test_id]
    return test["title"]


_FAILING_CONFTEST = """
    import pytest

    def pytest_platform_run(run):
        run.tags.append("never")
        run.metadata = None

    def pytest_platform_begin(item, test):
        test.title = "never"
        test.drop()
        raise KeyError("{secret}")

    def pytest_platform_end(item, test):
        test.tags.append("never")
        pytest.fail("no reason")

    def pytest_platform_artifact():
        class Odd(Exception):
            def __str__(self):
                raise SystemExit(3)
        raise Odd
"""

_FAILURES = {
    "run": "conftest.py: TypeError: metadata: a dict was expected, not None",
    "begin": "conftest.py:11: KeyError: '[redacted]'",
    "end": "conftest.py:15: Failed: no reason",
    "artifact": "conftest.py:21: Odd: <Odd whose str() raised SystemExit>",
}


def test_what_fails_in_hooks_changes_nothing(target: Target, project: Project, workers: int) -> None:
    project.write("conftest.py", _FAILING_CONFTEST.format(secret=_SECRET))
    project.write(
        "test_it.py",
        """
        from pytest_platform_report import attach

        def test_a(): pass

        def test_b():
            attach(b"content", name="kept.log")
        """,
    )
    ended = project.run("--platform-tag=given", workers=workers)
    assert ended.exit == 0
    for hook, failure in _FAILURES.items():
        line = f"pytest_platform_{hook} failed, and what it was called for is recorded without it: {failure}"
        assert ended.out.count(f"\n{line}\n") == 1, ended.out
    assert "2 tests run, 2 acknowledged" in ended.out
    run = read_run(target)
    assert run.outcomes == {"test_it > test_a": "passed", "test_it > test_b": "passed"}
    assert [artifact["fileName"] for artifact in run.artifacts] == ["kept.log"]
    assert "never" not in repr((run.fields["tags"], run.fields["metadata"], [test["tags"] for test in run.tests]))


def test_interrupts_pass_through_and_lose_nothing(target: Target, project: Project) -> None:
    project.write(
        "conftest.py",
        """
        def pytest_platform_end(item):
            if item.name == "test_b":
                raise KeyboardInterrupt

        def pytest_platform_begin(item, test):
            test.drop()
        """,
    )
    project.write("test_it.py", "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n")
    assert project.run(report=False).exit == 0
    project.write("conftest.py", (project.root / "conftest.py").read_text().partition("def pytest_platform_begin")[0])
    ended = project.run()
    assert ended.exit == 2
    run = read_run(target)
    assert run.status == "cancelled"
    assert run.outcomes == {"test_it > test_a": "passed", "test_it > test_b": "passed"}


_WHAT_FAILS = """
    def test_card_is_refused(server):
        assert "4000123412341234" == "accepted"
"""


def test_examples_do_what_the_page_says(target: Target, project: Project) -> None:
    for name, content in Page.read(_PAGE).files.items():
        project.write(name, content)
    project.write("web/test_refusal.py", _WHAT_FAILS)
    project.environment["STAGE"] = "staging"
    ended = project.run()
    assert "failed, and what" not in ended.out
    run = read_run(target)
    assert run.outcomes == {
        "HTTP interface > test_orders > test_order_is_kept": "passed",
        "test_pictures > test_picture": "passed",
        "test_payment > test_pay_by_card": "passed",
        "test_refusal > test_card_is_refused": "failed",
    }
    assert (run.fields["runTitle"], run.fields["metadata"]["database"]) == ("Shop on staging", "postgres 17")
    assert run.test("test_order_is_kept")["tags"] == ["@api"]
    assert run.annotations("test_order_is_kept")["owner"] == "the shop's team"
    assert run.test("test_pay_by_card")["stdout"] == "paid with card 1234\n"
    assert run.test("test_card_is_refused")["error"]["message"].startswith("AssertionError: assert 'card 1234' ==")
    assert {artifact["fileName"] for artifact in run.artifacts} == {"shelf.txt", "server.log"}


def test_page_has_each_hook_with_its_arguments_and_all_that_they_are_given() -> None:
    page = _PAGE.read_text(encoding="utf-8")
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("pytest_")}
    assert list(hooks) == list(plugin._HOOKS)
    headings = re.findall(r"^## `(pytest_\w+\(.*\))`$", page, re.MULTILINE)
    assert headings == [f"{name}({', '.join(inspect.signature(hook).parameters)})" for name, hook in hooks.items()]
    assert [hook.__doc__.startswith("Called when ") for hook in hooks.values()] == [True] * len(hooks)
    for name in descriptions.__all__:
        told = {field.name for field in dataclasses.fields(getattr(descriptions, name))} - {"is_dropped"}
        assert [each for each in told if not re.search(rf"`[^`\n]*\b{each}\b[^`\n]*`", page)] == [], name
