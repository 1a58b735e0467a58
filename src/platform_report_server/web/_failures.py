"""The failures of a run as its page shows them: in groups, with the first test of each."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from platform_report_server.db.queries.failures import FailureGroup, failure_groups, results_of_group
from platform_report_server.db.queries.runs import RunRow, find_runs_of
from platform_report_server.db.queries.tests import TestRow, tests_at
from platform_report_server.web._remarks import is_crash


@dataclass(frozen=True)
class ShownGroup:
    """A group with what its lines lead to."""

    group: FailureGroup
    first: TestRow | None
    since: RunRow | None
    """The run since which it fails, unless it is this one or gone."""

    @property
    def id(self) -> str:
        """What it is called in addresses."""
        return self.group.signature.hex()


@dataclass(frozen=True)
class ShownGroups:
    """The first groups, and numbers of all."""

    shown: list[ShownGroup]
    count: int
    tests: int
    new: int
    crashed: int
    """Tests that did not end, because their process did."""


def show_groups(connection: Connection, row: RunRow, most: int, offset: int = 0) -> ShownGroups:
    """Return `most` groups of a run."""
    groups = failure_groups(connection, row)
    shown = groups[offset : offset + most]
    firsts = tests_at(connection, row.project_id, [(row.id, group.seq) for group in shown])
    by_seq = {test.seq: test for test in firsts}
    runs = find_runs_of(connection, row.project_id, {group.since_run for group in shown} - {row.id})
    return ShownGroups(
        [ShownGroup(group, by_seq.get(group.seq), runs.get(group.since_run)) for group in shown],
        len(groups),
        sum(group.tests for group in groups),
        sum(group.new for group in groups),
        sum(group.tests for group in groups if is_crash(group)),
    )


def group_id(text: str | None) -> bytes | None:
    """Return the signature that an address names; None where it names none."""
    if text is None or len(text) != 32:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def list_members(
    connection: Connection, row: RunRow, signature: bytes, *, limit: int, offset: int
) -> tuple[list[TestRow], int]:
    """Return a page of the tests of a group, and how many there are."""
    numbers = results_of_group(connection, row, signature)
    places = [(row.id, seq) for seq in numbers[offset : offset + limit]]
    return tests_at(connection, row.project_id, places), len(numbers)
