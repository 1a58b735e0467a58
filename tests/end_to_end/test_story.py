"""What a test did, read back: its fixtures, steps of threads and tasks, comparisons, places, all that failed."""

from __future__ import annotations

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import Json, Run, read_run
from end_to_end.sessions import Project

_CONFTEST = """
    import pytest

    from pytest_platform_report import step

    @pytest.fixture(scope="session")
    def engine():
        with step("start"):
            yield "engine"

    @pytest.fixture(scope="module", params=["red", "blue"])
    def car(engine, request):
        yield request.param
        with step("park"):
            pass

    @pytest.fixture
    def key(car, request):
        request.addfinalizer(lambda: None)
        return car

    @pytest.fixture
    def needs_late(request):
        with step("ask"):
            return request.getfixturevalue("late")

    @pytest.fixture
    def late():
        return 1

    @pytest.fixture
    def stuck():
        yield
        raise OSError("does not stop")

    @pytest.fixture
    def jammed():
        yield
        raise ValueError("does not open")

    @pytest.fixture
    def closed():
        pytest.skip("no petrol")

    @pytest.fixture(autouse=True)
    def _own_business(request):
        if request.node.name == "test_private_fixture_fails":
            raise LookupError("not there")
        yield
"""

_TESTS = """
    import asyncio
    import sys
    import threading
    import unittest

    import pytest

    from pytest_platform_report import step

    def setup_module(): pass

    def teardown_function(): pass

    @pytest.mark.parametrize("plain", [1])
    def test_drive(key, plain): pass

    def test_needs_late(needs_late): pass

    def test_private_fixture_fails(): pass

    def test_setup_skips(closed): pass

    def test_teardowns_fail(stuck, jammed):
        assert 3 == 4

    def test_concurrency():
        def work():
            with step("in thread"): pass

        async def one(name):
            with step(name):
                await asyncio.sleep(0)
                with step("deeper"): pass

        async def both():
            await asyncio.gather(one("first"), one("second"))

        with step("threads"):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        with step("tasks"):
            asyncio.run(both())

    def test_left_open():
        step("never closed").__enter__()
        raise RuntimeError("stalled")

    class TestEqual:
        def test_numbers(self):
            assert 3 == 4

        def test_message(self):
            assert len("abc") == 4, "the length is off"

        def test_approx(self):
            assert 0.5 == pytest.approx(0.25)

        def test_is(self):
            value = 3
            assert value is None

        def test_of_another_error(self):
            try:
                assert 1 == 2
            except AssertionError:
                pass
            assert not [1]

        def test_text_of_many_lines(self):
            assert "a\\nb" == "a\\nc"

    class Case(unittest.TestCase):
        def test_equal(self):
            self.assertEqual({"a": 1}, {"a": 2}, "the dicts")

        def test_almost(self):
            self.assertAlmostEqual(1.5, 2.5)

        def test_lists(self):
            self.assertCountEqual([1, 2], [1, 3])

    def test_chain():
        try:
            raise KeyError("inner cause")
        except KeyError as error:
            raise RuntimeError("outer") from error

    if sys.version_info >= (3, 11):
        def test_group():
            raise ExceptionGroup("several", [ValueError("the first"), TypeError("the second")])

    def test_deep(tmp_path):
        from helpers.broken import fall

        fall()
"""

_MESSAGES = {
    "test_numbers": ("4", "3"),
    "test_message": ("4", "3"),
    "test_approx": ("0.25 ± 2.5e-07", "0.5"),
    "test_is": ("None", "3"),
    "test_text_of_many_lines": (r"'a\nc'", r"'a\nb'"),
    "test_equal": ("{'a': 2}", "{'a': 1}"),
    "test_almost": ("2.5", "1.5"),
    "test_lists": ("[1, 3]", "[1, 2]"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("story")
    target = Target("embedded", root / ".platform-report/platform")
    project = Project(root, target.environment)
    project.write("conftest.py", _CONFTEST)
    project.write("test_it.py", _TESTS)
    project.write("helpers/broken.py", "def fall():\n    raise RuntimeError('down')\n")
    ended = project.run("-p", "no:randomly")
    assert ended.exit == 1, ended.out
    assert "internal error" not in ended.out
    return read_run(target)


def shown(test: Json) -> list[str]:
    return ["  " * step["depth"] + step["title"] for step in test["steps"]]


def failed(test: Json) -> dict[str, str]:
    return {step["title"]: step["error"]["message"] for step in test["steps"] if step["status"] == "failed"}


def test_fixtures_are_steps_of_the_phase_they_are_made_in(run: Run) -> None:
    assert shown(run.test("test_drive[red-1]")) == [
        "setup",
        "  engine (session)",
        "    start",
        "  setup_module (module)",
        "  car (module)",
        "  setup_function (function)",
        "  key (function)",
        "call",
        "teardown",
        "  key (function)",
        "  teardown_function (function)",
    ]
    assert {step["status"] for step in run.test("test_drive[red-1]")["steps"]} == {"passed"}
    blue = shown(run.test("test_drive[blue-1]"))
    assert [title for title in blue if "engine" in title or "setup_module" in title] == []
    red_car = blue.index("  car (module)")
    assert blue[red_car : red_car + 3] == ["  car (module)", "    park", "  car (module)"]


def test_fixture_asked_for_by_a_fixtures_code_is_inside_it(run: Run) -> None:
    steps = shown(run.test("test_needs_late"))
    assert steps[steps.index("  needs_late (function)") :][:3] == [
        "  needs_late (function)",
        "    ask",
        "      late (function)",
    ]


def test_fixtures_that_fail_or_skip(run: Run) -> None:
    assert failed(run.test("test_private_fixture_fails")) == {
        "setup": "LookupError: not there",
        "_own_business (function)": "LookupError: not there",
    }
    skipped = [step for step in run.test("test_setup_skips")["steps"] if step["status"] == "skipped"]
    assert [(step["title"], (step["error"] or {}).get("message")) for step in skipped] == [
        ("setup", None),
        ("closed (function)", "Skipped: no petrol"),
    ]


def test_all_phases_that_fail_are_told(run: Run) -> None:
    test = run.test("test_teardowns_fail")
    assert test["error"]["message"].startswith("assert 3 == 4")
    assert "does not stop" in test["error"]["stack"]
    told = failed(test)
    assert told["call"].startswith("assert 3 == 4")
    assert "does not open" in test["error"]["stack"]
    assert told["stuck (function)"] == "OSError: does not stop"
    assert told["jammed (function)"] == "ValueError: does not open"
    assert run.annotations("test_teardowns_fail")["location"].startswith("test_it.py:")


def test_steps_of_threads_and_tasks_are_where_they_were_begun(run: Run) -> None:
    steps = shown(run.test("test_concurrency"))
    inner = steps[steps.index("call") + 1 : steps.index("teardown")]
    assert inner[:2] == ["  threads", "    in thread"]
    assert inner[2] == "  tasks"
    assert inner[3:] == ["    first", "      deeper", "    second", "      deeper"]


def test_step_left_open_fails_with_its_test(run: Run) -> None:
    assert failed(run.test("test_left_open"))["never closed"] == "RuntimeError: stalled"


@pytest.mark.parametrize("title", _MESSAGES)
def test_comparisons_have_both_sides(run: Run, title: str) -> None:
    error = run.test(title)["error"]
    assert (error["expected"], error["actual"]) == _MESSAGES[title]


def test_comparison_that_was_caught_is_not_the_next_errors(run: Run) -> None:
    error = run.test("test_of_another_error")["error"]
    assert error.get("expected") is None


def test_chains_and_groups_are_whole(run: Run) -> None:
    chain = run.test("test_chain")["error"]
    assert chain["message"] == "RuntimeError: outer"
    assert "inner cause" in chain["stack"]
    assert "direct cause" in chain["stack"]
    for group in (test for test in run.tests if test["title"] == "test_group"):
        assert "the first" in group["error"]["stack"]
        assert "the second" in group["error"]["stack"]


def test_place_of_a_failure(run: Run) -> None:
    assert run.annotations("test_deep")["location"] == "helpers/broken.py:2"
