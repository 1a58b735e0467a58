"""How fast results come in over HTTP, and what each costs the application and its database."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from benchmarks.server.made_up import BATCH, PROJECT, Contents
from benchmarks.server.sending import send
from benchmarks.server.served import KEY, Store, cpu, serving

_MOST_SINGLES = 4_000
_CLIENTS = 16
_ROUNDS = 3
_BULKS = (
    ("bulk, new tests", 1, True, False),
    ("bulk, new tests, 4 connections", 4, True, False),
    ("bulk, known tests", 1, False, False),
    ("bulk, known tests, 4 connections", 4, False, False),
    ("bulk, known tests, gzip", 1, False, True),
)
"""What it is called, how many clients wait for their answers, whether the tests are new, whether it is compressed."""
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True)
class Measured:
    """What many requests took."""

    results: int
    seconds: float
    app: float
    database: float

    @property
    def each(self) -> float:
        """Microseconds of the application's CPU for a result."""
        return self.app / self.results * 1e6

    def row(self, name: str) -> str:
        """Return a row of a table."""
        costs = f"{self.each:,.0f} us | {self.database / self.results * 1e6:,.0f} us"
        return f"| {name} | {self.results / self.seconds:,.0f} | {costs} |"


def measure_ingest(store: Store, results: int) -> None:
    """Print rows for the bulk endpoint, plain and compressed, and for single results beside a bare echo."""
    with serving(store.settings) as (port, process):
        _new_run(port)  # whatever the first request costs is paid
        first = 0
        for name, clients, are_new, is_zipped in _BULKS:
            first += results if are_new else 0
            run = _new_run(port)
            requests = _bulk_requests(run, range(first, first + results, BATCH), is_zipped)
            print(_measured(store, port, process, requests, clients, BATCH).row(f"{store.name}, {name}"), flush=True)
    cores = os.sched_getaffinity(0)
    for name, servers, client in (
        ("one by one, on one core", {min(cores)}, {max(cores)}),
        ("one by one", cores, cores),
    ):
        try:
            _measure_singles(store, name, min(results, _MOST_SINGLES), servers, client)
        finally:
            os.sched_setaffinity(0, cores)


def _measure_singles(store: Store, name: str, results: int, servers: set[int], client: set[int]) -> None:
    """Measure both in turn, so that both have the same machine."""
    with serving(store.settings, servers) as (port, process), serving(None, servers) as (echo_port, echo_process):
        os.sched_setaffinity(0, client)
        for is_measured in (False, *[True] * _ROUNDS):  # first, the tests become known
            bodies = list(_singles(_new_run(port), results))
            ours = _measured(store, port, process, [_request("/api/tests", each) for each in bodies], _CLIENTS, 1)
            echo = _measured(store, echo_port, echo_process, [_request("/", each) for each in bodies], _CLIENTS, 1)
            if is_measured:
                speeds = echo.seconds / ours.seconds, echo.each / ours.each
                print(ours.row(f"{store.name}, {name}"))
                print(echo.row("a bare echo of the same"))
                print(f"against the echo: {speeds[0]:.2f} of its requests a second, {speeds[1]:.2f} by CPU", flush=True)


def _measured(
    store: Store, port: int, process: int, requests: list[bytes], clients: int, results_each: int
) -> Measured:
    app, database, began = cpu(process), store.database_cpu(), time.perf_counter()
    send(port, requests, clients)
    seconds = time.perf_counter() - began
    return Measured(len(requests) * results_each, seconds, cpu(process) - app, store.database_cpu() - database)


def _bulk_requests(run: str, numbers: Iterable[int], is_zipped: bool) -> list[bytes]:
    contents = Contents()
    requests = []
    for start in numbers:
        tests = [contents.test(PROJECT, run, number) for number in range(start, start + BATCH)]
        body = b'{"tests":' + _ENCODER.encode(tests) + b"}"
        requests.append(_request("/api/tests/bulk", gzip.compress(body, 1) if is_zipped else body, is_zipped))
    return requests


def _singles(run: str, count: int) -> Iterator[bytes]:
    contents = Contents()
    for number in range(count):
        yield _ENCODER.encode(contents.test(PROJECT, run, number))


def _request(path: str, body: bytes, is_zipped: bool = False) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    )
    return (head + ("content-encoding: gzip\r\n\r\n" if is_zipped else "\r\n")).encode() + body


def _new_run(port: int) -> str:
    body = json.dumps({"projectId": PROJECT, "status": "running"}).encode()
    (answer,) = send(port, [_request("/api/runs", body)], 1)
    run: str = json.loads(answer)["id"]
    return run
