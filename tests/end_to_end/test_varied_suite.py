"""A suite that ends in every way, reported to every kind of platform, with and without xdist, and read back."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from end_to_end.junit import Named, in_junit_words, read_junit, read_kinds
from end_to_end.platforms import KINDS, Kind, Server, Target
from end_to_end.readback import Run, own_steps, read_run
from end_to_end.sessions import Ended, Project
from end_to_end.varied import PNG, TEXT, write_varied


@dataclass(frozen=True)
class Reported:
    """The session, what junit says of it, and what the platform does."""

    kind: Kind
    workers: int
    ended: Ended
    junit: dict[Named, str]
    run: Run
    exported: list[tuple[str, str, list[str], list[str]]]
    """Class name and name of each test in our own JUnit file, what the test has there, and what it has in pytest's."""
    requests: list[dict[str, Any]]


@pytest.fixture(scope="module", params=[(kind, workers) for kind in KINDS for workers in (0, 2)], ids=str)
def reported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, servers: dict[Kind, Server]
) -> Reported:
    """The session of one platform, run once for all processes that test here."""
    kind, workers = request.param
    is_worker = hasattr(request.config, "workerinput")
    shared = tmp_path_factory.getbasetemp().parent if is_worker else tmp_path_factory.getbasetemp()
    kept = shared / f"varied-{kind}-{workers}.json"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            root = tmp_path_factory.mktemp(f"varied-{kind}-{workers}")
            kept.write_text(json.dumps(_report(kind, workers, root, servers)))
    found = json.loads(kept.read_text())
    junit = {(class_name, name): status for class_name, name, status in found["junit"]}
    return Reported(
        kind, workers, Ended(**found["ended"]), junit, Run(**found["run"]), found["exported"], found["requests"]
    )


def _report(kind: Kind, workers: int, root: Path, servers: dict[Kind, Server]) -> dict[str, Any]:
    target = Target(kind, root / ".platform-report/platform") if kind == "embedded" else servers[kind].target()
    for gate in target.gates:
        gate.reset()
    project = Project(root, target.environment)
    write_varied(project)
    (root / "bill.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    ended = project.run("--junitxml=junit.xml", "--platform-artifact=report:*.zip", workers=workers)
    run = read_run(target)
    exported = _export(project) if kind == "embedded" else []
    project.close()
    return {
        "ended": asdict(ended),
        "junit": [(*name, status) for name, status in read_junit(root / "junit.xml").items()],
        "run": asdict(run),
        "exported": exported,
        "requests": [asdict(request) for gate in target.gates for request in gate.requests],
    }


def _export(project: Project) -> list[tuple[str, str, list[str], list[str]]]:
    told = project.command("export", "--format=junit", "--output=export.xml")
    assert (told.exit, told.out) == (0, "export.xml\n")
    theirs, ours = (read_kinds(project.root / name) for name in ("junit.xml", "export.xml"))
    assert theirs.keys() == ours.keys()
    return [(*name, sorted(kinds), sorted(theirs[name])) for name, kinds in ours.items()]


def test_equals_junit_test_by_test(reported: Reported) -> None:
    assert in_junit_words(reported.run.tests) == reported.junit
    assert len(reported.run.tests) == len(reported.junit) == 40


def test_our_junit_file_says_the_same(reported: Reported) -> None:
    if reported.kind != "embedded":
        pytest.skip("runs are exported where they are stored")
    assert len(reported.exported) == len(reported.junit)
    for class_name, name, ours, theirs in reported.exported:
        # pytest has a second entry where a test fails in its teardown as well
        assert ours == (theirs if len(theirs) < 2 else ["failure"]), (class_name, name)


def test_exit_status_is_untouched(reported: Reported) -> None:
    assert reported.ended.exit == 1


def test_no_test_is_there_twice(reported: Reported) -> None:
    assert len(reported.run.outcomes) == len(reported.run.tests)
    ids = [test["annotations"][-1]["description"] for test in reported.run.tests]
    assert len(set(ids)) == len(ids)


def test_totals_equal_both(reported: Reported) -> None:
    reported.run.check_totals()
    assert reported.run.totals["flaky"] == 2
    assert reported.run.status == "failed"
    counted = Counter(reported.junit.values())
    totals = reported.run.totals
    assert (totals["failed"], totals["skipped"]) == (counted["failed"], counted["skipped"])
    assert totals["passed"] + totals["flaky"] == counted["passed"]


def test_the_totals_were_told_by_the_last_request(reported: Reported) -> None:
    if reported.kind == "embedded":
        pytest.skip("nothing stands before the embedded platform")
    changes = [request["body"] for request in reported.requests if request["method"] == "PATCH"]
    *_, told = [change for change in changes if "metadata" not in change]
    totals = {name: told[f"{name}Tests"] for name in ("total", "passed", "failed", "skipped", "flaky")}
    assert totals == reported.run.totals
    assert told["duration"] > 0


def test_each_request_was_answered_well(reported: Reported) -> None:
    assert [request for request in reported.requests if not 200 <= request["status"] < 300] == []


def test_the_summary_says_so(reported: Reported) -> None:
    number = len(reported.run.tests)
    assert f"\n{number} tests run, {number} acknowledged\n" in reported.ended.out
    assert reported.run.id in reported.ended.out


def test_the_run_is_described(reported: Reported) -> None:
    fields = reported.run.fields
    assert fields["runTitle"].startswith(f"varied-{reported.kind}")
    assert fields["workers"] == (reported.workers or 1)
    assert fields["hostname"]


def test_suites_are_a_tree(reported: Reported) -> None:
    def paths(suites: list[dict[str, Any]], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        own = [((*above, suite["title"]), suite["children"]) for suite in suites]
        return [path for path, _ in own] + [each for path, children in own for each in paths(children, path)]

    assert sorted(paths(reported.run.suites)) == sorted(
        [
            ("test_closed",),
            ("test_names",),
            ("test_names", "Case"),
            ("test_names", "TestOuter"),
            ("test_names", "TestOuter", "TestInner"),
            ("test_outcomes",),
            ("test_reruns",),
            ("test_steps",),
        ]
    )


def test_a_test_has_its_place(reported: Reported) -> None:
    test = reported.run.test("test_in_inner")
    is_told = reported.kind != "plain"
    assert ("startedAt" in test) == is_told
    assert test.get("worker") in (("gw0", "gw1") if reported.workers and is_told else (None,))
    assert test["fullTitle"] == "test_names > TestOuter > TestInner > test_in_inner"
    assert test["filePath"] == "deep/er/test_names.py"
    assert test["lineNumber"] == 16
    assert test["tags"] == []
    assert set(reported.run.test("test_marked")["tags"]) == {"@smoke", "@slow"}


def test_a_comparison_has_both_sides(reported: Reported) -> None:
    error = reported.run.test("test_fails_plainly")["error"]
    assert error["message"].startswith("assert [1, 2, 3] == [1, 2, 4]")
    assert (error["expected"], error["actual"]) == ("[1, 2, 4]", "[1, 2, 3]")
    assert "assert left == right" in error["stack"]
    assert reported.run.annotations("test_fails_plainly")["location"].startswith("test_outcomes.py:")
    error = reported.run.test("test_of_unittest_fails")["error"]
    assert (error["expected"], error["actual"]) == ("2", "1")
    assert "the count is off" in reported.run.test("test_fails")["error"]["message"]


def test_an_exception_is_told(reported: Reported) -> None:
    error = reported.run.test("test_raises")["error"]
    assert error["message"] == "LookupError: no such tea"
    assert "test_outcomes.py:17" in error["stack"]
    assert reported.run.test("test_passes")["error"] is None


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("test_setup_error", "RuntimeError: the kettle leaks"),
        ("test_teardown_error", "RuntimeError: the cup leaks"),
        ("test_strict_xpass", "[XPASS(strict)] must be cold"),
    ],
)
def test_a_failure_beside_the_call_is_told(reported: Reported, title: str, message: str) -> None:
    assert reported.run.test(title)["error"]["message"] == message


def test_two_failures_of_one_test_are_told(reported: Reported) -> None:
    error = reported.run.test("test_call_and_teardown_fail")["error"]
    assert error["message"] == "ValueError: too hot"
    assert "too hot" in error["stack"]
    assert "the cup leaks" in error["stack"]


def test_annotations(reported: Reported) -> None:
    run = reported.run
    assert run.annotations("test_skip_mark")["skip"].startswith("not before noon (")
    assert run.annotations("test_skip_inside")["skip"].startswith("nothing to pour (")
    assert run.annotations("test_skip_in_setup")["skip"].startswith("the kettle is away (")
    assert run.annotations("test_of_unittest_skipped")["skip"].startswith("unittest says so (")
    assert run.annotations("test_closed > collection")["skip"].startswith("the shop is closed (")
    assert run.annotations("test_xfail")["xfail"] == "cold"
    assert run.annotations("test_xpass")["xpass"] == "warm again"
    assert all(run.annotations(test["fullTitle"])["report-id"] for test in run.tests)


def test_output(reported: Reported) -> None:
    test = reported.run.test("test_output")
    assert (test["stdout"], test["stderr"]) == ("to the cup\n", "to the saucer\n")
    assert reported.run.test("test_output_of_a_failure")["stdout"] == "before the fall\n"


def test_reruns(reported: Reported) -> None:
    again = reported.run.test("test_well_again")
    assert (again["status"], again["isFlaky"], again["retries"], again["attempt"]) == ("flaky", True, 1, 2)
    assert again["stdout"] == "second\n"
    assert [step["status"] for step in own_steps(again)] == ["passed"]
    assert reported.run.test("test_well_again_in_setup")["status"] == "flaky"
    never = reported.run.test("test_never_well")
    assert (never["status"], never["isFlaky"], never["retries"], never["attempt"]) == ("failed", False, 2, 3)
    assert never["error"]["message"] == "OSError: still broken"


def test_attempts_are_told_where_the_platform_takes_them(reported: Reported) -> None:
    again = reported.run.test("test_well_again")
    if reported.kind == "plain":
        assert "attempts" not in again
        return
    assert [(each["status"], each["stdout"]) for each in again["attempts"]] == [
        ("failed", "first\n"),
        ("passed", "second\n"),
    ]
    assert "assert not True" in again["attempts"][0]["error"]["message"]


def test_steps(reported: Reported) -> None:
    steps = reported.run.test("test_steps")["steps"]
    shown = [("  " * step.get("depth", 0) + step["title"], step["category"]) for step in steps]
    if reported.kind == "plain":
        assert shown == [
            ("setup", "hook"),
            ("table (function)", "fixture"),
            ("table (function) > lay the table", "action"),
            ("table (function) > lay the table > cloth", "action"),
            ("platform_report (function)", "fixture"),
            ("call", "hook"),
            ("drink", "action"),
            ("drink > brew oolong for 3 min", "action"),
            ("drink > brew oolong for 3 min > boil", "action"),
            ("drink > sip", "action"),
            ("teardown", "hook"),
            ("table (function)", "fixture"),
        ]
    else:
        assert shown == [
            ("setup", "hook"),
            ("  table (function)", "fixture"),
            ("    lay the table", "action"),
            ("      cloth", "action"),
            ("  platform_report (function)", "fixture"),
            ("call", "hook"),
            ("  drink", "action"),
            ("    brew oolong for 3 min", "action"),
            ("      boil", "action"),
            ("    sip", "action"),
            ("teardown", "hook"),
            ("  table (function)", "fixture"),
        ]
    assert {step["status"] for step in steps} == {"passed"}


def test_a_failing_step(reported: Reported) -> None:
    steps = {step["title"]: step for step in reported.run.test("test_failing_step")["steps"]}
    assert (steps["call"]["status"], steps["teardown"]["status"]) == ("failed", "passed")
    assert steps["pour the cup"]["status"] == "failed"
    assert steps["pour the cup"]["error"]["message"] == steps["call"]["error"]["message"] == "RuntimeError: spilled"


def test_a_failing_fixture(reported: Reported) -> None:
    for title, phase, fixture in (
        ("test_setup_error", "setup", "broken (function)"),
        ("test_teardown_error", "teardown", "leaky (function)"),
    ):
        steps = [step for step in reported.run.test(title)["steps"] if step["status"] == "failed"]
        assert [(step["title"], step["category"]) for step in steps] == [(phase, "hook"), (fixture, "fixture")]


def test_artifacts_arrive(reported: Reported) -> None:
    test = reported.run.test("test_attaches")
    owners = {artifact["fileName"]: artifact["testId"] for artifact in reported.run.artifacts}
    assert reported.run.content("cup.png") == PNG
    assert reported.run.content("bill.zip") == b"PK\x05\x06" + bytes(18)
    if reported.kind == "plain":
        assert owners == {"cup.png": test["id"], "bill.zip": None}
        assert "not sent: notes.txt" in reported.ended.out
    else:
        assert owners == {"cup.png": test["id"], "notes.txt": test["id"], "bill.zip": None}
        assert reported.run.content("notes.txt") == TEXT.encode()
