"""Titles, tags, annotations and links of the running test, told from everywhere in it and read back."""

from __future__ import annotations

from end_to_end.platforms import Target
from end_to_end.readback import Json, read_run
from end_to_end.sessions import Project

_SECRET = "canary-of-the-environment"

_SUITE = """
    import asyncio
    import os
    import threading

    import pytest

    from pytest_platform_report import annotate, link, tag, title

    tries = []

    @pytest.fixture
    def bought():
        annotate("fixture", "before")
        yield
        annotate("fixture", "after")
        tag("swept")

    @pytest.mark.smoke
    def test_pay(bought):
        title("Pay by card > Visa")
        tag("billing", "smoke")
        annotate("owner", "ada")
        link("https://specs.example/pay", "How to pay")

        def work():
            annotate("thread", "told")

        async def main():
            await asyncio.gather(one("first"), one("second"))

        async def one(name):
            await asyncio.sleep(0)
            annotate("task", name)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        asyncio.run(main())

    @pytest.mark.parametrize("card", ["x > y"])
    def test_fixture(platform_report, card):
        platform_report.title(f"Refuse {card} with {os.environ['SHOP_PASSWORD']}")
        platform_report.tag("refused")
        platform_report.annotate("slow")
        platform_report.link("https://specs.example/refuse")

    @pytest.mark.flaky(reruns=1)
    def test_again():
        tries.append(1)
        if len(tries) == 1:
            title("The first try")
        tag(f"try-{len(tries)}")
        annotate("try", str(len(tries)))
        assert len(tries) > 1

    def test_quiet():
        pass
"""


def test_what_is_told_arrives(target: Target, project: Project) -> None:
    project.environment["SHOP_PASSWORD"] = _SECRET
    project.write("pytest.ini", "[pytest]\nmarkers = smoke: is quick\n")
    project.write("test_shop.py", _SUITE)
    for reported in (False, True):
        assert "4 passed, 1 rerun" in project.run(report=reported).out
    run = read_run(target)

    paid = run.test("Pay by card > Visa")
    assert paid["fullTitle"] == "test_shop > test_pay"
    assert paid["tags"] == ["@smoke", "@billing", "@swept"]
    assert _told(paid) == [
        ("fixture", "before"),
        ("owner", "ada"),
        ("link", "How to pay <https://specs.example/pay>"),
        ("thread", "told"),
        ("task", "first"),
        ("task", "second"),
        ("fixture", "after"),
    ]
    refused = run.test("Refuse x > y with [redacted]")
    assert refused["fullTitle"] == "test_shop > test_fixture[x > y]"
    assert refused["tags"] == ["@refused"]
    assert _told(refused) == [
        ("parameter", "card='x > y'"),
        ("slow", ""),
        ("link", "https://specs.example/refuse"),
    ]
    again = run.test("The first try")
    assert (again["status"], again["tags"]) == ("flaky", ["@flaky", "@try-1", "@try-2"])
    assert _told(again) == [("try", "2")]
    assert [_told(attempt) for attempt in again["attempts"]] == [[("try", "1")], [("try", "2")]]
    quiet = run.test("test_quiet")
    assert (_told(quiet), quiet["tags"]) == ([], [])

    shown = project.command("show", "--all").out
    for line in ("  test_shop  ✓ 3", "    ✓ Pay by card > Visa", "    ✓ Refuse x > y with [redacted]"):
        assert f"\n{line}" in shown, shown


def _told(test: Json) -> list[tuple[str, str]]:
    ours = ("report-id", "location")
    return [(each["type"], each["description"]) for each in test["annotations"] if each["type"] not in ours]


def test_markers_that_an_earlier_test_adds(target: Target, project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        def test_adds(request):
            second, third = request.session.items[1:]
            second.add_marker(pytest.mark.late)
            third.parent.add_marker(pytest.mark.later)

        def test_second(): pass

        class TestThird:
            def test_third(self): pass
        """,
    )
    project.run("-W", "ignore")
    tags = {test["title"]: test["tags"] for test in read_run(target).tests}
    assert tags == {"test_adds": [], "test_second": ["@late"], "test_third": ["@later"]}
