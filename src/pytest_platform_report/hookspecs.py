"""The hooks by which a project, or a plugin, has a say in what is reported of it.

They are called where reporting is on. What an implementation raises is told in the summary, naming it; what it was
called for is recorded as if the hook were not there.
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .descriptions import ArtifactDescription, BegunTest, EndedTest, RunDescription


def pytest_platform_run(config: pytest.Config, run: RunDescription) -> None:
    """Called when a run is about to begin, once: in a plain session, or in xdist's controller.

    :param run: its title, tags and metadata, to be changed.
    """


def pytest_platform_begin(item: pytest.Item, test: BegunTest) -> None:
    """Called when a test is about to begin, once however often it is run again: in the process that runs it.

    A ``conftest.py`` implements it for the tests of its folder.

    :param test: its title, suites, tags and annotations, to be changed; ``test.drop()`` leaves it out of the report.
    """


def pytest_platform_end(item: pytest.Item, test: EndedTest) -> None:
    """Called when a test has ended, with all its attempts, and before its result is recorded.

    A ``conftest.py`` implements it for the tests of its folder. Files attached here are the test's.

    :param test: its attempts, whose texts may be replaced, its title, and the tags and annotations that have come since
        it began; ``test.drop()`` leaves it out of the report.
    """


@pytest.hookspec(firstresult=True)
def pytest_platform_artifact(item: pytest.Item | None, artifact: ArtifactDescription) -> bool | None:
    """Called when a file is about to be kept; the first answer other than None counts, and False leaves it out.

    A ``conftest.py`` implements it for the tests of its folder, and for the files of the run.

    :param item: the test that the file belongs to; None where it belongs to the run.
    """
