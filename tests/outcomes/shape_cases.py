"""What a test may be: a function, a method, a doctest, an item of another kind, and how it may be named."""

from __future__ import annotations

from outcomes.cases import Case
from pytest_platform_report.text import shorten_name

_IT = "test_it > "


def _long(middle: str) -> str:
    return _IT + shorten_name(f"test_a[{5000 * 'a'}{middle}{5000 * 'a'}]")


SHAPES = (
    Case(
        "classes in classes",
        "Shapes of tests",
        {_IT + "TestA > test_x": "passed", _IT + "TestA > TestB > test_x": "failed"},
        """
        class TestA:
            def test_x(self):
                pass
            class TestB:
                def test_x(self):
                    assert 0
        """,
        run="failed",
        exit=1,
    ),
    Case(
        "parameters with odd ids",
        "Shapes of tests",
        {
            _IT + "test_a[a b]": "passed",
            _IT + "test_a[a::b]": "passed",
            _IT + "test_a[[a]]": "passed",
            _IT + "test_a[a/b]": "passed",
            _IT + "test_a[a@b]": "passed",
            _IT + r"test_a[\xfc\u20ac]": "passed",
            _IT + r"test_a[\ud800]": "passed",
        },
        """
        import pytest
        @pytest.mark.parametrize('x', ['a b', 'a::b', '[a]', 'a/b', 'a@b', 'ü€', '\\ud800'])
        def test_a(x):
            pass
        """,
    ),
    Case(
        "parameters whose ids are raw unicode",
        "Shapes of tests",
        {_IT + "test_a[ü€ 漢字]": "passed"},
        files={
            "test_it.py": "import pytest\n@pytest.mark.parametrize('x', ['ü€ 漢字'])\ndef test_a(x):\n    pass\n",
            "pytest.ini": "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n",
        },
    ),
    Case(
        "a parameter id with an address",
        "Shapes of tests",
        {_IT + "test_a[<object object at 0x...>]": "passed"},
        """
        import pytest
        @pytest.mark.parametrize('x', [object()], ids=lambda x: '<object object at 0x7f11223344>')
        def test_a(x):
            pass
        """,
    ),
    Case(
        "parameter ids of 10,000 characters",
        "Shapes of tests",
        dict.fromkeys((_long("b"), _long("c")), "passed"),
        """
        import pytest
        @pytest.mark.parametrize('x', 'bc', ids=lambda x: 5000 * 'a' + x + 5000 * 'a')
        def test_a(x):
            pass
        """,
    ),
    Case(
        "unittest",
        "Shapes of tests",
        {
            _IT + "TestIt > test_pass": "passed",
            _IT + "TestIt > test_fail": "failed",
            _IT + "TestIt > test_skip": "skipped",
            _IT + "TestIt > test_expected": "skipped",
            _IT + "TestIt > test_unexpected": "failed",
        },
        """
        import unittest
        class TestIt(unittest.TestCase):
            def test_pass(self):
                self.assertEqual(1, 1)
            def test_fail(self):
                self.assertEqual(1, 2)
            @unittest.skip('later')
            def test_skip(self):
                pass
            @unittest.expectedFailure
            def test_expected(self):
                self.fail('known')
            @unittest.expectedFailure
            def test_unexpected(self):
                pass
        """,
        run="failed",
        exit=1,
    ),
    Case(
        "subtests",
        "Shapes of tests",
        {_IT + "test_a": "failed", _IT + "test_b": "passed"},
        """
        def test_a(subtests):
            for i in range(3):
                with subtests.test(msg='even', i=i):
                    assert i % 2 == 0
        def test_b(subtests):
            with subtests.test(msg='fine'):
                pass
        """,
        run="failed",
        exit=1,
        steps={
            _IT + "test_a": (("even (i=0)", "passed"), ("even (i=1)", "failed"), ("even (i=2)", "passed")),
            _IT + "test_b": (("fine", "passed"),),
        },
        messages={_IT + "test_a": "assert (1 % 2) == 0"},
        pytest=(9, 0),
    ),
    Case(
        "unittest's subTest",
        "Shapes of tests",
        {_IT + "TestIt > test_a": "failed", _IT + "TestIt > test_b": "passed"},
        """
        import unittest
        class TestIt(unittest.TestCase):
            def test_a(self):
                for i in range(2):
                    with self.subTest('even', i=i):
                        self.assertEqual(i % 2, 0)
            def test_b(self):
                with self.subTest('fine'):
                    pass
        """,
        run="failed",
        exit=1,
    ),
    Case(
        "doctest",
        "Shapes of tests",
        {"mod > mod.good": "passed", "mod > mod.bad": "failed", "guide > guide.txt": "failed"},
        files={
            "mod.py": '''
            def good():
                """
                >>> good()
                1
                """
                return 1
            def bad():
                """
                >>> bad()
                1
                """
                return 2
            ''',
            "guide.txt": ">>> 1 + 1\n3\n",
        },
        args=("--doctest-modules", "--doctest-glob=*.txt"),
        run="failed",
        exit=1,
        messages={"mod > mod.bad": "Expected:"},
    ),
    Case(
        "items of another kind",
        "Shapes of tests",
        {"plan > adds up": "passed", "plan > does not": "failed"},
        files={
            "conftest.py": """
            import pytest
            def pytest_collect_file(parent, file_path):
                if file_path.suffix == '.plan':
                    return PlanFile.from_parent(parent, path=file_path)
            class PlanFile(pytest.File):
                def collect(self):
                    for line in self.path.read_text().splitlines():
                        name, _, rule = line.partition(':')
                        yield PlanItem.from_parent(self, name=name, rule=rule)
            class PlanItem(pytest.Item):
                def __init__(self, rule, **kwargs):
                    super().__init__(**kwargs)
                    self.rule = rule
                def runtest(self):
                    assert eval(self.rule)
                def reportinfo(self):
                    return self.path, 0, f'plan: {self.name}'
            """,
            "it.plan": "",
            "plan.plan": "adds up:1 + 1 == 2\ndoes not:1 + 1 == 3\n",
        },
        run="failed",
        exit=1,
    ),
)
