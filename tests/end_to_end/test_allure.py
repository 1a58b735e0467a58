"""A suite that was written for allure-pytest, reported unchanged: without allure-pytest, with it, and beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import Json, Run, read_run, read_runs
from end_to_end.sessions import Project, finish

_CONFTEST = """
    import allure
    import pytest

    @allure.title("Open the shop as {nobody}")
    @pytest.fixture
    def shop():
        with allure.step("unlock the door"):
            pass
        yield "shop"
        with allure.step("lock the door"):
            pass

    @pytest.fixture
    def customer(shop):
        return "ada"
"""

_SUITE = """
    import threading

    import allure
    import pytest

    pytestmark = [allure.epic("Shop"), allure.tag("web")]

    @allure.step("Add {sku} to the cart, {count} times")
    def add(sku, count=1):
        with allure.step("call the shop"):
            allure.attach('{"sku": "%s"}' % sku, name="request", attachment_type=allure.attachment_type.JSON)

    @allure.step
    def pay():
        raise RuntimeError("the card is refused")

    @allure.feature("Cart")
    @allure.suite("Buying")
    class TestCart:
        @allure.title("Buy {sku} as {customer}, {param_id}")
        @allure.description("A customer buys one thing.")
        @allure.story("One thing", "Two things")
        @allure.severity(allure.severity_level.CRITICAL)
        @allure.suite("Buying one")
        @allure.tag("smoke", "cart")
        @allure.label("owner", "grace")
        @allure.id("123")
        @allure.link("https://shop.example/cart", name="The cart")
        @allure.issue("https://bugs.example/7", "BUG-7")
        @allure.testcase("https://cases.example/9")
        @pytest.mark.slow
        @pytest.mark.parametrize("sku", ["A-1", "B-2"], ids=["tea", "cup"])
        def test_buy(self, sku, customer):
            with allure.step("Fill the cart"):
                add(sku, count=2)
            thread = threading.Thread(target=add, args=["C-3"])
            thread.start()
            thread.join()

        @allure.description_html("<b>bold</b>")
        @allure.manual
        def test_pay(self, shop):
            with allure.step("Go to the till"):
                pay()

    def test_dynamic(tmp_path):
        allure.dynamic.title("Told while it runs: {not_filled_in}")
        allure.dynamic.description("Told late.")
        allure.dynamic.tag("late", "web")
        allure.dynamic.severity(allure.severity_level.MINOR)
        allure.dynamic.feature("Telling")
        allure.dynamic.link("https://shop.example/late")
        allure.dynamic.issue("https://bugs.example/8", name="BUG-8")
        allure.dynamic.parameter("browser", "firefox")
        allure.dynamic.parameter("pin", "1234", mode=allure.parameter_mode.MASKED)
        allure.dynamic.parameter("seed", 7, mode=allure.parameter_mode.HIDDEN)
        screenshot = tmp_path / "screenshot"
        screenshot.write_bytes(b"\\x89PNG\\r\\n\\x1a\\n")
        allure.attach.file(screenshot, attachment_type=allure.attachment_type.PNG)
        allure.attach.file(str(screenshot), name="The shop.png", attachment_type=allure.attachment_type.PNG)
        allure.attach("plain", "notes")
        allure.attach("<p>", "page", extension="html")
        allure.attach(b"GIF89a", attachment_type=allure.attachment_type.GIF)
        allure.attach("a,b", "table", "text/csv")
        if hasattr(allure, "global_attach"):
            allure.global_attach("of all", "run", allure.attachment_type.TEXT)
            allure.global_attach.file(screenshot, name="run", extension="png")

    def test_wrong_calls():
        with pytest.raises(TypeError):
            allure.attach()
        with pytest.raises(TypeError):
            allure.dynamic.title()
        with pytest.raises(KeyError):
            allure.step("{nothing}")(lambda: None)()
"""

_OF_ALL = {("epic", "Shop")}
_OF_BUYING = {
    ("feature", "Cart"),
    ("story", "One thing"),
    ("story", "Two things"),
    ("severity", "critical"),
    ("suite", "Buying one"),
    ("owner", "grace"),
    ("id", "123"),
    ("description", "A customer buys one thing."),
    ("link", "The cart <https://shop.example/cart>"),
    ("issue", "BUG-7 <https://bugs.example/7>"),
    ("tms", "https://cases.example/9"),
}
_TOLD_LATE = {
    ("description", "Told late."),
    ("severity", "minor"),
    ("feature", "Telling"),
    ("link", "https://shop.example/late"),
    ("issue", "BUG-8 <https://bugs.example/8>"),
    ("parameter", "browser='firefox'"),
    ("parameter", "pin=******"),
}
_OPENED = ["  Open the shop as {nobody} (function)", "    unlock the door"]
_CLOSED = ["teardown", "  Open the shop as {nobody} (function)", "    lock the door"]


def _bought(sku: str) -> list[str]:
    return [
        *("setup", *_OPENED, "  customer (function)"),
        *("call", "  Fill the cart", f"    Add '{sku}' to the cart, 2 times", "      call the shop"),
        *("  Add 'C-3' to the cart, 1 times", "    call the shop"),
        *_CLOSED,
    ]


@pytest.fixture
def suite(project: Project) -> Project:
    project.write(
        "pytest.ini", "[pytest]\naddopts = --strict-markers\nfilterwarnings = error\nmarkers = slow: is slow\n"
    )
    project.write("conftest.py", _CONFTEST)
    project.write("test_shop.py", _SUITE)
    return project


def test_all_of_it_arrives_without_allure_pytest(target: Target, suite: Project) -> None:
    ended = finish(suite.start(sessions=2))
    assert ended.out.count("1 failed, 4 passed") == 2
    first, second = read_runs(target)
    check(first, ended.out)
    check(second, ended.out)


def test_all_of_it_arrives_beside_allure_pytest(target: Target, suite: Project) -> None:
    ended = suite.run("-p", "allure_pytest.plugin")
    assert "1 failed, 4 passed" in ended.out
    check(read_run(target), ended.out)


def test_both_report(target: Target, suite: Project, tmp_path: Path) -> None:
    allure = ("-p", "allure_pytest.plugin")
    ended = suite.run(*allure, "--alluredir=both", workers=2)
    assert "1 failed, 4 passed" in ended.out
    check(read_run(target), ended.out)
    suite.run(*allure, "--alluredir=alone", report=False)
    both, alone = _allure_results(tmp_path / "both"), _allure_results(tmp_path / "alone")
    assert both == alone
    assert len(both) == 5
    assert both["Buy A-1 as ada, tea"][1] == [
        ("Fill the cart", [("Add 'A-1' to the cart, 2 times", [("call the shop", [])])]),
        ("Add 'C-3' to the cart, 1 times", [("call the shop", [])]),
    ]


def check(run: Run, said: str) -> None:
    """Check all that the platform has of the suite."""
    assert "internal error" not in said
    for sku, id_ in (("A-1", "tea"), ("B-2", "cup")):
        test = run.test(f"Buy {sku} as ada, {id_}")
        assert test["fullTitle"] == f"test_shop > TestCart > test_buy[{id_}]"
        assert set(test["tags"]) == {"@slow", "@smoke", "@cart", "@web"}
        assert _told(test) == _OF_ALL | _OF_BUYING | {("parameter", f"sku='{sku}'")}
        assert _steps(test) == _bought(sku)
        assert _files(run, test) == {("request.json", "attachment")}
    paid = run.test("test_pay")
    assert _told(paid) == _OF_ALL | {
        ("feature", "Cart"),
        ("suite", "Buying"),
        ("description", "<b>bold</b>"),
        ("manual", "True"),
    }
    assert _steps(paid) == ["setup", *_OPENED, "call", "  Go to the till", "    pay", *_CLOSED]
    failed = {step["title"]: step["error"]["message"] for step in paid["steps"] if step["status"] == "failed"}
    assert failed == dict.fromkeys(("call", "Go to the till", "pay"), "RuntimeError: the card is refused")
    dynamic = run.test("Told while it runs: {not_filled_in}")
    assert dynamic["fullTitle"] == "test_shop > test_dynamic"
    assert dynamic["tags"] == ["@web", "@late"]
    assert _told(dynamic) == _OF_ALL | _TOLD_LATE
    assert _files(run, dynamic) == {
        ("screenshot.png", "screenshot"),
        ("The shop.png", "screenshot"),
        ("notes", "attachment"),
        ("page.html", "attachment"),
        ("attachment.gif", "screenshot"),
        ("table.csv", "attachment"),
    }
    of_run = {each["fileName"] for each in run.artifacts if each["testId"] is None}
    assert of_run in ({"run.txt", "run.png"}, set())  # older allure has none
    assert run.content("screenshot.png") == b"\x89PNG\r\n\x1a\n"
    assert run.content("notes") == b"plain"
    assert run.test("test_wrong_calls")["status"] == "passed"


def _told(test: Json) -> set[tuple[str, str]]:
    ours = ("report-id", "worker", "location")
    told = [(each["type"], each["description"]) for each in test["annotations"] if each["type"] not in ours]
    assert len(told) == len(set(told))
    return set(told)


def _steps(test: Json) -> list[str]:
    return ["  " * step["depth"] + step["title"] for step in test["steps"]]


def _files(run: Run, test: Json) -> set[tuple[str, str]]:
    return {(each["fileName"], each["type"]) for each in run.artifacts if each["testId"] == test["id"]}


def _allure_results(folder: Path) -> dict[str, Any]:
    """Return what allure-pytest reported of each test: its labels, links, steps, files and fixtures."""
    results = {each["uuid"]: each for each in _read(folder, "result")}
    fixtures: dict[str, list[Any]] = {uuid: [] for uuid in results}
    for each in _read(folder, "container"):
        for uuid in each.get("children", ()):
            fixtures[uuid].append((_allure_steps(each, "befores"), _allure_steps(each, "afters")))
    own = ("host", "thread")
    return {
        each["name"]: (
            sorted((label["name"], str(label["value"])) for label in each["labels"] if label["name"] not in own),
            _allure_steps(each),
            [attached.get("name") for attached in each.get("attachments", ())],
            each.get("links"),
            sorted(fixtures[uuid]),
        )
        for uuid, each in results.items()
    }


def _allure_steps(of: Json, kind: str = "steps") -> list[tuple[str, Any]]:
    return [(step["name"], _allure_steps(step)) for step in of.get(kind, ())]


def _read(results: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in results.glob(f"*-{kind}.json")]
