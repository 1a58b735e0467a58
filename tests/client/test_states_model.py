"""Whatever goes wrong between an uploader and a platform that knows no idempotency key, each thing arrives once.

Hypothesis lets tests end, requests fail in every way that they can, and uploaders die and begin anew. The real sender,
delivery record and HTTP client deliver to a platform in memory.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from journals import Author, Reader
from model_platform import FAULTS, STATUSES, Killed, ModelPlatform, report_id

from pytest_platform_report.errors import DeliveryError
from pytest_platform_report.settings import Settings
from pytest_platform_report.uploader.pace import Pace
from pytest_platform_report.uploader.sender import Sender
from pytest_platform_report.uploader.verdict import judge

pytestmark = [pytest.mark.newest, pytest.mark.uncovered]

SUITES = ("test_a.py", "test_b.py", "test_b.py::TestIt")
REQUESTS = ("GET runs", "PATCH runs", "POST test-suites", *2 * ["POST tests"], "GET tests", *2 * ["POST upload"])
# Those that leave something behind tell more.
FREQUENT = [*sorted(FAULTS), "killed after", "killed after", "done, and 502", "lost answer"]
_MANY = 2000
EVERY_SECOND = ("", "", "500", "done, and 502", "lost answer", "429")


class Delivery(RuleBasedStateMachine):
    """Tests end, uploaders send; after all, the platform has each once."""

    is_rich = False

    @initialize(first=st.sampled_from(FREQUENT), every_second=st.sampled_from(EVERY_SECOND))
    def begin(self, first: str, every_second: str) -> None:
        self.directory = TemporaryDirectory()
        self.folder = Path(self.directory.name, "runs", "key")
        self.author = Author(self.folder)
        self.platform = ModelPlatform(is_rich=self.is_rich, every_second=every_second)
        self.platform.faults = [("POST runs", first)]
        self.ended: Counter[str] = Counter()
        self.attached = 0
        self.reader: Reader | None = None
        self.begin_anew()

    def begin_anew(self) -> None:
        """Let another uploader take over."""
        if self.reader is not None:
            self.reader.close()
        self.reader = Reader(self.folder)
        record, journals = self.reader.record, self.reader.journals
        self.sender = Sender(self.platform.open(), self.folder, Settings(), record, journals, Pace())
        record.plan_run({"runTitle": "a run", "branch": "main", "tags": ["nightly"], "metadata": {"shop": "open"}})

    @property
    def record(self) -> Any:
        assert self.reader is not None
        return self.reader.record

    @rule(tests=st.lists(st.tuples(st.sampled_from(SUITES), st.sampled_from(STATUSES), st.booleans()), max_size=4))
    def tests_end(self, tests: list[tuple[str, str, bool]]) -> None:
        for suite, status, has_file in tests:
            self.author.begin(f"{suite}::test_it[{sum(self.ended.values())}]")
            if has_file:
                self.attached += 1
                self._attach(f"{self.attached}.png")
            self.author.end(*(("failed", "passed") if status == "flaky" else (status,)))
            self.ended[status] += 1
        self.author.begin("test_a.py::test_left_out")
        self.author.drop()

    def _attach(self, name: str) -> None:
        content = b"\x89PNG\r\n\x1a\n" + name.encode()
        (self.folder / "artifacts" / name).write_bytes(content)
        self.author.attach(name, sha256=sha256(content).hexdigest(), size=len(content))

    @rule(
        faults=st.lists(st.tuples(st.sampled_from(REQUESTS), st.sampled_from(FREQUENT)), min_size=1, max_size=6),
        steps=st.integers(3, 12),
    )
    def the_uploader_sends(self, faults: list[tuple[str, str]], steps: int) -> None:
        assert self.reader is not None
        self.reader.take_all()
        self.platform.faults += faults
        for _ in range(steps):
            self.send_some()

    @rule()
    def the_uploader_is_killed(self) -> None:
        self.begin_anew()

    def send_some(self) -> bool:
        """Make a step; tell whether there is more to do."""
        sender = self.sender
        try:
            if self.record.run_id is None:
                return sender.send_run()
            return sender.settle_tests() or sender.send_tests() or sender.send_artifacts()
        except DeliveryError:
            return True
        except Killed:
            self.begin_anew()
            return True

    @invariant()
    def nothing_is_there_twice(self) -> None:
        if hasattr(self, "platform"):
            assert len(self.platform.runs) <= 1
            assert set(Counter(map(report_id, self.platform.tests.values())).values()) <= {1}

    @invariant()
    def nothing_is_acknowledged_that_is_not_there(self) -> None:
        if not hasattr(self, "platform"):
            return
        for row in self.record._tests("state='acknowledged'", ()):
            assert report_id(self.platform.tests[row.remote]) == row.spans[-1].report_id
        acknowledged = sum(n for (_, state), n in self.record.artifact_counts().items() if state == "acknowledged")
        assert acknowledged <= len(set(self.platform.files))
        assert self.record.run_id in (None, *self.platform.runs)

    def teardown(self) -> None:
        if not hasattr(self, "platform"):
            return
        try:
            self._finish()
        finally:
            if self.reader is not None:
                self.reader.close()
            self.directory.cleanup()

    def _finish(self) -> None:
        self.author.close()
        assert self.reader is not None
        self.reader.take_all()
        assert any(not self.send_some() for _ in range(_MANY)), "it gets no further"
        self.platform.every_second = ""
        assert not self.record.has_open()
        self._close_run()
        refused = self.record._tests("state='refused'", ())
        there = {report_id(test) for test in self.platform.tests.values()}
        assert there >= {row.spans[-1].report_id for row in self.record._tests("state='acknowledged'", ())}
        assert self.record.acknowledged() + len(refused) == sum(self.ended.values())
        (run,) = self.platform.runs.values()
        assert {status: run[f"{status}Tests"] for status in STATUSES} == {each: self.ended[each] for each in STATUSES}
        assert run["totalTests"] == sum(self.ended.values())
        if "PATCH runs" not in self.platform.refused:
            assert run.get("metadata") == ({"shop": "open"} if self.platform.is_rich else None)
        refused_files = sum(n for (_, state), n in self.record.artifact_counts().items() if state == "refused")
        assert len(set(self.platform.files)) + refused_files >= self.attached
        if self.platform.is_rich and not refused_files:
            assert len(self.platform.files) == self.attached

    def _close_run(self) -> None:
        assert self.reader is not None
        self.reader.take_all()
        verdict = judge(self.reader.intake.tail.known(), self.record.totals())
        assert verdict is not None
        self.platform.faults = [("PATCH runs", "done, and time is up")]
        with suppress(DeliveryError):
            self.sender.close_run(verdict)
        assert self.sender.close_run(verdict)
        assert not self.sender.close_run(verdict)


class RichDelivery(Delivery):
    """The same to a platform that takes several tests at once and knows idempotency keys."""

    is_rich = True


def several(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=10,
        derandomize=True,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


TestDelivery = Delivery.TestCase
TestDelivery.settings = several(100)
TestRichDelivery = RichDelivery.TestCase
TestRichDelivery.settings = several(50)
