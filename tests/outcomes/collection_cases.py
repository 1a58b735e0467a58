"""Sessions that find no test, and modules that cannot be collected."""

from __future__ import annotations

from outcomes.cases import Case

_IT = "test_it > "

COLLECTION = (
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
)
