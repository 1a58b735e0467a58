"""A suite in which tests end in every way that they can."""

from __future__ import annotations

from end_to_end.sessions import Project

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
TEXT = "drawn by hand: \u2713\n"

_OUTCOMES = """
    import sys

    import pytest

    def test_passes(): pass

    def test_fails():
        found = {"tea": 1}
        assert found == {"tea": 2}, "the count is off"

    def test_fails_plainly():
        left, right = [1, 2, 3], [1, 2, 4]
        assert left == right

    def test_raises():
        raise LookupError("no such tea")

    @pytest.mark.skip(reason="not before noon")
    def test_skip_mark(): pass

    def test_skip_inside():
        pytest.skip("nothing to pour")

    @pytest.fixture
    def absent():
        pytest.skip("the kettle is away")

    def test_skip_in_setup(absent): pass

    @pytest.mark.xfail(reason="cold")
    def test_xfail():
        assert 0

    @pytest.mark.xfail(reason="warm again")
    def test_xpass(): pass

    @pytest.mark.xfail(reason="must be cold", strict=True)
    def test_strict_xpass(): pass

    @pytest.fixture
    def broken():
        raise RuntimeError("the kettle leaks")

    def test_setup_error(broken): pass

    @pytest.fixture
    def leaky():
        yield
        raise RuntimeError("the cup leaks")

    def test_teardown_error(leaky): pass

    def test_call_and_teardown_fail(leaky):
        raise ValueError("too hot")

    def test_output():
        print("to the cup")
        print("to the saucer", file=sys.stderr)

    def test_output_of_a_failure():
        print("before \\x1b[31mthe\\x1b[0m fall")
        assert False
"""

_NAMES = """
    import unittest

    import pytest

    @pytest.mark.parametrize("value", [1, "a/b", "with space", "a[b]", "a::b", "é ☕", "new\\nline", ""])
    def test_odd(value): pass

    @pytest.mark.parametrize("x", [1, 2], ids=["one > two", "<&>"])
    def test_named(x): pass

    class TestOuter:
        def test_in_class(self): pass

        class TestInner:
            def test_in_inner(self):
                assert self.__class__.__name__ == "TestOther"

            @pytest.mark.parametrize("y", [3])
            def test_with_parameter(self, y): pass

    class Case(unittest.TestCase):
        def test_of_unittest(self): pass

        def test_of_unittest_fails(self):
            self.assertEqual(1, 2)

        @unittest.skip("unittest says so")
        def test_of_unittest_skipped(self): pass

        @unittest.expectedFailure
        def test_of_unittest_expected(self):
            self.fail("as expected")

    @pytest.mark.smoke
    @pytest.mark.slow
    def test_marked(): pass
"""

_RERUNS = """
    import pathlib

    import pytest

    from pytest_platform_report import step

    _here = pathlib.Path(__file__).parent

    def _first_time(name):
        mark = _here / f"{name}.seen"
        if mark.exists():
            return False
        mark.touch()
        return True

    @pytest.mark.flaky(reruns=2)
    def test_well_again():
        print("first" if (first := _first_time("well")) else "second")
        with step("try"):
            assert not first

    @pytest.fixture
    def shaky():
        assert not _first_time("shaky")

    @pytest.mark.flaky(reruns=1)
    def test_well_again_in_setup(shaky): pass

    @pytest.mark.flaky(reruns=2)
    def test_never_well():
        raise OSError("still broken")
"""

_STEPS = """
    import pytest

    from pytest_platform_report import attach, step

    @step("brew {name} for {minutes} min")
    def brew(name, minutes=3):
        with step("boil"):
            pass
        return name

    @step
    def pour_the_cup():
        raise RuntimeError("spilled")

    @pytest.fixture
    @step("lay the table")
    def table():
        with step("cloth"):
            pass
        yield

    def test_steps(table, platform_report):
        with platform_report.step("drink"):
            brew("oolong")
            with platform_report.step("sip"):
                pass

    def test_failing_step(table):
        brew("sencha", minutes=1)
        pour_the_cup()

    def test_attaches(platform_report, tmp_path):
        file = tmp_path / "cup.png"
        file.write_bytes(b"\\x89PNG\\r\\n\\x1a\\n" + bytes(range(256)))
        platform_report.attach(file)
        file.unlink()
        attach("drawn by hand: \\u2713\\n".encode(), name="notes.txt")
"""

_SKIPPED_MODULE = """
    import pytest

    pytest.skip("the shop is closed", allow_module_level=True)
"""


def write_varied(project: Project) -> None:
    """Write the suite into *project*."""
    project.write("pytest.ini", "[pytest]\nmarkers =\n    smoke: quick\n    slow: not quick\n")
    project.write("test_outcomes.py", _OUTCOMES)
    project.write("deep/er/test_names.py", _NAMES)
    project.write("test_reruns.py", _RERUNS)
    project.write("test_steps.py", _STEPS)
    project.write("test_closed.py", _SKIPPED_MODULE)
