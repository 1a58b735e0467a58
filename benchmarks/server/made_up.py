"""Made-up runs, as many and as large as asked for, written by the server's own ingest code: plans and folds are real.

Memory is bounded: of a run, no more than one batch of results is there at a time.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text

from benchmarks.server.again import Tests, write_again
from platform_report_server.clock import now_ms
from platform_report_server.db.engine import Database
from platform_report_server.db.partitions import make_partitions
from platform_report_server.db.queries.projects import load_project
from platform_report_server.db.queries.runs import RunRow, find_run, list_runs
from platform_report_server.db.schema import test_case
from platform_report_server.ids import first_id
from platform_report_server.ingest.projects import change_settings, ensure_project
from platform_report_server.ingest.results import add_results
from platform_report_server.ingest.runs import add_run, change_run, delete_run
from platform_report_server.ingest.writer import Write
from platform_report_server.model import (
    Annotation,
    NewRun,
    NewTest,
    RunChange,
    SettingsChange,
    Step,
    StepCategory,
    StepError,
    TestError,
)

PROJECT = "proj_made_up"
BATCH = 500
_TRANSACTION = 20 * BATCH
_DAY = 24 * 3600 * 1000
_SPAN = 180 * _DAY
_RETAINED = 3650
"""Days: by default, the server that is measured would delete half of the runs meanwhile."""
_VARIANTS = 997
_MODELS = 8
"""Runs that the others are made of."""
_WORDS = ("login", "basket", "checkout", "search", "invoice", "export", "profile", "report", "upload", "webhook")
_BRANCHES = ("main", "main", "main", "release", "feature/search", "fix/timeouts", "feature/basket")
_STEPS: Mapping[str, StepCategory] = {"setup": "hook", "fixture": "fixture", "click": "action"}
_UNSTEADY = 50
"""One test in so many is unsteady: it fails, or passes on a retry, in half of its runs."""


@dataclass(frozen=True)
class Size:
    """How large the store is to become."""

    results: int
    tests: int
    is_shuffled: bool = False

    @property
    def runs(self) -> int:
        """How many runs hold the results; the last one may be shorter."""
        return -(-self.results // self.tests)


class Contents:
    """What results say: about 2 KB each as JSON, seven in a hundred not passed, taken from some hundred variants."""

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)  # noqa: S311  made-up data, the same each time
        self._steps = [self._some_steps() for _ in range(_VARIANTS)]
        self._output = ["".join(self._some_lines()) for _ in range(_VARIANTS)]
        self._errors = [self._some_error() for _ in range(_VARIANTS)]

    def test(self, project: str, run: str, number: int) -> NewTest:
        """Return a result of the test with this number."""
        status = self._status(number)
        word, variant = _WORDS[number % len(_WORDS)], self._random.randrange(_VARIANTS)
        title = f"test_{word}_{number:06}[{'eu' if number % 2 else 'us'}]"
        return NewTest(
            run_id=run,
            project_id=project,
            title=title,
            full_title=f"test_{word}_{number // 50} > Test{word.title()} > {title}",
            status=status,
            duration=float(self._random.randrange(1, 5000)),
            file_path=f"tests/{word}/test_{word}_{number // 50}.py",
            line_number=10 + number % 50 * 7,
            retries=int(status == "flaky"),
            attempt=1 + (status == "flaky"),
            is_flaky=status == "flaky",
            tags=["@smoke"] if number % 10 == 0 else [],
            annotations=[Annotation("skip", "not on this platform")] if status == "skipped" else [],
            error=self._errors[variant] if status in ("failed", "flaky") else None,
            steps=self._steps[variant],
            stdout=self._output[variant],
            stderr=None,
        )

    def _status(self, number: int) -> Any:
        chance = self._random.random()
        if number % _UNSTEADY == 0:
            return "failed" if chance < 0.25 else "flaky" if chance < 0.5 else "passed"
        return "failed" if chance < 0.03 else "skipped" if chance < 0.061 else "passed"

    def _some_steps(self) -> list[Step]:
        return [
            Step(
                f"{name} {self._random.choice(_WORDS)} {self._random.randrange(100)}",
                _STEPS[name],
                "passed",
                float(self._random.randrange(200)),
                StepError("AssertionError") if self._random.random() < 0.02 else None,
                0,
                float(at * 100),
            )
            for at, name in enumerate(("setup", "fixture", *["click"] * 6))
        ]

    def _some_lines(self) -> Iterator[str]:
        for at in range(12):
            said = f"{self._random.choice(_WORDS)}: {self._random.randbytes(8).hex()} done"
            yield f"2026-01-01 10:00:{at:02} INFO {said}\n"

    def _some_error(self) -> TestError:
        word, number = self._random.choice(_WORDS), self._random.randrange(1000)
        stack = "\n".join(f'  File "tests/{word}/test_{word}.py", line {line}, in check' for line in range(7))
        return TestError(f"AssertionError: {word} shows {number}, expected {number + 1}", stack, str(number), None)


@dataclass
class _Ids:
    """Ids of a moment that is made up, as `IdMaker` makes those of now."""

    moment: int
    count: int = 0

    def __call__(self) -> int:
        self.count += 1
        return first_id(self.moment) + self.count


def fill(database: Database, size: Size, told: Callable[[int, float], None]) -> None:
    """Write the runs that are missing, oldest first, the last one ended today.

    Only the first ones go through all of the server's ingest code, the others are made of them. `told` hears of results
    and seconds after each run.
    """
    contents, began, done = Contents(), time.monotonic(), 0
    with database.writing() as connection:
        write = _write(connection, now_ms() - _SPAN)
        ensure_project(write, PROJECT)
        row = load_project(connection, PROJECT)
        assert row is not None  # noqa: S101
        change_settings(write, row, SettingsChange(data_retention_days=_RETAINED))
        start, there = row.created_at, _whole_runs(write)
    # each run has its own seed, so that a fill that was interrupted goes on as it would have
    for number in range(there, size.runs):
        chance = random.Random(number)  # noqa: S311
        moment = start + _SPAN * (number + 1) // (size.runs + 1)
        branch = _BRANCHES[chance.randrange(len(_BRANCHES))]
        tests = min(size.tests, size.results - number * size.tests)
        if number < _MODELS or tests < size.tests:
            order = list(range(tests))
            if size.is_shuffled:
                chance.shuffle(order)
            _fill_run(database, contents, moment, order, branch)
        else:
            _fill_again(database, number % _MODELS, moment, chance if size.is_shuffled else None, branch)
        done += tests
        told(done, time.monotonic() - began)
    if done:
        settle_down(database)


def _whole_runs(write: Write) -> int:
    """Return how many runs are there; one that was interrupted goes."""
    for row in list_runs(write.connection, [PROJECT], status="running", limit=1, offset=0)[0]:
        delete_run(write, row)
    return list_runs(write.connection, [PROJECT], limit=1, offset=0)[1]


def settle_down(database: Database) -> None:
    """Do by hand what PostgreSQL's autovacuum does in time."""
    writer = getattr(database, "writer", None)
    if writer is not None:
        with writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _fill_run(database: Database, contents: Contents, moment: int, tests: Sequence[int], branch: str) -> None:
    # not the ids of a fill that was interrupted here: its tests are there
    ids = _Ids(moment + secrets.randbelow(_DAY // 24))
    with database.writing() as connection:
        run = _begin(_write(connection, moment, ids), branch)
    for start in range(0, len(tests), _TRANSACTION):
        with database.writing() as connection:
            write = _write(connection, moment + start, ids)
            for first in range(start, min(start + _TRANSACTION, len(tests)), BATCH):
                batch = [contents.test(PROJECT, "", number) for number in tests[first : first + BATCH]]
                add_results(write, run.project_id, run.id, batch)
    with database.writing() as connection:
        _end(_write(connection, moment + len(tests), ids), run)


def _fill_again(database: Database, model: int, moment: int, chance: random.Random | None, branch: str) -> None:
    with database.writing() as connection:
        write = _write(connection, moment)
        total = list_runs(connection, [PROJECT], limit=1, offset=0)[1]
        (first,), _ = list_runs(connection, [PROJECT], limit=1, offset=total - 1 - model)
        run = _begin(write, branch)
        cases = connection.execute(
            select(test_case.c.id, test_case.c.title).where(test_case.c.project_id == run.project_id)
        )
        unsteady = {case_id for case_id, title in cases if int(title.partition("[")[0][-6:]) % _UNSTEADY == 0}
        tests = Tests(connection, first, unsteady.__contains__)
        write_again(connection, first, run, tests.dealt(chance))
        _end(write, run)


def _begin(write: Write, branch: str) -> RunRow:
    make_partitions(write.connection, write.now)
    project = ensure_project(write, PROJECT)
    return add_run(write, project, NewRun(PROJECT, "running", branch=branch, commit_sha=f"{write.now:040x}"))


def _end(write: Write, run: RunRow) -> None:
    row = find_run(write.connection, run.id)
    assert row is not None  # noqa: S101
    change_run(write, row, RunChange("failed"))


def _write(connection: Connection, moment: int, ids: _Ids | None = None) -> Write:
    return Write(connection, ids or _Ids(moment), moment)  # type: ignore[arg-type]
