"""Where messages, compared values and texts come from, and what they may hold."""

from __future__ import annotations

import pytest

from hazards.trying import Pair

_FAILS = """
    def test_fails():
        print("\\x1b[31mred\\x1b[0m")
        value = 1
        assert value == 2
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--tb=no", "--show-capture=no", "--color=yes"),
        ("--tb=native",),
        ("--tb=line", "--color=yes", "-q"),
        ("--tb=short", "-vv"),
    ],
    ids=lambda arguments: f"B58-{' '.join(arguments)}",
)
def test_styles_of_the_terminal(pair: Pair, arguments: tuple[str, ...]) -> None:
    pair.write("test_it.py", _FAILS)
    test = pair.run(*arguments, workers=0).test("test_fails")
    assert test["error"]["message"].startswith("assert 1 == 2")
    assert "assert value == 2" in test["error"]["stack"]
    assert test["stdout"] == "red\n"
    assert "\x1b" not in str(test)


def test_b59_compared_values(pair: Pair, workers: int) -> None:
    pair.write(
        "test_it.py",
        """
        import gc, weakref
        import pytest

        class Thing: pass

        REFERENCES = []

        def test_caught():
            with pytest.raises(AssertionError):
                assert [1] == [2]
            with pytest.raises(AssertionError):
                assert Thing() == Thing()
            raise ValueError("not a comparison")

        def test_true_beside_false():
            one = 1
            assert one == 1 and [3] == [4]

        def test_kept_nowhere():
            with pytest.raises(AssertionError):
                thing = Thing()
                REFERENCES.append(weakref.ref(thing))
                assert thing == 1
            del thing

        def test_is_gone():
            gc.collect()
            assert REFERENCES[0]() is None
        """,
    )
    run = pair.run("--dist=loadfile", workers=workers)
    assert run.outcomes["test_it > test_kept_nowhere"] == "passed"
    assert run.outcomes["test_it > test_is_gone"] == "passed"
    caught, beside = run.test("test_caught")["error"], run.test("test_true_beside_false")["error"]
    assert (caught.get("expected"), caught.get("actual")) == (None, None)
    assert (beside["expected"], beside["actual"]) == ("[4]", "[3]")


def test_b59_plain_assertions(pair: Pair) -> None:
    pair.write("test_it.py", _FAILS)
    error = pair.run("--assert=plain").test("test_fails")["error"]
    assert error["message"].startswith("AssertionError") or "assert value == 2" in error["stack"]
    assert error.get("expected") is None


def test_d90_to_d93_texts(pair: Pair, workers: int) -> None:
    """Lone surrogates, NUL, terminal codes, numbers that JSON does not have, depth, and sheer size."""
    pair.write(
        "test_it.py",
        """
        import datetime, sys
        import pytest

        def test_output():
            sys.stdout.write("lone \\udce4 NUL \\0 red \\x1b[31m line \\u2028 next \\x85 end\\n")

        def test_bytes(capfd):
            import os
            with capfd.disabled():
                os.write(1, b"")
            os.write(1, b"\\xff\\xfe")

        @pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, b"\\xff", {1}, datetime.date.min],
                                 ids=["nan", "inf", "large", "bytes", "set", "date"])
        def test_values(value): pass

        @pytest.mark.parametrize("text", ["\\u2028", "\\x85", "\\0", "\\n", "\\x1b[31m"],
                                 ids=["separator", "next", "nul", "newline", "red"])
        def test_properties(text, record_property):
            record_property(text + "name", text + "value")

        def test_numbers(record_property):
            record_property("nan", float("nan"))
            record_property("large", 10**300)

        def test_huge():
            print("x" * 20_000_000)

        def test_huge_fails():
            raise ValueError("y" * 3_000_000)

        def test_deep_fails():
            deep = []
            for _ in range(2000):
                deep = [deep]
            assert deep == 1

        def test_text_fails():
            assert "NUL \\0 red \\x1b[31m" == "x"
        """,
    )
    run = pair.run("--dist=loadfile", workers=workers)
    assert len(run.tests) == 18
    assert {title for title, status in run.outcomes.items() if status != "passed"} == {
        f"test_it > test_{name}_fails" for name in ("huge", "deep", "text")
    }
    out = run.test("test_output")["stdout"]
    assert ("red  line \u2028 next \x85 end" in out, "\0" in out, "\x1b" in out) == (True, False, False)
    assert "characters cut" in run.test("test_huge")["stdout"]
    assert "characters cut" in run.test("test_huge_fails")["error"]["message"]
