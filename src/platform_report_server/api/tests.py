"""/api/tests"""

from __future__ import annotations

from asyncio import Future
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import anyio.to_thread
import msgspec
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._call import Call
from platform_report_server.api._query import PROJECT, Number, Text, Word, page
from platform_report_server.api._requests import decode
from platform_report_server.api._shapes import Counted, Data, ErrorAnswer, Page, number
from platform_report_server.api._test_shapes import Execution, ListedTest, StoredTest, StoredTests, Test, brief
from platform_report_server.api.answers import answer, body, error_answer, raw_answer
from platform_report_server.auth.caller import Caller
from platform_report_server.auth.visible import visible_case, visible_run, visible_test
from platform_report_server.clock import iso
from platform_report_server.db.details import Detail, read_details, read_errors
from platform_report_server.db.queries import tests as queries
from platform_report_server.db.queries.history import list_executions
from platform_report_server.db.queries.lanes import Lane, lane_of
from platform_report_server.db.queries.projects import find_project
from platform_report_server.db.schema import RESULT_STATUSES
from platform_report_server.errors import ApiError, Invalid, NotFound
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.results import Batch, Place, add_batch, is_flaky
from platform_report_server.ingest.writer import Write
from platform_report_server.model import BULK, NewTest, NewTests
from platform_report_server.services import Services

_HISTORY = 20
SMALL = 16 * 1024
"""Bytes of a request that is stored together with others: what is, is compressed and read as one."""

IN_RUN = Text("runId")
STATUS = Word("status", RESULT_STATUSES)
SEARCH = Text("search")
ATTEMPT = Number("attempt", None, 1, 2**31 - 1)


class _ValidTests(msgspec.Struct):
    tests: list[NewTest]


_new = msgspec.json.Decoder(NewTest)
_bulk = msgspec.json.Decoder(NewTests)
_valid = msgspec.json.Decoder(_ValidTests)


@dataclass(frozen=True)
class _Part:
    """What a request says of one run: where in the request, and what."""

    project: str
    run_id: str
    places: list[int]
    batch: Batch


async def create(call: Call) -> Response:
    said = await call.raw_body()
    new, once = read_single(said), call.once(said)
    call.caller.check(new.project_id)
    if once is None and len(said) <= SMALL:
        stored = await store_single(call.services, call.caller, new)
        return raw_answer(stored.body, stored.status)

    def add_once(write: Write) -> Answer:
        run = call.visible_run(write.connection, new.run_id, new.project_id)
        return answer_once(write, run.project_id, once, lambda: _add_singles(call.caller, write, [new])[0])

    return await call.write(add_once)


def read_single(said: bytes) -> NewTest:
    """Return the result that a body holds."""
    return decode(_new, said)


def store_single(services: Services, caller: Caller, new: NewTest) -> Future[Answer]:
    """Store a result, which the caller may add to its project."""
    work = partial(_add_singles, caller)
    if new.suites:  # made by the writer, if they are not there
        return services.writer.do_together((new.project_id, new.run_id), new, work)
    return services.singles.store(new, _told, work)


def _add_singles(caller: Caller, write: Write, tests: Sequence[NewTest]) -> list[Answer]:
    # whoever adds to the same run of the same project may see it as well
    new = tests[0]
    key = new.project_id, new.run_id
    place = write.memory.runs.get(key)
    if place is None:
        run = visible_run(write.connection, caller, new.run_id, new.project_id)
        place = run.project_id, run.id
        write.memory.runs.note(key, place)
    try:
        first = add_batch(write, *place, Batch.of(tests))
    except NotFound:
        write.memory.runs.forget(key)
        raise
    return _told(place, first, write.now, tests)


def _told(place: Place, first: int, now: int, tests: Sequence[NewTest]) -> list[Answer]:
    return [Answer(201, body(stored)) for stored in _stored(place[1], first, now, tests)]


async def create_many(call: Call) -> Response:
    said = await call.raw_body()
    tests, once = _read_many(call, said), call.once(said)
    # meanwhile others' requests are read, and the writer waits for nothing
    parts = await anyio.to_thread.run_sync(_by_run, tests)

    def job(write: Write) -> Answer:
        numbers = (find_project(write.connection, project) for project in sorted({part.project for part in parts}))
        # where no test can be stored, nothing is written: any scope will do for the key
        scope = next((number for number in numbers if number is not None), 0)
        return answer_once(write, scope, once, lambda: Answer(200, body(_add_many(call, write, tests, parts))))

    return await call.write(job)


async def index(call: Call) -> Response:
    project = PROJECT.read(call.request)
    call.caller.check(project)
    limit, offset = page(call.request)
    run_id, status, search = (each.read(call.request) for each in (IN_RUN, STATUS, SEARCH))

    def query(connection: Connection) -> Page[ListedTest]:
        run = call.visible_run(connection, run_id, project).id if run_id else None
        number = find_project(connection, project)
        if number is None:
            return Page([], 0, limit, offset)
        rows, total = queries.list_tests(
            connection, number, run_id=run, status=status, search=search, limit=limit, offset=offset
        )
        failed = [(row.run_id, row.seq) for row in rows if row.message is not None]
        errors = read_errors(connection, number, failed)
        shapes = [ListedTest.of(row, brief(errors.get((row.run_id, row.seq)))) for row in rows]
        return Page(shapes, total, limit, offset)

    return answer(await call.read(query))


async def show(call: Call) -> Response:
    return answer(Test.of_all(*await _loaded(call)))


async def steps(call: Call) -> Response:
    wanted = ATTEMPT.read(call.request)
    _, detail, _ = await _loaded(call)
    if wanted is None:
        return answer(Data(detail.steps))
    for attempt in detail.attempts or ():
        if attempt.attempt == wanted:
            return answer(Data(attempt.steps))
    raise NotFound(f"This test has no attempt {wanted}")


async def history(call: Call) -> Response:
    public_id = call.said("test_id")

    def query(connection: Connection) -> Counted[Execution]:
        project_id, case_id = visible_case(connection, call.caller, public_id)
        rows, total = list_executions(connection, project_id, case_id, _HISTORY)
        return Counted([Execution.of(row) for row in rows], total)

    return answer(await call.glance(query))


def _read_many(call: Call, said: bytes) -> list[NewTest | ApiError]:
    try:
        tests: Sequence[NewTest | msgspec.Raw] = _valid.decode(said).tests
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        tests = decode(_bulk, said).tests
    if len(tests) > BULK:
        raise Invalid.field_is("tests", f"at most {BULK} tests fit in one request, got {len(tests)}")
    return [_read_one(call, each) for each in tests]


def _read_one(call: Call, said: NewTest | msgspec.Raw) -> NewTest | ApiError:
    try:
        new = said if isinstance(said, NewTest) else decode(_new, said)
        call.caller.check(new.project_id)
    except ApiError as error:
        return error
    return new


def _by_run(tests: Sequence[NewTest | ApiError]) -> list[_Part]:
    found: dict[tuple[str, str], dict[int, NewTest]] = defaultdict(dict)
    for place, new in enumerate(tests):
        if isinstance(new, NewTest):
            found[new.project_id, new.run_id][place] = new
    # in one order, or two processes would wait for each other crosswise
    return [_Part(*of, list(placed), Batch.of(list(placed.values()))) for of, placed in sorted(found.items())]


def _add_many(call: Call, write: Write, tests: Sequence[NewTest | ApiError], parts: Sequence[_Part]) -> StoredTests:
    entries: dict[int, StoredTest | ErrorAnswer] = {
        place: error_answer(new) for place, new in enumerate(tests) if isinstance(new, ApiError)
    }
    for part in parts:
        try:
            run = call.visible_run(write.connection, part.run_id, part.project)
        except NotFound as error:
            added: Sequence[StoredTest | ErrorAnswer] = [error_answer(error)] * len(part.places)
        else:
            first = add_batch(write, run.project_id, run.id, part.batch)
            added = _stored(run.id, first, write.now, part.batch.tests)
        entries.update(zip(part.places, added, strict=True))
    return StoredTests([entries[place] for place in range(len(tests))])


def _stored(run_id: int, first: int, now: int, tests: Sequence[NewTest]) -> list[StoredTest]:
    created_at = iso(now)
    return [
        StoredTest(
            ids.test_id(run_id, seq),
            new.run_id,
            new.project_id,
            new.title,
            new.full_title,
            new.status,
            number(new.duration),
            is_flaky(new),
            created_at,
        )
        for seq, new in enumerate(tests, first)
    ]


async def _loaded(call: Call) -> tuple[queries.TestRow, Detail, Lane | None]:
    public_id = call.said("test_id")

    def query(connection: Connection) -> tuple[queries.TestRow, Detail, Lane | None]:
        row = visible_test(connection, call.caller, public_id)
        key = (row.run_id, row.seq)
        return row, read_details(connection, row.project_id, [key])[key], lane_of(connection, row)

    return await call.read(query)
