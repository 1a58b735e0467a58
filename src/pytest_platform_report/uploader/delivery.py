"""The delivery record: what of a run has been found, sent and acknowledged; ``delivery.sqlite`` in the run folder.

Each test and artifact, and the run, is in one of the :mod:`.states`. The texts stay in the journal: a row holds where
they stand.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from ..errors import NewerFormatError, StateError
from ..model import Result
from .findings import Span
from .rows import FEW_TRIES, UNKNOWN, ArtifactRow, Identity, TestRow
from .states import Kind, State, before
from .tally import Tally

FORMAT = 1

_SCHEMA = f"""
CREATE TABLE run(
    one INTEGER PRIMARY KEY CHECK (one = 1), remote TEXT, state TEXT NOT NULL, capabilities TEXT NOT NULL,
    fields TEXT NOT NULL, finished TEXT, marker TEXT NOT NULL, maker TEXT NOT NULL, joint INTEGER NOT NULL);
CREATE TABLE segment(name TEXT PRIMARY KEY, position INTEGER NOT NULL);
CREATE TABLE test(
    id INTEGER PRIMARY KEY, session TEXT NOT NULL, segment TEXT NOT NULL, began INTEGER NOT NULL, node TEXT NOT NULL,
    worker TEXT NOT NULL, kind TEXT NOT NULL, spans TEXT NOT NULL, bytes INTEGER NOT NULL, status TEXT NOT NULL,
    urgent INTEGER NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, batch TEXT, remote TEXT, why TEXT,
    UNIQUE(segment, began));
CREATE INDEX test_to_send ON test(state, max(tries, {FEW_TRIES}), urgent DESC, tries, id);
CREATE INDEX test_of_node ON test(node);
CREATE INDEX test_of_session ON test(session, state);
CREATE TABLE artifact(
    id INTEGER PRIMARY KEY, session TEXT NOT NULL, segment TEXT NOT NULL, start INTEGER NOT NULL,
    stop INTEGER NOT NULL, test_segment TEXT NOT NULL, test_began INTEGER, sha256 TEXT NOT NULL, state TEXT NOT NULL,
    why TEXT, UNIQUE(segment, start));
CREATE INDEX artifact_to_send ON artifact(state, id);
CREATE INDEX artifact_content ON artifact(sha256);
CREATE TABLE suite(path TEXT PRIMARY KEY, remote TEXT NOT NULL);
"""

_SELECT_TESTS = (
    "SELECT id, session, node, worker, kind, spans, bytes, status, state, tries, batch, remote, why FROM test"
)


class DeliveryRecord(Tally):
    """The delivery record of one run folder; its methods commit, but for those called inside :meth:`together`.

    :ivar is_doubtful: whether the folder was deleted and made anew, so that more may have been sent than is known here.
    :raises NewerFormatError: a newer version has made it.
    """

    def __init__(self, folder: Path) -> None:
        self.is_doubtful = (folder / "restored").exists()
        super().__init__(sqlite3.connect(folder / "delivery.sqlite", isolation_level=None))
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA busy_timeout=10000")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            with self.together():
                for statement in _SCHEMA.split(";\n"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={FORMAT}")
        elif version > FORMAT:
            self._db.close()
            raise NewerFormatError(str(folder / "delivery.sqlite"), version, FORMAT)
        self._db.execute("UPDATE test SET state='unknown', tries=tries + 1 WHERE state='sent'")
        self._db.execute("UPDATE artifact SET state='unknown' WHERE state='sent'")
        self._db.execute("UPDATE run SET state='unknown' WHERE state='sent'")
        deaths = self._db.execute("SELECT EXISTS (SELECT 1 FROM test WHERE kind IN ('died', 'lost'))")
        self._has_deaths = bool(deaths.fetchone()[0])  # most runs have none, and each test of theirs asks

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def copy_to(self, folder: Path) -> None:
        """Write a copy of it into *folder*, unless there is a record already."""
        fresh = folder / "delivery.sqlite.new"
        fresh.unlink(missing_ok=True)
        with closing(sqlite3.connect(fresh)) as copy:
            self._db.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # no second file, which would not come along
        with suppress(FileExistsError):
            os.link(fresh, folder / "delivery.sqlite")
        fresh.unlink()

    # -- the run

    def run(self) -> tuple[str | None, State, str, dict[str, Any]] | None:
        """Return the run's remote id, state, capabilities and fields; None before :meth:`plan_run`."""
        row = self._db.execute("SELECT remote, state, capabilities, fields FROM run").fetchone()
        return None if row is None else (row[0], row[1], row[2], json.loads(row[3]))

    @property
    def run_id(self) -> str | None:
        """The run's id on the platform, None until it is known."""
        row = self._db.execute("SELECT remote FROM run").fetchone()
        return row[0] if row else None

    def plan_run(self, fields: dict[str, Any], identity: Identity = UNKNOWN) -> None:
        """Keep the run's fields as they are now: whoever creates the run, however late, sends these."""
        state = "unknown" if self.is_doubtful else "pending"
        self._db.execute(
            "INSERT OR IGNORE INTO run VALUES (1, NULL, ?, '', ?, NULL, ?, ?, ?)",
            (state, json.dumps(fields), identity.marker, identity.maker, identity.is_joint),
        )

    def identity(self) -> Identity:
        """Return what the run is known by."""
        row = self._db.execute("SELECT marker, maker, joint FROM run").fetchone()
        return Identity(row[0], row[1], bool(row[2])) if row else Identity()

    def clear_doubts(self) -> None:
        """Note that the run has only now been created: nothing of it can have arrived before."""
        self.is_doubtful = False
        self._db.execute("UPDATE test SET state='pending' WHERE state='unknown'")

    def share_run(self) -> None:
        """Note that the run is shared with others."""
        self._db.execute("UPDATE run SET joint=1")

    def set_run(self, state: State, remote: str | None = None, capabilities: str = "") -> None:
        """Note what has become of the run's creation."""
        self._move("run", [1], state, "remote=?, capabilities=?", (remote, capabilities))

    def finished(self) -> str | None:
        """Return the closing statistics that the platform has acknowledged, as they were given."""
        row = self._db.execute("SELECT finished FROM run").fetchone()
        return row[0] if row else None

    def set_finished(self, statistics: str) -> None:
        """Note closing statistics that the platform has acknowledged."""
        self._db.execute("UPDATE run SET finished=?", (statistics,))

    # -- what the journal told

    def positions(self) -> dict[str, int]:
        """Return up to which byte each segment has been taken over."""
        return dict(self._db.execute("SELECT name, position FROM segment"))

    def set_position(self, segment: str, position: int) -> None:
        """Note up to which byte a segment has been taken over."""
        self._db.execute("INSERT OR REPLACE INTO segment VALUES (?, ?)", (segment, position))

    def add_test(
        self, session: str, worker: str, kind: str, span: Span, result: Result, state: State, size: int
    ) -> None:
        """Add a test, unless it is there. *size* is what it takes of the journal, in bytes."""
        status = result.status
        urgent = int(status in ("failed", "flaky"))
        self._has_deaths |= kind in ("died", "lost")
        self._db.execute(
            "INSERT OR IGNORE INTO test(session, segment, began, node, worker, kind, spans, bytes, status, urgent,"
            " state) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (
                session,
                span.segment,
                span.began[0],
                result.place.node_id,
                worker,
                kind,
                json.dumps([span.to_json()]),
                size,
                status,
                urgent,
                state,
            ),
        )

    def drop_test(self, session: str, worker: str, segment: str, began: int, node: str) -> None:
        """Note that the test that began at this byte is left out, and forget its artifacts."""
        self._db.execute(
            "INSERT OR IGNORE INTO test(session, segment, began, node, worker, kind, spans, bytes, status, urgent,"
            " state) VALUES (?,?,?,?,?,'dropped','[]',0,'',0,'dropped')",
            (session, segment, began, node, worker),
        )
        self._db.execute("DELETE FROM artifact WHERE test_segment=? AND test_began=?", (segment, began))

    def add_artifact(
        self,
        session: str,
        segment: str,
        began: int | None,
        start: int,
        stop: int,
        sha256: str,
        why: str | None = None,
    ) -> None:
        """Add an artifact of the test that began at byte *began*, or of the run; *why* there is nothing to send."""
        self._db.execute(
            "INSERT OR IGNORE INTO artifact(session, segment, start, stop, test_segment, test_began, sha256, state,"
            " why) VALUES (?,?,?,?,?,?,?,?,?)",
            (session, segment, start, stop, segment, began, sha256, "refused" if why else "pending", why),
        )

    def knows(self, node: str, kind: str) -> bool:
        """Tell whether a test of this kind is there for the node id."""
        found = self._db.execute("SELECT 1 FROM test WHERE node=? AND kind=?", (node, kind)).fetchone()
        return found is not None

    def has_died(self, node: str) -> bool:
        """Tell whether a test of this node id has died, or a controller has told so."""
        return self._has_deaths and (self.knows(node, "died") or self.knows(node, "lost"))

    def tells(self, node: str, segment: str, began: int) -> bool:
        """Tell whether the execution that began at this byte is there, as a test or as an attempt of one."""
        return any(
            (span.segment, span.began[0]) == (segment, began)
            for row in self._tests("node=?", (node,))
            for span in row.spans
        )

    def unsent(self, node: str) -> list[TestRow]:
        """Return the ended tests of a node id that are certainly not on the platform."""
        return self._tests("node=? AND kind='ended' AND state='pending'", (node,))

    def held(self) -> list[TestRow]:
        """Return the tests that wait for other executions of theirs."""
        return self._tests("state='held' ORDER BY id", ())

    def drop_if_told(self, row: TestRow) -> bool:
        """Drop a test that only the controller told of, if a journal told of it in that worker; return whether."""
        dropped = self._db.execute(
            "DELETE FROM test WHERE id=? AND EXISTS (SELECT 1 FROM test o WHERE o.node=test.node"
            " AND o.session=test.session AND o.worker=test.worker AND o.kind<>'lost')",
            (row.id,),
        )
        return dropped.rowcount > 0

    def let_go(self, kept: TestRow, spans: list[Span], result: Result, merged: Iterable[TestRow]) -> None:
        """Make one test of several executions, with the artifacts of all of them, and send it."""
        urgent = int(result.status in ("failed", "flaky"))
        self._db.execute(
            "UPDATE test SET spans=?, status=?, urgent=? WHERE id=?",
            (json.dumps([span.to_json() for span in spans]), result.status, urgent, kept.id),
        )
        self.set_tests([kept.id], "pending")
        own = kept.spans[-1]
        for row in merged:
            old = row.spans[-1]
            self._db.execute(
                "UPDATE artifact SET test_segment=?, test_began=? WHERE test_segment=? AND test_began=?",
                (own.segment, own.began[0], old.segment, old.began[0]),
            )
            self._db.execute("DELETE FROM test WHERE id=?", (row.id,))

    # -- sending

    def unknown_tests(self) -> list[TestRow]:
        """Return some tests that may or may not have arrived; of one batch, where they were sent as such."""
        rows = self._tests("state='unknown' ORDER BY tries, id LIMIT 1", ())
        if rows and rows[0].batch is not None:
            return self._tests("state='unknown' AND batch=? ORDER BY id", (rows[0].batch,))
        return rows

    def batches_to_send(self, most: int, most_bytes: int, batches: int) -> list[list[TestRow]]:
        """Return the next tests to send, failures first, in so many requests at most: at least one if there is one.

        All of them are held at once, so that they have no more than twice the bytes of one. What the platform has
        failed over several times comes last and alone, so that it keeps no other waiting.
        """
        order = f"max(tries, {FEW_TRIES}), urgent DESC, tries, id"
        found: list[list[TestRow]] = []
        size, whole = 0, 0
        for row in self._tests(f"state='pending' ORDER BY {order} LIMIT ?", (most * batches,)):
            if not found or len(found[-1]) == most or size + row.bytes > most_bytes or row.is_odd:
                if len(found) == batches or (found and (row.is_odd or whole + row.bytes > 2 * most_bytes)):
                    break
                found.append([])
                size = 0
            found[-1].append(row)
            size += row.bytes
            whole += row.bytes
        return found

    def has_batch(self, most: int) -> bool:
        """Tell whether there are so many tests to send, or any, or a file, that may have arrived."""
        query = "SELECT 1 FROM test WHERE state='pending' LIMIT 1 OFFSET ?"
        return (
            self._db.execute(query, (most - 1,)).fetchone() is not None
            or self._db.execute("SELECT 1 FROM test WHERE state='unknown'").fetchone() is not None
            or bool(self.artifacts_to_send(1))
        )

    def has_urgent(self) -> bool:
        """Tell whether there are failed or flaky tests to send."""
        query = f"SELECT 1 FROM test WHERE state='pending' AND max(tries, {FEW_TRIES})={FEW_TRIES} AND urgent=1"  # noqa: S608  fixed texts
        return self._db.execute(query).fetchone() is not None

    def set_tests(
        self,
        ids: Sequence[int],
        state: State,
        *,
        batch: str | None = None,
        remote: str | None = None,
        why: str | None = None,
        tried: bool = False,
    ) -> None:
        """Note what has become of tests.

        :param tried: the platform failed over them, and one of them may be why.
        """
        also = "tries=tries + ?, batch=?, remote=coalesce(?, remote), why=coalesce(?, why)"
        self._move("test", ids, state, also, (int(tried), batch, remote, why))

    def acknowledge(self, remotes: Mapping[int, str]) -> None:
        """Note that tests are on the platform, with the ids that they have there."""
        allowed = before("test", "acknowledged")
        states = ",".join("?" * len(allowed))
        statement = f"UPDATE test SET state='acknowledged', batch=NULL, remote=? WHERE id=? AND state IN ({states})"  # noqa: S608  fixed texts
        moved = self._db.executemany(statement, [(remote, id_, *allowed) for id_, remote in remotes.items()])
        if moved.rowcount != len(remotes):
            raise StateError(
                f"of test {list(remotes)}, not all are in a state that 'acknowledged' may follow: {allowed}"
            )

    def artifacts_to_send(self, most: int) -> list[ArtifactRow]:
        """Return artifacts whose test has been acknowledged, and the run's own."""
        rows = self._db.execute(
            "SELECT a.id, a.segment, a.start, a.stop, a.state, t.remote FROM artifact a"
            " LEFT JOIN test t ON t.segment=a.test_segment AND t.began=a.test_began"
            " WHERE a.state IN ('pending', 'unknown') AND (a.test_began IS NULL OR t.remote IS NOT NULL)"
            " ORDER BY a.id LIMIT ?",
            (most,),
        )
        return [ArtifactRow(*row) for row in rows]

    def set_artifact(self, id_: int, state: State, why: str | None = None) -> None:
        """Note what has become of an artifact."""
        self._move("artifact", [id_], state, "why=?", (why,))

    def has_content(self, sha256: str) -> bool:
        """Tell whether an artifact of this content has been acknowledged."""
        query = "SELECT 1 FROM artifact WHERE sha256=? AND state='acknowledged'"
        return self._db.execute(query, (sha256,)).fetchone() is not None

    def has_content_beside(self, id_: int, sha256: str) -> bool:
        """Tell whether one has been acknowledged that belongs to the same test as this artifact, or both to the run."""
        query = (
            "SELECT 1 FROM artifact a JOIN artifact o ON o.id=? WHERE a.sha256=? AND a.state='acknowledged'"
            " AND a.test_began IS o.test_began AND (o.test_began IS NULL OR a.test_segment=o.test_segment)"
        )
        return self._db.execute(query, (id_, sha256)).fetchone() is not None

    def refuse_orphans(self) -> None:
        """Set the artifacts of refused tests aside."""
        self._db.execute(
            "UPDATE artifact SET state='refused', why='its test was refused' WHERE state IN ('pending', 'unknown')"
            " AND EXISTS (SELECT 1 FROM test t WHERE t.segment=artifact.test_segment AND t.began=artifact.test_began"
            " AND t.state='refused')"
        )

    def suite(self, path: str) -> str | None:
        """Return a suite's remote id."""
        row = self._db.execute("SELECT remote FROM suite WHERE path=?", (path,)).fetchone()
        return row[0] if row else None

    def add_suite(self, path: str, remote: str) -> None:
        """Note a suite's remote id."""
        self._db.execute("INSERT OR REPLACE INTO suite VALUES (?, ?)", (path, remote))

    def retry_refused(self) -> None:
        """Let what the platform has refused be tried once more; tests are looked up before: some may have arrived."""
        with self.together():
            self._db.execute("UPDATE test SET state='unknown', tries=0, batch=NULL, why=NULL WHERE state='refused'")
            self._db.execute("UPDATE artifact SET state='unknown', why=NULL WHERE state='refused' AND sha256<>''")

    def _move(self, kind: Kind, ids: Sequence[int], state: State, also: str, values: tuple[object, ...]) -> None:
        """Bring rows to a state, all of them in one statement; refuse what the states do not allow."""
        key = "one" if kind == "run" else "id"
        allowed = before(kind, state)
        among, states = ",".join("?" * len(ids)), ",".join("?" * len(allowed))
        moved = self._db.execute(
            f"UPDATE {kind} SET state=?, {also} WHERE {key} IN ({among}) AND state IN ({states})",  # noqa: S608  fixed texts
            (state, *values, *ids, *allowed),
        )
        if moved.rowcount != len(ids):
            raise StateError(f"of {kind} {list(ids)}, not all are in a state that {state!r} may follow: {allowed}")

    def _tests(self, where: str, parameters: tuple[object, ...]) -> list[TestRow]:
        rows = self._db.execute(f"{_SELECT_TESTS} WHERE {where}", parameters)
        return [
            TestRow(id_, session, node, worker, kind, tuple(Span.from_json(span) for span in json.loads(spans)), *rest)
            for id_, session, node, worker, kind, spans, *rest in rows
        ]
