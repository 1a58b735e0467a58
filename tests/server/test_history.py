"""History: folded when runs end, merged with what is still running."""

from __future__ import annotations

from typing import Any

import pytest

from platform_report_server import ids
from platform_report_server.db.queries import history as queries
from platform_report_server.ingest import fold, results
from platform_report_server.settings import Settings
from server.support import PROJECT, Api, checked, refused, with_store

pytestmark = pytest.mark.both_stores


def test_history_is_newest_first_over_ended_and_running_runs(api: Api) -> None:
    made: list[tuple[Any, Any]] = []
    for number in range(4):
        run = api.new_run(branch=f"branch-{number}")
        made.append((run, api.new_test(run, status="failed" if number == 2 else "passed", duration=number)))
        api.new_test(run, "another")
        if number % 2 == 0:
            api.end_run(run)
    history = api.get(f"/api/tests/{made[0][1]['id']}/history")
    assert history["total"] == 4
    assert history["data"] == [
        {
            "runId": run["id"],
            "status": test["status"],
            "duration": test["duration"],
            "branch": run["branch"],
            "createdAt": test["createdAt"],
        }
        for run, test in reversed(made)
    ]


def test_history_gives_twenty_and_counts_all(api: Api) -> None:
    runs = []
    for _ in range(23):
        runs.append(api.new_run())
        test = api.new_test(runs[-1])
        api.end_run(runs[-1])
    history = api.get(f"/api/tests/{test['id']}/history")
    assert [each["runId"] for each in history["data"]] == [run["id"] for run in reversed(runs)][:20]
    assert history["total"] == 23


def test_the_id_of_the_test_itself_stands_for_its_newest_result(api: Api, settings: Settings) -> None:
    run, newer, empty = api.new_run(), api.new_run(), api.new_run()
    first, newest = api.new_test(run, steps=[]), api.new_test(newer, steps=[{"title": "step"}])
    ((case_id,),) = with_store(settings, "SELECT id FROM test_case")
    public_id = ids.encode("test", case_id)
    for path in ("", "/steps", "/history"):
        assert api.get(f"/api/tests/{public_id}{path}") == api.get(f"/api/tests/{newest['id']}{path}")
    assert api.upload(run, testId=public_id)["testId"] == first["id"]
    assert len(api.get("/api/artifacts", runId=run["id"], testId=public_id)["data"]) == 1
    refused(api.post_file(empty, testId=public_id), 404, "NOT_FOUND")


def test_results_after_the_end_are_in_it(api: Api) -> None:
    run = api.new_run()
    api.new_test(run)
    api.end_run(run)
    test = api.new_test(run)
    assert api.get(f"/api/tests/{test['id']}/history")["total"] == 2
    api.end_run(run)
    assert api.get(f"/api/tests/{test['id']}/history")["total"] == 2


def test_buckets_and_folds_on_the_way_change_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLD_AT", 3)
    for module in (fold, queries):
        monkeypatch.setattr(module, "BUCKET_ROWS", 5)
    runs = [api.new_run() for _ in range(6)]
    for run in runs:
        for _ in range(4):
            test = api.new_test(run)
    history = api.get(f"/api/tests/{test['id']}/history")
    assert [each["runId"] for each in history["data"]] == [run["id"] for run in reversed(runs) for _ in range(4)][:20]
    assert history["total"] == 24
    checked(api.http.delete(f"/api/runs/{runs[3]['id']}"), 200)
    remaining = api.get(f"/api/tests/{test['id']}/history")
    assert remaining["total"] == 20
    assert runs[3]["id"] not in {each["runId"] for each in remaining["data"]}


def test_the_key_of_a_test_is_its_file_and_full_title(api: Api) -> None:
    run = api.new_run()
    one = api.new_test(run)
    api.new_test(run, filePath="tests/elsewhere.py")
    api.new_test(run, fullTitle="test_mod > other")
    assert api.get(f"/api/tests/{one['id']}/history")["total"] == 1
    assert api.get("/api/tests", projectId=PROJECT)["total"] == 3
