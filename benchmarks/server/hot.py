"""How long the queries take that somebody waits for, in a store of some size."""

from __future__ import annotations

import http.client
import json
import random
import statistics
import time
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlencode

from benchmarks.server.made_up import PROJECT
from benchmarks.server.served import KEY, Store, cpu, serving

_TIMES = 50
_WARM = 3


def measure_queries(store: Store) -> None:
    """Print a row for each query: milliseconds to the answer's first byte, over HTTP, and of CPU."""
    print("| store | query | median ms | slow ms | CPU of the application, ms | of the database |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    with serving(store.settings) as (port, process):
        server = Server(port)
        for name, paths in _queries(server).items():
            for path in islice(cycle(paths), _WARM):
                server.time(path)
            app, database = cpu(process), store.database_cpu()
            times = sorted(server.time(path) for path in islice(cycle(paths), _TIMES))
            costs = (f"{spent / _TIMES * 1000:.1f}" for spent in (cpu(process) - app, store.database_cpu() - database))
            row = (store.name, name, f"{statistics.median(times):.1f}", f"{times[-4]:.1f}", *costs)
            print(f"| {' | '.join(row)} |", flush=True)


class Server:
    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def time(self, path: str) -> float:
        """Return the milliseconds to the first byte of the answer."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers={"x-api-key": KEY})
        response = self._connection.getresponse()
        taken = (time.perf_counter() - began) * 1000
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status} {body.decode()}")
        return taken

    def get(self, path: str, **query: Any) -> Any:
        """Return an answer of the API."""
        self._connection.request("GET", f"/api/{path}?{urlencode(query)}", headers={"x-api-key": KEY})
        return json.loads(self._connection.getresponse().read())


def _queries(server: Server) -> dict[str, list[str]]:
    runs = server.get("runs", projectId=PROJECT, limit=50)["data"]
    largest = max(runs, key=lambda run: run["totalTests"])
    size = largest["totalTests"]
    chance = random.Random(5)  # noqa: S311
    chosen = [
        test
        for _ in range(5)
        for test in server.get(
            "tests", projectId=PROJECT, runId=largest["id"], limit=10, offset=chance.randrange(max(size - 10, 1))
        )["data"]
    ]
    in_run = {"projectId": PROJECT, "runId": largest["id"]}

    def tests(**query: Any) -> str:
        return f"/api/tests?{urlencode(query)}"

    def searches(**query: Any) -> Iterator[str]:
        return (tests(**query, search=test["title"][5:18]) for test in chosen)

    return {
        "history of a test, 20 executions": [f"/api/tests/{test['id']}/history" for test in chosen],
        f"page of a run of {size:,} tests": [f"/runs/{largest['id']}"],
        f"first 50 of a run of {size:,} tests": [tests(**in_run)],
        "the last 50 of it": [tests(**in_run, offset=max(size - 50, 0))],
        "its failed tests": [tests(**in_run, status="failed")],
        "board of flaky tests": [f"/api/flakiness?{urlencode({'projectId': PROJECT, 'minScore': 0.01})}"],
        "runs of a project": [f"/api/runs?{urlencode({'projectId': PROJECT})}"],
        "search in a run, one test": list(searches(**in_run)),
        "search in a run, a tenth of it": [tests(**in_run, search="basket")],
        "search in all runs, one test": list(searches(projectId=PROJECT)),
        "search in all runs, one test, failed": list(searches(projectId=PROJECT, status="failed")),
        "search in all runs, a tenth of all": [tests(projectId=PROJECT, search="basket")],
        "search in all runs, every test": [tests(projectId=PROJECT, search="test")],
        "search in all runs, nothing": [tests(projectId=PROJECT, search="no such test")],
    }
