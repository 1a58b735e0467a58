"""The outcomes that pytest knows, in each phase of a test."""

from __future__ import annotations

from outcomes.cases import Case

_IT = "test_it > "

OUTCOMES = (
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
)
