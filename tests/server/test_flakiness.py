"""Flakiness: what executions make of a test's score, and quarantine."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select, update

from platform_report_server.db.queries.flakiness import band_of, find_stat
from platform_report_server.db.schema import NO_SCORE, project, test_case
from platform_report_server.ingest.flakiness import Terms, end_quarantines, quarantine, release
from platform_report_server.ingest.runs import delete_run
from platform_report_server.model import NewTest
from platform_report_server.settings import Settings
from server.ledger import Ledger, writing
from server.support import OTHER_PROJECT, PROJECT, Api, checked, in_threads, opened, refused


@dataclass
class Execution:
    run: int
    had_failure: bool = False
    failed: bool = False
    flaky: bool = False

    def add(self, status: str, says_flaky: bool) -> None:
        self.flaky |= says_flaky or status == "flaky" or (self.had_failure and status == "passed")
        self.failed = status == "failed"
        self.had_failure |= self.failed


@dataclass
class Model:
    """The statistics of a test, said without SQL."""

    executions: list[Execution] = field(default_factory=list)
    quarantined: bool = False
    by: str | None = None

    def count(self, run: int, results: Sequence[tuple[str, bool]], threshold: float | None) -> None:
        executed = [each for each in results if each[0] != "skipped"]
        if all(each.run != run for each in self.executions):
            self.executions += [Execution(run)] if executed else []
        if not executed or self.executions[-1].run != run:
            return
        for status, says_flaky in executed:
            self.executions[-1].add(status, says_flaky)
        newest = self.executions[-20:]
        is_clean = len(newest) == 20 and not any(each.failed or each.flaky for each in newest)
        if self.quarantined:
            self.quarantined = not (self.by == "auto" and is_clean)
        elif (
            threshold is not None
            and self.score > threshold
            and not is_clean
            and (self.by != "manual" or newest[-1].flaky)
        ):
            self.quarantined, self.by = True, "auto"

    @property
    def score(self) -> float:
        window = self.executions[-50:]
        return sum(each.flaky for each in window) / len(window) if len(window) >= 5 else NO_SCORE


class Scores(Ledger):
    """How flaky the project's tests are."""

    def add(self, run: int, *results: tuple[str, str, bool]) -> None:
        """Add results: title, status, and whether it says that it is flaky."""
        tests: list[NewTest] = [
            NewTest("", "p", title, title, status, 1, is_flaky=says_flaky or None)  # type: ignore[arg-type]
            for title, status, says_flaky in results
        ]
        self.store(run, tests)

    def rule(self, threshold: float | None) -> None:
        values = {"auto_quarantine": int(threshold is not None), "flakiness_threshold": threshold or 0.0}
        self.connection.execute(update(project).values(values))

    def stat(self, title: str) -> Any:
        case_id = self.connection.execute(select(test_case.c.id).where(test_case.c.title == title)).scalar()
        return None if case_id is None else find_stat(self.connection, self.project, case_id)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Scores]:
    with writing(settings) as connection:
        yield Scores(connection)


@pytest.mark.newest
@pytest.mark.both_stores
@pytest.mark.parametrize("seed", range(2))
def test_the_statistics_are_those_of_the_executions(ledger: Scores, seed: int) -> None:
    chance = random.Random(seed)
    titles = {"good": (90, 3, 5, 2), "bad": (40, 40, 5, 15), "calm": (97, 1, 1, 1), "rare": (8, 1, 90, 1)}
    models = {title: Model() for title in titles}
    statuses = ("passed", "failed", "skipped", "flaky")
    threshold: float | None = None

    def results(most: int) -> list[tuple[str, str, bool]]:
        return [
            (title, chance.choices(statuses, weights)[0], chance.random() < 0.02)
            for title, weights in titles.items()
            for _ in range(chance.randint(0, most))
        ]

    def count(run: int, found: list[tuple[str, str, bool]]) -> None:
        for title, model in models.items():
            model.count(run, [each[1:] for each in found if each[0] == title], threshold)

    ended: list[int] = []
    for _ in range(100):
        if chance.random() < 0.05:
            threshold = chance.choice([None, 0.0, 0.1, 0.3])
            ledger.rule(threshold)
        run, found = ledger.begin(), results(2)
        for part in (found[::2], found[1::2]):
            ledger.add(run, *part)
        ledger.tell(run, chance.choice(["passed", "failed", "cancelled"]))
        count(run, found[::2] + found[1::2])
        ended.append(run)
        if chance.random() < 0.3:  # what comes late
            late, more = chance.choice(ended[-3:]), results(1)
            ledger.add(late, *more)
            count(late, more)
        if chance.random() < 0.1:  # what is begun again
            late, more = ended[-1], results(1)
            ledger.tell(late, "running")
            ledger.add(late, *more)
            ledger.tell(late, "passed")
            ledger.tell(late, "failed")
            count(late, more)
    for title, model in models.items():
        stat = ledger.stat(title)
        told = (stat.runs, stat.fails, stat.flakes, bool(stat.quarantined), stat.quarantined_by)
        flakes = sum(each.flaky for each in model.executions)
        fails = sum(each.failed for each in model.executions)
        assert told == (len(model.executions), fails, flakes, model.quarantined, model.by)
        assert stat.score == pytest.approx(model.score)
        newest = model.executions[-50:][::-1]
        assert stat.bits_flaky == sum(each.flaky << place for place, each in enumerate(newest))
        assert stat.bits_fail == sum(each.failed << place for place, each in enumerate(newest))


@pytest.mark.both_stores
def test_one_execution_a_run(ledger: Scores) -> None:
    words = {"p": "passed", "f": "failed", "x": "flaky", "s": "skipped"}
    expected = {  # what stands behind a bar comes after the run's end; failed, flaky
        "p": (False, False),
        "f": (True, False),
        "x": (False, True),
        "fp": (False, True),
        "pf": (True, False),
        "fpf": (True, True),
        "fs": (True, False),
        "f|p": (False, True),
        "p|f": (True, False),
        "s|f": (True, False),
        "f|s": (True, False),
        "fp|f": (True, True),
    }
    for results, told in expected.items():
        run = ledger.begin()
        early, _, late = results.partition("|")
        ledger.add(run, *((results, words[each], False) for each in early))
        ledger.tell(run, "passed")
        for each in late:
            ledger.add(run, (results, words[each], False))
        stat = ledger.stat(results)
        assert (stat.runs, stat.fails, stat.flakes) == (1, *told), results
        assert (stat.bits_fail, stat.bits_flaky) == told, results


@pytest.mark.both_stores
def test_what_comes_after_another_run_has_ended_leaves_the_execution_as_it_is(ledger: Scores) -> None:
    first, second = ledger.begin(), ledger.begin()
    for run in (first, second):
        ledger.add(run, ("t", "failed", False))
        ledger.tell(run, "failed")
    ledger.add(first, ("t", "passed", False), ("new", "passed", False))
    assert (ledger.stat("t").runs, ledger.stat("t").flakes) == (2, 0)
    assert ledger.stat("new").runs == 1


@pytest.mark.both_stores
def test_a_deleted_run_stays_in_the_statistics(ledger: Scores) -> None:
    run = ledger.begin("failed")
    ledger.add(run, ("t", "failed", False))
    delete_run(ledger.write, ledger.row(run))
    assert (ledger.stat("t").runs, ledger.stat("t").fails) == (1, 1)


@pytest.mark.both_stores
def test_only_skipped_is_not_executed(ledger: Scores) -> None:
    run = ledger.begin("passed")
    ledger.add(run, ("t", "skipped", False))
    assert ledger.stat("t") is None


@pytest.mark.both_stores
def test_a_test_of_a_running_run_is_not_counted_yet(ledger: Scores) -> None:
    run = ledger.begin()
    ledger.add(run, ("t", "failed", False))
    assert ledger.stat("t") is None


@pytest.mark.parametrize(
    ("score", "band"),
    [(NO_SCORE, None), (0, "stable"), (0.02, "low"), (0.3, "low"), (0.31, "moderate"), (0.7, "moderate"), (1, "high")],
)
def test_bands(score: float, band: str | None) -> None:
    assert band_of(score) == band


@pytest.mark.both_stores
def test_quarantine_by_itself_and_by_hand(ledger: Scores) -> None:
    def execute(status: str, times: int = 1) -> bool:
        for _ in range(times):
            ledger.add(ledger.begin("passed"), ("t", status, False))
        return bool(ledger.stat("t").quarantined)

    def decide(is_quarantined: bool) -> None:
        case_id = ledger.stat("t").case_id
        if is_quarantined:
            quarantine(ledger.write, ledger.project, [case_id], Terms("why", "ada"))
        else:
            release(ledger.write, ledger.project, [case_id])

    ledger.rule(0.3)
    assert not execute("flaky", 4)  # too few for a score
    assert execute("passed")
    assert ledger.stat("t").quarantined_by == "auto"
    assert ledger.stat("t").quarantined_at
    assert execute("passed", 18)
    assert execute("failed")
    assert execute("passed", 19)
    assert not execute("passed")
    assert ledger.stat("t").quarantined_by == "auto"
    assert not execute("passed")

    ledger.rule(0.0)  # each score with a flaky execution in it is too high
    assert not execute("passed")
    assert execute("failed")
    decide(False)
    assert not execute("failed")  # released by hand: what was known then does not count again
    assert execute("flaky")
    assert (ledger.stat("t").quarantined_by, ledger.stat("t").quarantined_why) == ("auto", None)
    decide(True)
    assert execute("passed", 30)
    assert (ledger.stat("t").quarantined_by, ledger.stat("t").quarantined_why) == ("manual", "why")
    decide(False)
    ledger.rule(None)
    assert not execute("flaky", 10)


@pytest.mark.both_stores
def test_a_quarantine_ends_at_its_time(ledger: Scores) -> None:
    for title in ("ended", "lasting", "endless"):
        ledger.add(ledger.begin("passed"), (title, "flaky", False))
    for title, until in (("ended", ledger.write.now), ("lasting", ledger.write.now + 1), ("endless", None)):
        quarantine(ledger.write, ledger.project, [ledger.stat(title).case_id], Terms("why", "ada", until))
    assert end_quarantines(ledger.write)
    assert not end_quarantines(ledger.write)
    assert [ledger.stat(title).quarantined for title in ("ended", "lasting", "endless")] == [0, 1, 1]
    ledger.rule(0.0)
    ledger.add(ledger.begin("passed"), ("ended", "passed", False), ("lasting", "passed", False))
    told = [ledger.stat(title)[-3:] for title in ("ended", "lasting")]
    assert told == [(ledger.write.now, None, None), (ledger.write.now, "ada", ledger.write.now + 1)]


@pytest.mark.both_stores
def test_the_api_tells_it(api: Api, other: Api) -> None:
    assert api.get("/api/flakiness", projectId=PROJECT) == {
        "data": [],
        "summary": {"totalFlakyTests": 0, "quarantinedTests": 0, "averageFlakinessScore": 0},
        "total": 0,
        "limit": 50,
        "offset": 0,
    }
    for number in range(5):
        run = api.new_run()
        worst = api.new_test(run, "worst", status="flaky")
        api.bulk(
            [
                api.test_body(run, "sometimes", status="flaky" if number == 0 else "passed"),
                api.test_body(run, "never"),
                *([api.test_body(run, "new")] if number > 2 else []),
            ]
        )
        api.end_run(run)
    found = api.get("/api/flakiness", projectId=PROJECT)
    rows = {row["testTitle"]: row for row in found["data"]}
    assert list(rows) == ["worst", "sometimes", "never", "new"]
    told = [(row["flakinessScore"], row["band"], row["totalRuns"], row["flakyRuns"]) for row in rows.values()]
    assert told == [(1, "high", 5, 5), (0.2, "low", 5, 1), (0, "stable", 5, 0), (None, None, 2, 0)]
    assert rows["worst"]["lastFlakyAt"] == worst["createdAt"]
    assert rows["never"]["lastFlakyAt"] is None
    assert rows["worst"]["filePath"] == "tests/test_mod.py"
    summary = {"totalFlakyTests": 2, "quarantinedTests": 0, "averageFlakinessScore": 0.6}
    assert found["summary"] == summary

    history = api.get(f"/api/tests/{rows['worst']['testId']}/history")
    assert history == api.get(f"/api/tests/{worst['id']}/history")
    changed = {
        title: _quarantine(api, test_id)
        for title, test_id in (("never", rows["never"]["testId"]), ("worst", worst["id"]))
    }
    assert changed["worst"].keys() == {"testId", "isQuarantined", "updatedAt"}
    assert (changed["worst"]["testId"], changed["worst"]["isQuarantined"]) == (worst["id"], True)
    for query, titles in (
        ({"minScore": "0.2"}, ["worst", "sometimes"]),
        ({"minScore": 1}, ["worst"]),
        ({"minScore": 0}, ["worst", "sometimes", "never"]),
        ({"quarantined": "true"}, ["worst", "never"]),
        ({"quarantined": "false"}, ["sometimes", "new"]),
        ({"quarantined": "false", "minScore": 0.3}, []),
        ({"limit": 1, "offset": 1}, ["sometimes"]),
    ):
        found = api.get("/api/flakiness", projectId=PROJECT, **query)
        assert [row["testTitle"] for row in found["data"]] == titles
        assert found["total"] == (4 if "limit" in query else len(titles))
        assert found["summary"] == summary | {"quarantinedTests": 2}
    listed = {test["title"]: test["isQuarantined"] for test in api.get("/api/tests", projectId=PROJECT)["data"]}
    assert listed == {"worst": True, "sometimes": False, "never": True, "new": False}
    assert api.get(f"/api/tests/{worst['id']}")["isQuarantined"]
    (row,) = api.get("/api/flakiness", projectId=PROJECT, minScore=1)["data"]
    assert (row["isQuarantined"], row["quarantinedBy"], row["quarantineReason"]) == (True, "manual", "looked at")
    assert row["quarantinedAt"] == changed["worst"]["updatedAt"]
    assert (row["quarantineOwner"], row["quarantineUntil"]) == (None, None)
    _quarantine(api, worst["id"], owner="ada@example.com", until="2099-12-31T23:59:59+01:00")
    (row,) = api.get("/api/flakiness", projectId=PROJECT, minScore=1)["data"]
    assert (row["quarantineOwner"], row["quarantineUntil"]) == ("ada@example.com", "2099-12-31T22:59:59.000Z")
    _quarantine(api, worst["id"], isQuarantined=False)
    (row,) = api.get("/api/flakiness", projectId=PROJECT, minScore=1)["data"]
    assert {row[name] for name in ("quarantinedBy", "quarantineReason", "quarantinedAt", "quarantineOwner")} == {None}

    for wrong, parameter in (
        ({"minScore": "1.1"}, "minScore"),
        ({"minScore": "nan"}, "minScore"),
        ({"minScore": "-0.1"}, "minScore"),
        ({"quarantined": "yes"}, "quarantined"),
        ({"limit": "201"}, "limit"),
    ):
        query = {"projectId": PROJECT} | wrong
        refused(api.http.get("/api/flakiness", params=query), 400, "VALIDATION_ERROR", parameter)
    body = {"testId": worst["id"], "projectId": PROJECT, "isQuarantined": True}
    refused(api.http.post("/api/flakiness", json=body | {"reason": "x" * 501}), 400, "VALIDATION_ERROR", "reason")
    refused(api.http.post("/api/flakiness", json=body | {"owner": "x" * 201}), 400, "VALIDATION_ERROR", "owner")
    for until in ("2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2030-01-01", "soon"):
        refused(api.http.post("/api/flakiness", json=body | {"until": until}), 400, "VALIDATION_ERROR", "until")
    refused(api.http.post("/api/flakiness", json=body | {"testId": "test_none"}), 404, "NOT_FOUND")
    refused(api.http.post("/api/flakiness", json=body | {"projectId": OTHER_PROJECT}), 403, "FORBIDDEN")
    refused(other.http.post("/api/flakiness", json=body | {"projectId": OTHER_PROJECT}), 404, "NOT_FOUND")
    refused(other.http.get("/api/flakiness", params={"projectId": PROJECT}), 403, "FORBIDDEN")


def _quarantine(api: Api, test_id: str, **fields: Any) -> Any:
    body = {"testId": test_id, "projectId": PROJECT, "isQuarantined": True, "reason": "looked at"} | fields
    return checked(api.http.post("/api/flakiness", json=body), 200)


@pytest.mark.both_stores
def test_settings_of_a_project(api: Api, other: Api) -> None:
    path = f"/api/projects/{PROJECT}/settings"
    refused(api.http.get(path), 404, "NOT_FOUND")
    refused(api.http.patch(path, json={}), 404, "NOT_FOUND")
    api.new_run()
    found = api.get(path)
    defaults = {"dataRetentionDays": 90, "flakinessThreshold": 0.3, "autoQuarantineEnabled": False}
    assert found.items() >= (defaults | {"projectId": PROJECT}).items()
    assert found.keys() == {"projectId", "updatedAt"} | defaults.keys()

    change = {"dataRetentionDays": 180, "flakinessThreshold": 0.5, "autoQuarantineEnabled": True}
    for name, value in change.items():
        changed = checked(api.http.patch(path, json={name: value}), 200)
        assert changed[name] == value
        assert changed["updatedAt"] >= found["updatedAt"]
    assert api.get(path) == changed
    assert changed.items() >= change.items()
    for name, wrong in (
        ("dataRetentionDays", 0),
        ("dataRetentionDays", 3651),
        ("dataRetentionDays", 1.5),
        ("flakinessThreshold", -0.1),
        ("flakinessThreshold", 1.1),
        ("autoQuarantineEnabled", 1),
    ):
        refused(api.http.patch(path, json={name: wrong}), 400, "VALIDATION_ERROR", name)
    refused(other.http.get(path), 404, "NOT_FOUND")
    refused(other.http.patch(path, json=change), 404, "NOT_FOUND")


@pytest.mark.both_stores
def test_runs_that_end_at_once_are_all_counted(settings: Settings) -> None:
    """In two processes with one store, as far as that matters: two servers."""
    with opened(settings) as one, opened(settings) as other:

        def execute(number: int) -> None:
            api = (one, other)[number % 2]
            for _ in range(5):
                run = api.new_run()
                api.bulk([api.test_body(run, f"test_{each}", status="flaky") for each in range(20)])
                api.end_run(run)

        in_threads(6, execute)
        found = one.get("/api/flakiness", projectId=PROJECT)["data"]
        assert [(row["totalRuns"], row["flakyRuns"], row["flakinessScore"]) for row in found] == [(30, 30, 1)] * 20
