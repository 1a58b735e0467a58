"""Ways in which pytest and its plugins make a test's outcome: skips, subtests, repetitions, ends, output."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from hazards.hazards import Hazard
from hazards.trying import Pair

_SKIPS = Hazard(
    "B40",
    "skips and expected failures",
    """
    import unittest
    import pytest

    @pytest.fixture
    def skips():
        pytest.skip("in setup")

    @pytest.fixture
    def expects():
        pytest.xfail("in setup")

    @pytest.fixture
    def skips_later():
        yield
        pytest.skip("in teardown")

    def test_setup_skips(skips): pass

    def test_setup_xfails(expects): pass

    def test_teardown_skips(skips_later): pass

    def test_call_skips():
        pytest.skip("in call")

    @pytest.mark.xfail
    def test_xfails():
        assert 0

    @pytest.mark.xfail(run=False)
    def test_xfails_unrun(): pass

    @pytest.mark.xfail
    def test_xpasses(): pass

    @pytest.mark.xfail(strict=True)
    def test_xpasses_strictly(): pass

    @pytest.mark.xfail(raises=ValueError)
    def test_xfails_otherwise():
        raise TypeError

    class TestCase(unittest.TestCase):
        @unittest.expectedFailure
        def test_expected(self):
            assert 0

        def test_skip(self):
            self.skipTest("in unittest")
    """,
    passed="test_xpasses test_teardown_skips",
    failed="test_xpasses_strictly test_xfails_otherwise",
    skipped="test_setup_skips test_setup_xfails test_call_skips test_xfails test_xfails_unrun",
)


def test_b40_skips_and_expected_failures(pair: Pair, workers: int) -> None:
    pair.write("test_b40.py", _SKIPS.source)
    run = pair.run(workers=workers)
    case = {f"test_b40 > TestCase > test_{name}": "skipped" for name in ("expected", "skip")}
    assert run.outcomes == {**_SKIPS.outcomes, **case}


def test_b37_ends_without_a_terminal_summary(pair: Pair) -> None:
    pair.write("test_it.py", "import pytest\ndef test_a(): pass\ndef test_b():\n    pytest.exit('now', returncode=7)\n")
    run = pair.run()
    assert pair.reported.exit == 7
    assert "2 tests run, 2 acknowledged" in pair.reported.out
    assert run.outcomes == {"test_it > test_a": "passed", "test_it > test_b": "skipped"}


def test_b37_ends_in_an_internal_error(pair: Pair) -> None:
    pair.write("test_it.py", "def test_a(): pass\n")
    pair.write("conftest.py", "def pytest_runtest_logfinish():\n    raise RuntimeError('theirs')\n")
    run = pair.run()
    assert pair.reported.exit == 3
    assert "1 test run, 1 acknowledged" in pair.reported.out
    assert set(run.outcomes) == {"test_it > test_a"}
    assert run.status == "failed"


_TALKS = """
    import pytest

    TRIES = []

    @pytest.fixture
    def talks():
        print("from setup")
        yield
        print("from teardown")

    def test_talks(talks):
        print("from call")

    @pytest.mark.flaky(reruns=2)
    def test_again(talks):
        TRIES.append(1)
        print("try", len(TRIES))
        assert len(TRIES) == 3
"""


def test_b38_output_is_told_once(pair: Pair, workers: int) -> None:
    pair.write("test_it.py", _TALKS)
    run = pair.run(workers=workers)
    assert run.test("test_talks")["stdout"] == "from setup\nfrom call\nfrom teardown\n"
    again = run.test("test_again")
    assert (again["status"], again["retries"]) == ("flaky", 2)
    assert again["stdout"].count("from setup") == again["stdout"].count("from teardown")
    for number in (1, 2, 3):
        assert again["stdout"].count(f"try {number}") <= 1
    assert "try 3" in again["stdout"]


@pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="pytest 9 brought subtests")
def test_b41_subtests_without_the_terminal_plugin(pair: Pair, workers: int) -> None:
    pair.write(
        "test_it.py",
        """
        import unittest

        def test_a(subtests):
            for number in range(3):
                with subtests.test(number=number):
                    assert number != 1

        def test_b(subtests):
            with subtests.test("fine"):
                pass

        class TestCase(unittest.TestCase):
            def test_c(self):
                for number in range(3):
                    with self.subTest(number=number):
                        assert number != 2
        """,
    )
    run = pair.run("-p", "no:terminal", workers=workers)
    assert run.outcomes == {
        "test_it > test_a": "failed",
        "test_it > test_b": "passed",
        "test_it > TestCase > test_c": "failed",
    }


@pytest.mark.skipif(not find_spec("flaky"), reason="flaky is not installed")
def test_b43_flaky(pair: Pair, workers: int) -> None:
    pair.write(
        "test_it.py",
        """
        from flaky import flaky

        SEEN = []

        @flaky
        def test_second_time():
            SEEN.append(1)
            assert len(SEEN) > 1

        @flaky(max_runs=3, min_passes=2)
        def test_twice(): pass

        @flaky
        def test_never():
            assert 0
        """,
    )
    run = pair.run("-p", "flaky.flaky_pytest_plugin", workers=workers)
    assert run.outcomes == {
        "test_it > test_second_time": "flaky",
        "test_it > test_twice": "passed",
        "test_it > test_never": "failed",
    }
