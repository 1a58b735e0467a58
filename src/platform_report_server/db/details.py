"""What a result says beyond its row, kept in compressed chunks of results that arrived together."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, and_, func, select

from platform_report_server.db import schema
from platform_report_server.db.bulk import bulk_insert
from platform_report_server.model import Annotation, Attempt, Step, TestError

T = TypeVar("T")

CHUNK = 64
ZLIB = 1
_LEVEL = 1
_SMALL = 32 * 1024
COLUMNS = ("project_id", "run_id", "lo", "hi", "codec", "data")


class Detail(msgspec.Struct, array_like=True):
    """One result's detail.

    Written as an array: a new field goes to the end, with a default, so that old chunks stay readable.
    """

    error: TestError | None = None
    steps: list[Step] = []
    stdout: str | None = None
    stderr: str | None = None
    tags: list[str] = []
    annotations: list[Annotation] = []
    line: int | None = None
    attempts: list[Attempt] | None = None


class _Failure(msgspec.Struct, array_like=True):
    error: TestError | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_detail = msgspec.json.Decoder(Detail)
_failure = msgspec.json.Decoder(_Failure)


def pack_details(details: Sequence[Detail]) -> list[bytes]:
    """Return the details in compressed chunks; it takes time, and needs no connection."""
    return [_pack(_encoder.encode(details[start : start + CHUNK])) for start in range(0, len(details), CHUNK)]


def write_details(
    connection: Connection, project_id: int, run_id: int, first: int, chunks: Sequence[bytes], count: int
) -> None:
    """Store the packed details of `count` results: `first`, `first` + 1, ..."""
    after = first + count
    rows = [
        (project_id, run_id, lo, min(lo + CHUNK, after) - 1, ZLIB, chunk)
        for lo, chunk in zip(range(first, after, CHUNK), chunks, strict=True)
    ]
    bulk_insert(connection, schema.detail, COLUMNS, rows)


def read_details(
    connection: Connection, project_id: int, results: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], Detail]:
    """Return the details of these (run id, seq)."""
    return _read(connection, project_id, results, _detail)


def details_between(
    connection: Connection, project_id: int, run_id: int, first: int, last: int
) -> dict[tuple[int, int], Detail]:
    """Return the details of a run's results from `first` to `last`, by (run id, seq)."""
    table = schema.detail
    of_run = and_(table.c.project_id == project_id, table.c.run_id == run_id)
    begin = select(func.max(table.c.lo)).where(of_run, table.c.lo <= first).scalar_subquery()
    query = select(table).where(of_run, table.c.lo >= func.coalesce(begin, first), table.c.lo <= last)
    found: dict[tuple[int, int], Detail] = {}
    for row in connection.execute(query.order_by(table.c.lo)):
        entries = _decoder.decode(_unpack(row.codec, row.data))
        for seq in range(max(first, row.lo), min(last, row.hi) + 1):
            found[run_id, seq] = _detail.decode(entries[seq - row.lo])
    return found


def read_errors(
    connection: Connection, project_id: int, results: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], TestError | None]:
    """Return the errors of these (run id, seq): where there are many, their output would not fit into memory."""
    return {place: found.error for place, found in _read(connection, project_id, results, _failure).items()}


def _read(
    connection: Connection, project_id: int, results: Iterable[tuple[int, int]], one: msgspec.json.Decoder[T]
) -> dict[tuple[int, int], T]:
    wanted = set(results)
    table = schema.detail
    found: dict[tuple[int, int], T] = {}
    while wanted:
        run_id, seq = wanted.pop()
        place = and_(table.c.project_id == project_id, table.c.run_id == run_id, table.c.lo <= seq)
        row = connection.execute(select(table).where(place).order_by(table.c.lo.desc()).limit(1)).first()
        if row is None or row.hi < seq:
            continue
        entries = _decoder.decode(_unpack(row.codec, row.data))
        found[run_id, seq] = one.decode(entries[seq - row.lo])
        for other in [key for key in wanted if key[0] == run_id and row.lo <= key[1] <= row.hi]:
            wanted.discard(other)
            found[other] = one.decode(entries[other[1] - row.lo])
    return found


def _pack(data: bytes) -> bytes:
    if len(data) > _SMALL:
        return zlib.compress(data, _LEVEL)
    # a few results alone take longer to clear a quarter of a megabyte than to be compressed
    packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, 14, 7)
    return packing.compress(data) + packing.flush()


def _unpack(codec: int, data: bytes) -> bytes:
    if codec != ZLIB:
        raise ValueError(f"a detail chunk has codec {codec}, this version knows {ZLIB}")
    return zlib.decompress(data)
