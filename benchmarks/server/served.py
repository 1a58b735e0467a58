"""Stores to measure, the application served from a process of its own, and what processes cost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn import Config, Server

from benchmarks.server.made_up import PROJECT
from platform_report_server.app import create_app
from platform_report_server.db.engine import migrate_database
from platform_report_server.server import server_config
from platform_report_server.settings import PostgresUrl, Settings
from server import postgres

KEY = "the-key-of-the-benchmarks"
OTHERS = {f"{PROJECT}_{each}": f"{KEY}-{each}" for each in range(3)}
"""Keys of further projects."""
_DURABLE = ("fsync=on", "full_page_writes=on", "synchronous_commit=on", "shared_buffers=1GB", "max_wal_size=4GB")
_KEPT = "made_up"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Store:
    """A store, and how much its database has worked."""

    name: str
    settings: Settings
    size: Callable[[], int]
    """Its bytes."""
    database_cpu: Callable[[], float]
    """CPU seconds of the database's own processes; 0 where it is a part of the application."""


@contextmanager
def sqlite_store(folder: Path | None) -> Iterator[Store]:
    """Open a store in a folder that stays, or in one for the time being."""
    with _place(folder) as place:
        settings = Settings.served(place, {PROJECT: KEY} | OTHERS)
        yield Store("SQLite", settings, lambda: sum(each.stat().st_size for each in place.glob("platform.db*")), float)


@contextmanager
def postgres_store(folder: Path | None) -> Iterator[Store]:
    """Start a PostgreSQL that loses nothing, with an empty store, or with one in a folder that stays."""
    lacking = postgres.lacking()
    if lacking is not None:
        raise SystemExit(lacking)
    with _database(folder) as (cluster, address), _place(folder and folder / "server") as place:
        settings = Settings.served(place, {PROJECT: KEY} | OTHERS)
        name = urlsplit(address).path[1:]
        process = int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])
        yield Store(
            "PostgreSQL",
            replace(settings, database=PostgresUrl(address)),
            lambda: int(cluster.run(f"SELECT pg_database_size('{name}')")[0][0]),
            lambda: sum(map(cpu, [process, *_children(process)])),
        )


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    """Give out a folder for what a server has beside its database, such as the key that it signs with."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


@contextmanager
def _database(folder: Path | None) -> Iterator[tuple[postgres.Cluster, str]]:
    if folder is None:
        with postgres.cluster(*_DURABLE) as cluster, cluster.database() as address:
            yield cluster, address
        return
    folder.mkdir(parents=True, exist_ok=True)
    with postgres.running(folder.absolute(), signal.SIGINT, *_DURABLE) as cluster:
        if (_KEPT,) not in cluster.run("SELECT datname FROM pg_database"):
            cluster.prepare()
            cluster.make(_KEPT)
        migrate_database(PostgresUrl(cluster.address(_KEPT)))
        yield cluster, cluster.address(_KEPT)


@contextmanager
def serving(settings: Settings | None, cores: set[int] | None = None) -> Iterator[tuple[int, int]]:
    """Serve the application, or for None an echo, from a process of its own, on some cores where that is said.

    Port and process are given out.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(settings, listening, cores), daemon=True
        )
        process.start()
        try:
            yield listening.getsockname()[1], process.pid or 0
        finally:
            process.terminate()
            process.join()


def cpu(process: int) -> float:
    """Return the CPU seconds that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _serve(settings: Settings | None, listening: socket.socket, cores: set[int] | None) -> None:
    if cores is not None:
        os.sched_setaffinity(0, cores)
    if settings is None:
        app = Starlette(routes=[Route("/", _echo, methods=["POST"])])
        config = Config(app, log_level="warning", access_log=False)
    else:
        config = server_config(create_app(settings))
    Server(config).run(sockets=[listening])


async def _echo(request: Request) -> Response:
    return Response(await request.body(), 201, media_type="application/json")


def _children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
