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
        "parameters whose ids hold an address",
        "Shapes of tests",
        {
            _IT + "test_a[<object object at 0x...>-1]": "passed",
            _IT + "test_a[<object object at 0x...>-2]": "passed",
            _IT + "test_a[<object object at 0x...>-1] (2)": "failed",
            _IT + "test_a[<object object at 0x...>-2] (2)": "failed",
        },
        """
        import pytest
        things = [object(), object()]
        @pytest.mark.parametrize('number', [1, 2])
        @pytest.mark.parametrize('thing', things, ids=repr)
        def test_a(thing, number):
            assert thing is things[0]
        """,
        run="failed",
        exit=1,
        xdist="without",  # no two workers would have the same ids
    ),
    Case(
        "parameters of a class, in a class",
        "Shapes of tests",
        {
            _IT + "TestA > TestB > test_x[1]": "passed",
            _IT + "TestA > TestB > test_x[2]": "failed",
            _IT + "TestA > TestB > test_y[a-1]": "passed",
            _IT + "TestA > TestB > test_y[a-2]": "passed",
        },
        """
        import pytest
        class TestA:
            @pytest.mark.parametrize('number', [1, 2])
            class TestB:
                def test_x(self, number):
                    assert number == 1
                @pytest.mark.parametrize('letter', 'a')
                def test_y(self, letter, number):
                    pass
        """,
        run="failed",
        exit=1,
        annotations={_IT + "TestA > TestB > test_y[a-2]": ("parameter",)},
    ),
    Case(
        "inherited methods",
        "Shapes of tests",
        {
            _IT + "TestA > test_x": "passed",
            _IT + "TestB > test_x": "failed",
            _IT + "TestB > test_y": "passed",
        },
        files={
            "__init__.py": "",
            "base.py": """
            class Base:
                number = 1
                def test_x(self):
                    assert self.number == 1
            """,
            "test_it.py": """
            from .base import Base
            class TestA(Base):
                pass
            class TestB(TestA):
                number = 2
                def test_y(self):
                    pass
            """,
        },
        run="failed",
        exit=1,
    ),
    Case(
        "tests made by pytest_generate_tests",
        "Shapes of tests",
        {
            _IT + "test_a[one]": "passed",
            _IT + "test_a[two]": "skipped",
            _IT + "TestA > test_a[one]": "passed",
            _IT + "TestA > test_a[two]": "skipped",
        },
        """
        import pytest
        def pytest_generate_tests(metafunc):
            later = pytest.mark.skip(reason='later')
            metafunc.parametrize('made', [pytest.param(1, id='one'), pytest.param(2, id='two', marks=later)])
        def test_a(made):
            pass
        class TestA:
            def test_a(self, made):
                pass
        """,
        annotations={_IT + "test_a[two]": ("skip", "parameter")},
    ),
    Case(
        "a package with a fixture, and with tests in its __init__.py",
        "Shapes of tests",
        {
            "__init__ > test_a": "passed",
            "test_it > test_a": "passed",
            "test_it > test_b": "failed",
            "test_in > test_a": "passed",
        },
        files={
            "pkg/__init__.py": "def test_a(shop):\n    shop.append(1)\n",
            "pkg/conftest.py": """
            import pytest
            from pytest_platform_report import step
            @pytest.fixture(scope='package')
            def shop():
                with step('open'):
                    return []
            """,
            "pkg/test_it.py": "def test_a(shop):\n    shop.append(2)\ndef test_b(shop):\n    assert shop == []\n",
            "pkg/sub/__init__.py": "",
            "pkg/sub/test_in.py": "def test_a(shop):\n    shop.append(3)\n",
            "pytest.ini": "[pytest]\npython_files = test_*.py __init__.py\n",
        },
        args=("--dist=loadscope", "pkg"),
        run="failed",
        exit=1,
        xdist="without",  # each worker would open a shop of its own
        steps={"__init__ > test_a": (("open", "passed"),), "test_it > test_a": ()},
        messages={"test_it > test_b": "== []"},
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
        "doctest",
        "Shapes of tests",
        {
            "mod > mod.good": "passed",
            "mod > mod.bad": "failed",
            "mod > mod.Shop.sell": "failed",
            "mod > mod.later": "skipped",
            "guide > guide.txt": "failed",
        },
        files={
            "mod.py": '''
            def good():
                """
                >>> good()
                1
                >>> good() + 1
                2
                """
                return 1
            def bad():
                """
                >>> bad()
                2
                >>> bad() + 1
                4
                >>> bad() + 2
                4
                """
                return 2
            class Shop:
                def sell(self):
                    """
                    >>> Shop().sell()
                    """
                    raise LookupError('no tea')
            def later():
                """
                >>> later()  # doctest: +SKIP
                """
            ''',
            "guide.txt": "Once\n>>> 1 + 1\n2\n\nand again\n>>> 1 + 1\n3\n",
        },
        args=("--doctest-modules", "--doctest-glob=*.txt"),
        run="failed",
        exit=1,
        messages={
            "mod > mod.bad": "Expected:\n    4\nGot:\n    3",
            "mod > mod.Shop.sell": "LookupError",
            "guide > guide.txt": "Expected:\n    3",
        },
        annotations={"mod > mod.later": ("skip",)},
    ),
    Case(
        "items of another kind, from YAML",
        "Shapes of tests",
        {"plan > adds up": "passed", "plan > does not": "failed", "plan > one day": "skipped"},
        files={
            "conftest.py": """
            import pytest, yaml
            from pytest_platform_report import step
            def pytest_collect_file(parent, file_path):
                if file_path.suffix == '.yaml':
                    return PlanFile.from_parent(parent, path=file_path)
            class PlanFile(pytest.File):
                def collect(self):
                    for name, rule in yaml.safe_load(self.path.read_text()).items():
                        yield PlanItem.from_parent(self, name=name, rule=rule)
            class PlanItem(pytest.Item):
                def __init__(self, rule, **kwargs):
                    super().__init__(**kwargs)
                    self.rule = rule
                    self.add_marker('plan')
                def runtest(self):
                    if self.rule is None:
                        pytest.skip('no rule yet')
                    with step(self.rule):
                        assert eval(self.rule)
                def reportinfo(self):
                    return self.path, 0, f'plan: {self.name}'
            """,
            "plan.yaml": "adds up: 1 + 1 == 2\ndoes not: 1 + 1 == 3\none day:\n",
            "pytest.ini": "[pytest]\nmarkers = plan\n",
        },
        run="failed",
        exit=1,
        steps={"plan > adds up": (("1 + 1 == 2", "passed"),), "plan > does not": (("1 + 1 == 3", "failed"),)},
        annotations={"plan > one day": ("skip",)},
    ),
    Case(
        "examples by hypothesis",
        "Shapes of tests",
        {_IT + "test_a": "passed", _IT + "test_b": "failed", _IT + "TestA > test_x[1]": "passed"},
        """
        import pytest
        from hypothesis import given, settings, strategies
        from pytest_platform_report import step
        few = settings(max_examples=5, database=None, deadline=None, derandomize=True)
        @few
        @given(strategies.integers())
        def test_a(number):
            assert number == number
        @few
        @given(strategies.integers(min_value=7))
        def test_b(number):
            print('tried', number)
            assert number < 7
        class TestA:
            @pytest.mark.parametrize('factor', [1])
            @few
            @given(number=strategies.just(3))
            def test_x(self, factor, number):
                with step(f'{factor} x {number}'):
                    pass
        """,
        run="failed",
        exit=1,
        messages={_IT + "test_b": "assert 7 < 7"},
        output={_IT + "test_b": "tried 7"},
        steps={_IT + "TestA > test_x[1]": (("1 x 3", "passed"),)},
        plugins=("_hypothesis_pytestplugin",),
    ),
)
