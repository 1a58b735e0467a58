"""The projects whose own test suites are run."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class Suite:
    """The test suite in a project's sdist.

    :ivar sha256: of the sdist of the release that requirements.txt names.
    :ivar number: how many tests there are at least: fewer means that something has kept them from being found.
    :ivar left_out: files of tests that are not run, for the time that they take.
    :ivar without: what is in the names of such tests, as ``-k`` has it.
    :ivar workers: with how many workers it is run, once with each number; not with any where how a test ends depends
        on those that ran before it in its process, as with the caches of packaging.
    """

    name: str
    sha256: str
    number: int
    left_out: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    workers: tuple[int, ...] = (0,)

    @property
    def arguments(self) -> list[str]:
        """What pytest gets, beside the project's own configuration."""
        chosen = ["-k", " and ".join(f"not {each}" for each in self.without)] if self.without else []
        return [*(f"--ignore=tests/{file}.py" for file in self.left_out), *chosen]

    def __str__(self) -> str:
        return self.name

    @property
    def version(self) -> str:
        """The release that is installed here, which its own tests are run against."""
        return version(self.name)


SUITES = (
    Suite("attrs", "d03ceb89cb322a8fd706d4fb91940737b6642aa36998fe130a9bc96c985eff32", 1100, left_out=("test_funcs",)),
    Suite(
        "click",
        "9bbfada76703fd1d784b83eea012e3e8c6a001a876543ef104fa56aaaeb072b4",
        2300,
        left_out=("test_stream_lifecycle",),
        workers=(2,),
    ),
    Suite("flask", "0ef0e52b8a9cd932855379197dd8f94047b359ca0a78695144304cb45f87c9eb", 480),
    Suite("freezegun", "ac7742a6cc6c25a2c35e9292dfd554b897b517d2dec26891a2e8debf205cb94a", 140, workers=(2,)),
    Suite(
        "idna",
        "a7db850025b95ded1eae8a46181a1a6c56c92c96f0e2b005d9ff8dc0210cab44",
        6300,
        left_out=("test_idna_concurrency", "test_idna_fuzz_targets", "test_idna_properties"),
    ),
    Suite("itsdangerous", "e0050c0b7da1eea53ffaf149c0cfbb5c6e2e2b69c4bef22c81fa6eb73e5f6173", 290, workers=(0, 2)),
    Suite("jinja2", "0137fb05990d35f1275a587e9aee6d56da821fc83491a0fb838183be43f66d6d", 900),
    Suite("markupsafe", "2e9ad7dd851bf45fab9f75cbff4cb493fee9979e8d8c7c9c3ee119022518edd6", 70, workers=(0, 2)),
    Suite(
        "more-itertools",
        "cbf08fd0af284dc69718b9b76a8e6203df624d70209ea511e4219d350c856f63",
        700,
        without=("Prime", "DiscreteFourier", "oncurrent", "all_orderings", "test_large"),
    ),
    Suite(
        "packaging",
        "94edc256424af38762eb31306eed28beb9f0efc50a8837492c9d6fd6004aed79",
        1000,
        left_out=("test_markers", "test_requirements", "test_specifiers", "test_version"),
    ),
    Suite("toolz", "9667a038e9d6ecba37995e26cb2f59ec6420b6ad8dd9677de59db9b956b08490", 190, workers=(0, 2)),
)
