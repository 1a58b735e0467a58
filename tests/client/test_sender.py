"""What a platform says of one test keeps no other from being sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from journals import Author, Reader
from model_platform import ModelPlatform

from pytest_platform_report.errors import DeliveryError
from pytest_platform_report.settings import Settings
from pytest_platform_report.uploader.pace import Pace
from pytest_platform_report.uploader.sender import Sender

REFUSED = (400, '{"error": {"code": "VALIDATION_ERROR", "message": "not on a Sunday"}}')


class PickyPlatform(ModelPlatform):
    """A platform that always gives this answer to requests of a kind whose path and body hold some text."""

    def __init__(self, kind: str, text: str, answer: tuple[int, str], *, is_rich: bool) -> None:
        super().__init__(is_rich=is_rich)
        self._kind = kind
        self._text = text.encode()
        self._answer = answer
        self.turned_away = 0

    def mend(self) -> None:
        """Be picky no more."""
        self._kind = "none"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if f"{request.method} {request.url}".startswith(self._kind) and self._text in request.read():
            self.turned_away += 1
            status, text = self._answer
            return httpx.Response(status, text=text)
        return super().handle_request(request)


class Run:
    """A run of five tests, the second of them failed, on its way to a platform."""

    def __init__(self, folder: Path, platform: ModelPlatform) -> None:
        author = Author(folder)
        for name in "abcde":
            author.begin(f"test_{name}.py::test_{name}")
            author.end("failed" if name == "b" else "passed")
        author.close()
        self.reader = Reader(folder)
        self.reader.take_all()
        self.record = self.reader.record
        self.record.plan_run({})
        self.platform = platform
        self.sender = Sender(platform.open(), folder, Settings(), self.record, self.reader.journals, Pace())
        self.send_run()

    def send_run(self) -> None:
        """Send the run, whatever the platform says."""
        for _ in range(400):
            with suppress(DeliveryError):
                if self.sender.send_run():
                    return

    def send(self, steps: int = 40) -> None:
        """Send for so many steps, whatever the platform says."""
        for _ in range(steps):
            try:
                if not (self.sender.settle_tests() or self.sender.send_tests()):
                    return
            except DeliveryError:
                pass

    @property
    def titles(self) -> list[str]:
        """The tests that have arrived, in order."""
        return [test["title"] for test in self.platform.tests.values()]


@pytest.fixture(params=[False, True], ids=["plain", "rich"])
def is_rich(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[list[Run]]:
    runs: list[Run] = []
    yield runs
    for run in runs:
        run.reader.close()


def test_refused_suite_costs_its_own_tests(tmp_path: Path, runs: list[Run], is_rich: bool) -> None:
    run = Run(
        tmp_path, PickyPlatform("POST http://platform.example/api/test-suites", "test_b", REFUSED, is_rich=is_rich)
    )
    runs.append(run)
    run.send()
    assert sorted(run.titles) == ["test_a", "test_c", "test_d", "test_e"]
    ((node, why),) = run.record.refusals(9)
    assert node == "test_b.py::test_b"
    assert why.startswith("its suite: POST http://platform.example/api/test-suites: answered 400")
    assert why.endswith("not on a Sunday")


@pytest.mark.parametrize("path", ["tests", "test-suites"])
def test_test_that_the_platform_fails_over_goes_last_and_alone(
    tmp_path: Path, runs: list[Run], is_rich: bool, path: str
) -> None:
    platform = PickyPlatform(f"POST http://platform.example/api/{path}", "test_b", (500, "{}"), is_rich=is_rich)
    run = Run(tmp_path, platform)
    runs.append(run)
    run.send()
    assert sorted(run.titles) == ["test_a", "test_c", "test_d", "test_e"]
    assert run.record.acknowledged() == 4
    assert platform.turned_away > 3, "it is not given up"
    assert run.record.has_open()


def test_test_that_cannot_be_looked_up_is_set_aside(tmp_path: Path, runs: list[Run]) -> None:
    platform = PickyPlatform("GET http://platform.example/api/tests?", "", REFUSED, is_rich=False)
    run = Run(tmp_path, platform)
    runs.append(run)
    platform.faults = [("POST tests", "lost answer")]
    run.send()
    assert len(run.titles) == 5
    ((node, why),) = run.record.refusals(9)
    assert node == "test_b.py::test_b", "failures go first"
    assert why.startswith(
        "it may have arrived, and cannot be looked up: GET http://platform.example/api/tests: answered 400"
    )
    platform.mend()
    run.record.retry_refused()
    run.send()
    assert run.record.acknowledged() == len(run.titles) == 5, "it is looked up before it is sent again"


@pytest.mark.parametrize("fault", ["401", "429", "no connection", "500", "done, and HTML"])
def test_repetition_that_fails_says_nothing_of_what_went_before(tmp_path: Path, runs: list[Run], fault: str) -> None:
    run = Run(tmp_path, ModelPlatform(is_rich=True))
    runs.append(run)
    run.platform.faults = [("POST tests", "lost answer"), ("POST tests", fault)]
    run.send()
    assert sorted(run.titles) == ["test_a", "test_b", "test_c", "test_d", "test_e"]


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("fault", ["500", "429", "done, and 502", "lost answer"])
def test_platform_that_fails_every_second_request(
    tmp_path: Path, runs: list[Run], is_rich: bool, fault: str, before: int
) -> None:
    """As one does that has two servers, and one of them is out."""
    platform = ModelPlatform(is_rich=is_rich, every_second=fault)
    platform.runs = {f"other_{number}": {"title": f"run {number}"} for number in range(60)}
    with platform.open() as client, suppress(DeliveryError):
        for _ in range(before):
            client.ping()
    run = Run(tmp_path, platform)
    runs.append(run)
    run.send(200)
    assert sorted(run.titles) == ["test_a", "test_b", "test_c", "test_d", "test_e"]
    assert run.record.acknowledged() == 5
    assert len(platform.runs) == 61


def test_nothing_is_looked_up_of_a_run_that_was_not_there(tmp_path: Path, runs: list[Run], is_rich: bool) -> None:
    """Its folder had to be made anew, so that nobody knew."""
    (tmp_path / "restored").touch()
    platform = PickyPlatform("GET http://platform.example/api/tests", "", (500, "{}"), is_rich=is_rich)
    run = Run(tmp_path, platform)
    runs.append(run)
    run.send()
    assert (len(run.titles), run.record.acknowledged(), platform.turned_away) == (5, 5, 0)
