"""Every query that a read makes goes through an index: none reads a large table by its project alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, Engine, event
from starlette.routing import Route

from platform_report_server import ids
from platform_report_server.api.routes import api_routes
from platform_report_server.settings import Settings
from platform_report_server.web.routes import web_routes
from server.postgres import Cluster
from server.support import KEY, PROJECT, Api, serving, with_store

pytestmark = pytest.mark.both_stores

# what a step of a plan that reads one of these tables must say
USED = {
    "sqlite": {
        "result": r"\(project_id=\? AND run_id=\?|INDEX result_titled",
        "history": r"\(project_id=\? AND bucket=\? AND case_id=\?",
        "detail": r"\(project_id=\? AND run_id=\? AND lo[<>]\?",
        "artifact": r"\(project_id=\? AND run_id=\?",
        "suite": r"\(project_id=\? AND run_id=\?",
        "lane": r"\(project_id=\? AND run_id=\?",
        "test_case": r"\(project_id=\? AND id=\?|INDEX test_case_by_id",
        "case_stat": r"\(project_id=\? AND case_id=\?|INDEX case_stat_(by_score \(.*score>\?|quarantined)",
        "failing": r"\(project_id=\? AND (branch=\? AND )?case_id=\?",
        "failure_group": r"\(project_id=\? AND run_id=\?",
    },
    "postgresql": {
        "result": r"run_id (=|>= .*run_id <=)|case_id =|_project_id_run_id_seq_idx",
        "detail": r"run_id = .*\blo [<>]=",
        "artifact": r"run_id =",
        "suite": r"run_id =",
        "lane": r"run_id =",
        "test_case": r"\bid =|test_case_(full|own)_titles",
        "case_stat": r"case_id =|case_stat_by_score.*\bscore >|case_stat_quarantined",
        "failing": r"case_id =|branch =",
        "failure_group": r"run_id =",
    },
}
# a search reads all titles where there is no index of them, or where most are found
ALL_TITLES = r"|USING PRIMARY KEY \(project_id=\?\)|test_case_pkey \(project_id"

OF_PROJECT = f"projectId={PROJECT}"
OF_RUN = f"{OF_PROJECT}&runId={{run}}"
# path -> the queries that are asked of it
READS = {
    "/api/runs": [OF_PROJECT, f"{OF_PROJECT}&status=failed&branch=main"],
    "/api/runs/{run_id}": [""],
    "/api/runs/{run_id}/export": ["format=csv"],
    "/api/tests": [
        *(OF_PROJECT, f"{OF_PROJECT}&status=failed", f"{OF_PROJECT}&status=passed"),
        *(OF_RUN, f"{OF_RUN}&status=failed", f"{OF_RUN}&status=passed"),
        # one test, and more than are looked up one by one
        *(
            f"{of}&search={word}{status}"
            for of in (OF_PROJECT, OF_RUN)
            for word in ("a41c", "mod")
            for status in ("", "&status=failed")
        ),
    ],
    "/api/tests/{test_id}": [""],
    "/api/tests/{test_id}/steps": [""],
    "/api/tests/{test_id}/history": [""],
    "/api/test-suites": [OF_RUN],
    "/api/flakiness": [f"{OF_PROJECT}&minScore=0.1", f"{OF_PROJECT}&quarantined=true"],
    "/api/artifacts": ["runId={run}", "runId={run}&testId={test}"],
    "/": ["", f"project={PROJECT}&status=failed&branch=main", "search=mod&author=ada&tag=slow"],
    "/search": ["q=a41c", "q=mod"],
    "/projects/{project_id}/trends": ["", "branch=main&days=7"],
    "/projects/{project_id}/movers": [""],
    "/projects/{project_id}/flaky": [
        *("", "band=high", "quarantined=yes", "quarantined=no&band=moderate"),
        *("search=a41c&file=mod", "search=a41c&quarantined=yes"),
    ],
    "/runs/{run_id}": ["", "status=failed", "search=mod"],
    "/runs/{ended_id}": [""],
    "/runs/{run_id}/changes": ["", "against={ended}"],
    "/runs/{run_id}/slowest": [""],
    "/runs/{run_id}/suites": ["", "under={suite}"],
    "/runs/{run_id}/timeline": [""],
    "/tests/{test_id}": ["", "branch=main"],
    "/artifacts/{artifact_id}": [""],
    "/artifacts/{artifact_id}/compare/{other_id}": [""],
}


def test_each_read_is_looked_at() -> None:
    read = {
        route.path
        for route in [*api_routes(), *web_routes()]
        if isinstance(route, Route) and "GET" in (route.methods or ())
    }
    of_tables = r"(/api)?/(runs|tests|test-suites|flakiness|artifacts)\b(?!.*/(content|thumbnail|live|trace)$)"
    big = re.compile(rf"/$|/search$|/projects/.*/(trends|movers|flaky)$|{of_tables}")
    assert {path for path in read if big.match(path)} == {path.replace("ended_id", "run_id") for path in READS}


def test_no_read_goes_through_a_large_table(settings: Settings, store: str, request: pytest.FixtureRequest) -> None:
    with (
        _explained(store) as (is_asked, steps),  # its ends are outside of the server's: no other thread asks then
        serving(settings) as url,
        httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=60) as http,
    ):
        named = _fill(Api(http), settings, store)
        if store == "postgresql":
            cluster: Cluster = request.getfixturevalue("cluster")
            cluster.run(
                "VACUUM ANALYZE test_case, case_stat, result",
                str(settings.database).partition("?")[0].rpartition("/")[2],
            )
        seen: set[str] = set()
        for path, queries in READS.items():
            for query in queries:
                address = f"{path}?{query}".format(**named)
                steps.clear()
                is_asked.set()
                assert http.get(address).status_code == 200, address
                is_asked.clear()
                for table, step in steps:
                    rule = USED[store].get(table)
                    if rule is not None:
                        reads_all = re.search("(search|q)=" + ("mod" if store == "postgresql" else ""), address)
                        rule += ALL_TITLES if table == "test_case" and reads_all else ""
                        assert re.search(rule, step), (address, step)
                        seen.add(table)
        assert seen == USED[store].keys()


def _fill(api: Api, settings: Settings, store: str) -> dict[str, Any]:
    first, ended, run = (api.new_run(branch="main") for _ in range(3))
    api.new_test(first, "test_bad", status="failed", error={"message": "it failed"})
    api.end_run(first)
    api.new_test(ended)
    for each in (ended, run):
        bad = {"error": {"message": "it failed"}, "startedAt": each["createdAt"]}
        test = api.new_test(each, "test_bad", status="failed", **bad)
    api.end_run(ended, status="failed")
    files = [api.upload(run, testId=test["id"]) for _ in range(2)]
    suite = api.new_suite(run, "mod")
    api.new_suite(run, "TestMod", filePath="tests/mod.py", parentSuiteId=suite["id"])
    project = f"(SELECT id FROM project WHERE public_id = '{PROJECT}')"
    cases = "test_case (project_id, id, key, title, full_title, first_run)"
    if store == "postgresql":
        numbers, digest = "generate_series(1, 5000) n", "md5(n::text)"
        key = f"decode({digest}, 'hex')"
        columns = "result (project_id, run_id, seq, case_id, status, flaky, duration, created_at)"
        earlier = f"{ids.decode('run', ended['id'])} - (n % 5 * 10 + m) * 4194304"
        with_store(
            settings,
            f"INSERT INTO {columns} SELECT {project}, {earlier}, 9 + n / 5, n, n % 10 / 9, 0, 1, 1 "
            f"FROM {numbers}, generate_series(1, 10) m",
        )
        with_store(settings, f"INSERT INTO case_stat (project_id, case_id) SELECT {project}, n FROM {numbers}")
    else:
        numbers = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000) SELECT n FROM s)"
        digest, key = "hex(randomblob(16))", "randomblob(16)"
    with_store(
        settings, f"INSERT INTO {cases} SELECT {project}, n, {key}, {digest}, 'mod > ' || {digest}, 1 FROM {numbers}"
    )
    ((number,),) = with_store(settings, f"SELECT id FROM project WHERE public_id = '{PROJECT}'")
    made = {"run": run["id"], "test": test["id"], "ended": ended["id"], "project": ids.encode("proj", number)}
    made |= {"artifact": files[0]["id"], "other": files[1]["id"], "suite": suite["id"]}
    return made | {f"{name}_id": made_id for name, made_id in made.items()}


@contextmanager
def _explained(store: str) -> Iterator[tuple[threading.Event, list[tuple[str, str]]]]:
    """Give out when to explain queries, and the steps of their plans, each with the table that it reads."""
    is_asked, steps = threading.Event(), list[tuple[str, str]]()

    def explain(_connection: Connection, cursor: Any, statement: str, values: Any, *_: Any) -> None:
        is_write = threading.current_thread().name == "platform-report-writer"
        if not is_asked.is_set() or is_write or not statement.startswith(("SELECT", "WITH")):
            return
        other = cursor.connection.cursor()
        if store == "sqlite":
            other.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            found = (re.match(r"(?:SEARCH|SCAN) (\w+)(.*)", row[3]) for row in other.fetchall())
            steps.extend((step[1], step[2]) for step in found if step)
            return
        for setting in ("seqscan", "hashjoin", "mergejoin"):  # as it would be for large tables
            other.execute(f"SET enable_{setting} = off")
        other.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
        steps.extend(_read(other.fetchone()[0][0]["Plan"]))

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield is_asked, steps
    finally:
        event.remove(Engine, "before_cursor_execute", explain)


def _read(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    table, _, part = re.fullmatch(r"(\w+?)(_(default|\d{4}_\d\d))?", plan.get("Relation Name", "none")).groups()  # type: ignore[union-attr]
    if part in (None, f"{datetime.now(timezone.utc):%Y_%m}"):  # the others are empty, read in whatever way
        yield table, " ".join(_said(plan))
    for inner in plan.get("Plans", ()):
        yield from _read(inner)


def _said(plan: dict[str, Any]) -> Iterator[str]:
    """Yield by which indexes and conditions a scan finds its rows."""
    yield from (plan[name] for name in ("Index Name", "Index Cond") if name in plan)
    for inner in plan.get("Plans", ()):
        if inner["Node Type"].startswith("Bitmap"):
            yield from _said(inner)
