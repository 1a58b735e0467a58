"""A test is known again in later sessions."""

from __future__ import annotations

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import Run, read_runs
from end_to_end.sessions import Project

pytestmark = pytest.mark.uncovered

_TESTS = """
    import pytest

    class Cup:
        def __init__(self, number):
            self.number = number

    def show(value):
        return f"{value!r} of tea" if isinstance(value, int) else repr(value)

    @pytest.mark.parametrize("side", ["left", "right"])
    @pytest.mark.parametrize("cup", [Cup(0), 1, Cup(2), Cup(3)], ids=show)
    def test_drink(cup, side, record_property):
        record_property("which", getattr(cup, "number", cup))
"""

_FEWER_BACKWARDS = """
    def pytest_collection_modifyitems(items):
        items[:] = items[:1:-1]
"""


def _which(run: Run) -> dict[str, str]:
    """Return the cup of each test, by its title."""
    return {test["title"]: run.annotations(test["title"])["which"] for test in run.tests}


@pytest.mark.parametrize("workers", [0, 1])  # more of them would not agree on what they have collected
def test_parameters_that_show_an_address_are_told_apart_the_same_in_each_session(
    project: Project, target: Target, workers: int
) -> None:
    project.write("test_it.py", _TESTS)
    assert project.run().exit == 0
    project.write("conftest.py", _FEWER_BACKWARDS)
    assert project.run(workers=workers).exit == 0
    later, first = map(_which, read_runs(target))
    cup = "test_drink[<test_it.Cup object at 0x...>"
    sides = ("left", "right")
    assert first == {
        **{f"{cup}-{side}]": "0" for side in sides},
        **{f"test_drink[1 of tea-{side}]": "1" for side in sides},
        **{f"{cup}-{side}] (2)": "2" for side in sides},
        **{f"{cup}-{side}] (3)": "3" for side in sides},
    }
    assert len(later) == 6
    assert later.items() <= first.items()
