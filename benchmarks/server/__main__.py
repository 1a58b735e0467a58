"""Measure the platform on SQLite and on PostgreSQL: ingestion, and hot queries in a store of some size.

::

    python benchmarks/server [--results N] [--tests N] [--shuffled] [--store sqlite|postgresql] [--only ingest|queries]

Figures of wall time depend on the machine and on what else it does; CPU and ratios much less. Needs Linux.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / each) for each in ("", "tests")]

from benchmarks.server.hot import measure_queries
from benchmarks.server.ingest import measure_ingest
from benchmarks.server.made_up import Size, fill
from benchmarks.server.pages import measure_pages
from benchmarks.server.served import Store, postgres_store, sqlite_store
from platform_report_server.db.engine import open_database

_STORES = {"sqlite": sqlite_store, "postgresql": postgres_store}


def main() -> None:
    """Measure what is asked for."""
    asked = _arguments()
    for name in [asked.store] if asked.store else _STORES:
        open_store = _STORES[name]
        if asked.only not in ("queries", "pages"):
            with open_store(None) as store:
                print("| way | results/s | CPU of the application, each | of the database |")
                print("| --- | ---: | ---: | ---: |")
                measure_ingest(store, asked.sent)
        if asked.only != "ingest":
            with open_store(asked.folder and asked.folder / name) as store:
                _fill(store, Size(asked.results, asked.tests, asked.shuffled))
                measure = measure_pages if asked.only == "pages" else measure_queries
                measure(store)


def _fill(store: Store, size: Size) -> None:
    database = open_database(store.settings.database)
    done, seconds = 0, 0.0

    def told(results: int, taken: float) -> None:
        nonlocal done, seconds
        done, seconds = results, taken
        print(f"{store.name}: {done:,} results, {done / seconds:,.0f}/s", file=sys.stderr, flush=True)

    try:
        fill(database, size, told)
    finally:
        database.close()
    if done:
        print(
            f"{store.name}: {done:,} results in runs of {size.tests:,}, folded and counted: "
            f"{done / seconds:,.0f}/s, {store.size() / size.results:,.0f} bytes a result",
            flush=True,
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python benchmarks/server", description=__doc__.partition("\n")[0])
    parser.add_argument("--results", type=int, default=100_000, help="in the store that is queried")
    parser.add_argument("--tests", type=int, default=10_000, help="in each of its runs")
    parser.add_argument("--shuffled", action="store_true", help="each run has the tests in an order of its own")
    parser.add_argument("--sent", type=int, default=20_000, help="results that are sent to measure ingestion")
    parser.add_argument("--store", choices=_STORES, help="one of the stores only")
    parser.add_argument("--only", choices=("ingest", "queries", "pages"), help="a part only")
    parser.add_argument("--folder", type=Path, help="where the stores stay, to be measured again")
    return parser.parse_args()


if __name__ == "__main__":
    main()
