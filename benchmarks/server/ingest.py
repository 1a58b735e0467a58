"""How fast results come in over HTTP, and what each costs the application and its database."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from statistics import median

import msgspec

from benchmarks.server.made_up import BATCH, PROJECT, Contents
from benchmarks.server.sending import send
from benchmarks.server.served import KEY, OTHERS, Store, cpu, serving

_MOST_SINGLES = 4_000
_CLIENTS = 16
_TURNS = 6
"""Of a round: both servers in turns, some hundred milliseconds each, so that what the machine does meets both."""
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

    def __add__(self, other: Measured) -> Measured:
        return Measured(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def each(self) -> float:
        """Microseconds of the application's CPU for a result."""
        return self.app / self.results * 1e6

    @property
    def rate(self) -> float:
        """Results a second."""
        return self.results / self.seconds

    def row(self, name: str) -> str:
        """Return a row of a table."""
        costs = f"{self.each:,.0f} us | {self.database / self.results * 1e6:,.0f} us"
        return f"| {name} | {self.rate:,.0f} | {costs} |"


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
    rounds: list[tuple[float, float]] = []
    with serving(store.settings, servers) as (port, process), serving(None, servers) as (echo_port, echo_process):
        os.sched_setaffinity(0, client)

        def turn(of: tuple[str, str]) -> tuple[Measured, Measured]:
            bodies = list(_singles(_new_run(port, of), of[0], results))
            ours = [_request("/api/tests", each, key=of[1]) for each in bodies]
            theirs = [_request("/", each) for each in bodies]
            before = _measured(store, echo_port, echo_process, theirs, _CLIENTS, 1)
            mine = _measured(store, port, process, ours, _CLIENTS, 1)
            return mine, before + _measured(store, echo_port, echo_process, theirs, _CLIENTS, 1)

        for of in OTHERS.items():  # a key has so many requests in a minute
            turn(of)  # the tests become known
            (ours, *more), (echo, *others) = zip(*(turn(of) for _ in range(_TURNS)), strict=True)
            ours, echo = sum(more, ours), sum(others, echo)
            rounds.append((ours.rate / echo.rate, echo.each / ours.each))
            print(ours.row(f"{store.name}, {name}"))
            print(echo.row("a bare echo of the same"))
            print(_against(*rounds[-1]), flush=True)
    print(f"the median of the rounds: {_against(*map(median, zip(*rounds, strict=True)))}", flush=True)


def _against(rate: float, cpu: float) -> str:
    return f"against the echo: {rate:.2f} of its requests a second, {cpu:.2f} by CPU"


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


def _singles(run: str, project: str, count: int) -> Iterator[bytes]:
    contents = Contents()
    for number in range(count):
        yield _ENCODER.encode(contents.test(project, run, number))


def _request(path: str, body: bytes, is_zipped: bool = False, key: str = KEY) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    )
    return (head + ("content-encoding: gzip\r\n\r\n" if is_zipped else "\r\n")).encode() + body


def _new_run(port: int, of: tuple[str, str] = (PROJECT, KEY)) -> str:
    body = json.dumps({"projectId": of[0], "status": "running"}).encode()
    (answer,) = send(port, [_request("/api/runs", body, key=of[1])], 1)
    run: str = json.loads(answer)["id"]
    return run
