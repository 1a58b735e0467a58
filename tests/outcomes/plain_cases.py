"""What pytest alone can make of a test."""

from __future__ import annotations

from outcomes.cases import Case
from pytest_platform_report.text import shorten_name

_IT = "test_it > "


def _long(middle: str) -> str:
    return _IT + shorten_name(f"test_a[{5000 * 'a'}{middle}{5000 * 'a'}]")


PLAIN = (
    Case("pass", "Outcomes", {_IT + "test_a": "passed"}, "def test_a():\n    pass\n"),
    Case(
        "fail",
        "Outcomes",
        {_IT + "test_a": "failed"},
        "def test_a():\n    assert 1 == 2\n",
        run="failed",
        exit=1,
        messages={_IT + "test_a": "assert 1 == 2"},
    ),
    Case(
        "skip by mark",
        "Outcomes",
        {_IT + "test_a": "skipped"},
        "import pytest\n@pytest.mark.skip(reason='later')\ndef test_a():\n    pass\n",
        annotations={_IT + "test_a": ("skip",)},
    ),
    Case(
        "skip in the test",
        "Outcomes",
        {_IT + "test_a": "skipped"},
        "import pytest\ndef test_a():\n    pytest.skip('later')\n",
        annotations={_IT + "test_a": ("skip",)},
    ),
    Case(
        "skip in setup",
        "Outcomes",
        {_IT + "test_a": "skipped"},
        """
        import pytest
        @pytest.fixture
        def needed():
            pytest.skip('later')
        def test_a(needed):
            pass
        """,
        annotations={_IT + "test_a": ("skip",)},
    ),
    Case(
        "skip of a module",
        "Outcomes",
        {"test_it > collection": "skipped", "test_other > test_a": "passed"},
        files={
            "test_it.py": "import pytest\npytest.skip('later', allow_module_level=True)\n",
            "test_other.py": "def test_a():\n    pass\n",
        },
        annotations={"test_it > collection": ("skip",)},
    ),
    Case(
        "xfail",
        "Outcomes",
        {_IT + "test_a": "skipped"},
        "import pytest\n@pytest.mark.xfail(reason='bug 1')\ndef test_a():\n    assert 0\n",
        annotations={_IT + "test_a": ("xfail",)},
    ),
    Case(
        "xfail in setup",
        "Outcomes",
        {_IT + "test_a": "skipped"},
        """
        import pytest
        @pytest.fixture
        def broken():
            pytest.xfail('bug 1')
        def test_a(broken):
            pass
        """,
        annotations={_IT + "test_a": ("xfail",)},
    ),
    Case(
        "xpass",
        "Outcomes",
        {_IT + "test_a": "passed"},
        "import pytest\n@pytest.mark.xfail(reason='bug 1')\ndef test_a():\n    pass\n",
        annotations={_IT + "test_a": ("xpass",)},
    ),
    Case(
        "strict xpass",
        "Outcomes",
        {_IT + "test_a": "failed"},
        "import pytest\n@pytest.mark.xfail(strict=True, reason='bug 1')\ndef test_a():\n    pass\n",
        run="failed",
        exit=1,
        messages={_IT + "test_a": "XPASS(strict)"},
    ),
    Case(
        "error in setup",
        "Outcomes",
        {_IT + "test_a": "failed"},
        """
        import pytest
        @pytest.fixture
        def broken():
            raise OSError('no database')
        def test_a(broken):
            pass
        """,
        run="failed",
        exit=1,
        messages={_IT + "test_a": "no database"},
    ),
    Case(
        "error in teardown",
        "Outcomes",
        {_IT + "test_a": "failed"},
        """
        import pytest
        @pytest.fixture
        def broken():
            yield
            raise OSError('cannot clean up')
        def test_a(broken):
            pass
        """,
        run="failed",
        exit=1,
        messages={_IT + "test_a": "cannot clean up"},
    ),
    Case(
        "failure and error in teardown",
        "Outcomes",
        {_IT + "test_a": "failed"},
        """
        import pytest
        @pytest.fixture
        def broken():
            yield
            raise OSError('cannot clean up')
        def test_a(broken):
            assert 1 == 2
        """,
        run="failed",
        exit=1,
        messages={_IT + "test_a": "assert 1 == 2"},
    ),
    Case(
        "skip in the test, error in teardown",
        "Outcomes",
        {_IT + "test_a": "failed"},
        """
        import pytest
        @pytest.fixture
        def broken():
            yield
            raise OSError('cannot clean up')
        def test_a(broken):
            pytest.skip('later')
        """,
        run="failed",
        exit=1,
    ),
    *(
        Case(
            f"error in {when} of a {scope} fixture",
            "Outcomes",
            expect,
            f"""
            import pytest
            @pytest.fixture(scope='{scope}')
            def broken():
                {"yield" if when == "teardown" else "pass"}
                raise OSError('{scope} broke')
            class TestIt:
                def test_a(self, broken):
                    pass
                def test_b(self, broken):
                    pass
            """,
            args=("--dist=loadfile",),
            run="failed",
            exit=1,
        )
        for scope in ("class", "module", "package", "session")
        for when, expect in (
            ("setup", {_IT + "TestIt > test_a": "failed", _IT + "TestIt > test_b": "failed"}),
            ("teardown", {_IT + "TestIt > test_a": "passed", _IT + "TestIt > test_b": "failed"}),
        )
    ),
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
    Case(
        "a module that cannot be imported",
        "Collection",
        {"test_it > collection": "failed"},
        files={"test_it.py": "import no_such_module\n", "test_other.py": "def test_a():\n    pass\n"},
        run="failed",
        exit=2,
        xdist="without",
        messages={"test_it > collection": "No module named 'no_such_module'"},
    ),
    Case(
        "a module that cannot be imported, beside others",
        "Collection",
        {"test_it > collection": "failed", "test_other > test_a": "passed"},
        files={"test_it.py": "import no_such_module\n", "test_other.py": "def test_a():\n    pass\n"},
        args=("--continue-on-collection-errors",),
        run="failed",
        exit=1,
        messages={"test_it > collection": "No module named 'no_such_module'"},
    ),
    Case(
        "a module with a syntax error",
        "Collection",
        {"test_it > collection": "failed"},
        "def test_a(:\n",
        run="failed",
        exit=(2, 1),
        messages={"test_it > collection": "SyntaxError"},
    ),
    Case(
        "a conftest.py that cannot be imported",
        "Collection",
        {},
        files={"conftest.py": "import no_such_module\n", "test_it.py": "def test_a():\n    pass\n"},
        run=None,
        exit=4,
    ),
    Case("--collect-only", "Collection", {}, "def test_a():\n    pass\n", args=("--collect-only",), run=None),
    Case("no test found", "Collection", {}, files={"empty.py": ""}, run=None, exit=5),
    Case("every test deselected", "Collection", {}, "def test_a():\n    pass\n", args=("-k", "b"), run=None, exit=5),
    Case("a usage error", "Collection", {}, "def test_a():\n    pass\n", args=("--no-such",), run=None, exit=4),
    Case(
        "--setup-plan", "Collection", {}, "def test_a():\n    pass\n", args=("--setup-plan",), run=None, xdist="without"
    ),
    Case(
        "--deselect",
        "Selection",
        {_IT + "test_b": "passed"},
        "def test_a():\n    pass\ndef test_b():\n    pass\n",
        args=("--deselect=test_it.py::test_a",),
    ),
    Case(
        "-x",
        "Selection",
        {_IT + "test_a": "failed"},
        "def test_a():\n    assert 0\ndef test_b():\n    pass\n",
        args=("-x",),
        run="failed",
        exit=1,
        xdist="without",
    ),
    Case(
        "--maxfail",
        "Selection",
        {_IT + "test_a": "failed", _IT + "test_b": "failed"},
        "def test_a():\n    assert 0\ndef test_b():\n    assert 0\ndef test_c():\n    pass\n",
        args=("--maxfail=2",),
        run="failed",
        exit=1,
        xdist="without",
    ),
    Case(
        "--stepwise",
        "Selection",
        {_IT + "test_a": "passed", _IT + "test_b": "failed"},
        "def test_a():\n    pass\ndef test_b():\n    assert 0\ndef test_c():\n    pass\n",
        args=("--stepwise",),
        run="failed",
        exit=2,
        xdist="without",
        cache=True,
    ),
    Case(
        "--lf",
        "Selection",
        {_IT + "test_b": "failed"},
        files={
            "test_it.py": "def test_a():\n    pass\ndef test_b():\n    assert 0\n",
            ".pytest_cache/v/cache/lastfailed": '{"test_it.py::test_b": true}',
        },
        args=("--lf",),
        run="failed",
        exit=1,
        cache=True,
    ),
    Case(
        "-x under xdist",
        "Selection",
        {_IT + "test_a": "failed"},
        "def test_a():\n    assert 0\n",
        args=("-x",),
        run="failed",
        exit=(1, 2),
    ),
    Case(
        "pytest.exit in a test",
        "Interruptions",
        {_IT + "test_a": "passed", _IT + "test_b": "skipped"},
        "import pytest\ndef test_a():\n    pass\ndef test_b():\n    pytest.exit('enough')\ndef test_c():\n    pass\n",
        run="cancelled",
        exit=2,
        xdist="without",
        annotations={_IT + "test_b": ("interrupted",)},
    ),
    Case(
        "pytest.exit with a status",
        "Interruptions",
        {_IT + "test_a": "skipped"},
        "import pytest\ndef test_a():\n    pytest.exit('enough', returncode=7)\n",
        run="cancelled",
        exit=7,
        xdist="without",
        annotations={_IT + "test_a": ("interrupted",)},
    ),
    Case(
        "KeyboardInterrupt in a test",
        "Interruptions",
        {_IT + "test_a": "passed", _IT + "test_b": "skipped"},
        "def test_a():\n    pass\ndef test_b():\n    raise KeyboardInterrupt\ndef test_c():\n    pass\n",
        run="cancelled",
        exit=2,
        xdist="without",
        annotations={_IT + "test_b": ("interrupted",)},
    ),
    Case(
        "an internal error",
        "Interruptions",
        {_IT + "test_a": "passed"},
        files={
            "test_it.py": "def test_a():\n    pass\n",
            "conftest.py": "def pytest_sessionfinish():\n    raise RuntimeError('broken plugin')\n",
        },
        run="failed",
        exit=(1, 1),
        xdist="without",
    ),
    Case(
        "an internal error in a test's own hook",
        "Interruptions",
        {_IT + "test_a": "failed"},
        files={
            "test_it.py": "def test_a():\n    pass\ndef test_b():\n    pass\n",
            "conftest.py": "def pytest_runtest_logreport(report):\n    raise RuntimeError('broken plugin')\n",
        },
        run="failed",
        exit=3,
        xdist="without",
    ),
)
