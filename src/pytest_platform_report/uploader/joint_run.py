"""A run that several machines share, as it is on a platform: what the rules of :mod:`.joining` ask for, by requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import DeliveryError, Refused
from ..model import STATUSES, RunStatus
from ..platforms.client import Platform, RunFound
from .joining import (
    Candidate,
    Count,
    Delete,
    Found,
    Look,
    Make,
    ReadRun,
    ReadTold,
    ReadTotals,
    Shown,
    Tell,
    Write,
)
from .states import is_about_the_item

AWAITED = "report-awaits:finish"
"""The tag of a run that ``platform-report run finish`` is to end."""

MAKER = "report-maker"
"""What the tag of a run's maker begins with."""

SHARDS = "shards"
"""The suite in which shards leave word: of what the documented API can list, the only thing besides tests."""

_ENDS: Mapping[str, RunStatus] = {"passed": "passed", "failed": "failed", "cancelled": "cancelled"}
_FOUND = re.compile("(.+) found " + ", ".join(rf"(\d{{1,9}}) {status}" for status in STATUSES), re.ASCII)


class JointRuns:
    """The runs with one marker, of which one is to stand.

    :param fields: what a new one is created with.
    :param marker: a tag that all of them have.
    :param maker: a tag that ours have.
    :param key: the idempotency key of ours.
    """

    def __init__(self, platform: Platform, fields: Mapping[str, Any], marker: str, maker: str, key: str) -> None:
        self._platform = platform
        self._fields = {**fields, "tags": [*fields.get("tags", ()), marker, maker]}
        self._marker = marker
        self._key = key

    def perform(self, request: Look | Make | Count | Delete) -> Any:
        """Do what a rule asks for, and return the answer."""
        match request:
            case Look():
                return self.list()
            case Make():
                made = self._platform.create_run(self._fields, self._key)
                return Candidate(made.id, made.created, frozenset(self._fields["tags"]))
            case Count(run_id):
                return self._platform.count_tests(run_id)
            case Delete(run_id):
                self.delete(run_id)
        return None

    def delete(self, run_id: str) -> None:
        """Delete one of them, if it is still there."""
        try:
            self._platform.delete_run(run_id, "")
        except Refused as error:
            if error.status != 404:
                raise

    def list(self) -> list[Candidate]:
        """Return them."""
        build = self._fields.get("ciBuildId")
        # Without a CI build the branch is what git says, and machines may have checked out one commit differently.
        branch = self._fields.get("branch") if build else None
        found = self._platform.find_runs(self._marker, branch=branch, ci_build_id=build)
        return [_candidate(run) for run in found]


class JointEnd:
    """The end of one run that several machines share.

    What has been answered of a request that takes several is not asked for again when that is made again.
    """

    def __init__(self, platform: Platform, run_id: str) -> None:
        self._platform = platform
        self._run_id = run_id
        self._parent = ""
        self._told: set[str] = set()
        self._totals: dict[str, int] = {}

    def perform(self, request: Tell | ReadTold | ReadTotals | ReadRun | Write) -> Any:
        """Do what a rule asks for, and return the answer."""
        match request:
            case Tell(name, tuple() as found):
                counts = ", ".join(f"{count} {status}" for status, count in zip(STATUSES, found, strict=True))
                return self.tell(f"{name} found {counts}")
            case Tell(name, status):
                return self.tell(f"{name} {status}")
            case ReadTold():
                self._totals = {}
                return list(self._read_told())
            case ReadTotals():
                for each in STATUSES:
                    if each not in self._totals:
                        self._totals[each] = self._platform.count_tests(self._run_id, each)
                totals, self._totals = self._totals, {}
                return totals
            case ReadRun():
                return _show(self._platform.get_run(self._run_id))
            case Write(fields):
                # Without a key: the same change may have to be made again, after another one.
                self._platform.update_run(self._run_id, fields, "")
        return None

    def tell(self, word: str) -> bool:
        """Leave a word about a shard; return whether the platform takes it."""
        if word in self._told:
            return True
        suite = {"runId": self._run_id, "title": word}
        try:
            self._parent = self._parent or self._platform.upsert_suite({"runId": self._run_id, "title": SHARDS}, "")
            self._platform.upsert_suite({**suite, "parentSuiteId": self._parent}, "")
        except DeliveryError as error:
            if not is_about_the_item(error):
                raise
            return False
        self._told.add(word)
        return True

    def _read_told(self) -> Iterator[tuple[str, Found | RunStatus]]:
        for suite in self._platform.get_suites(self._run_id):
            if suite.get("title") != SHARDS or suite.get("filePath"):
                continue
            for child in suite.get("children") or ():
                title = str(child.get("title", ""))
                name, _, status = title.partition(" ")
                if found := _FOUND.fullmatch(title):
                    yield found[1], tuple(map(int, found.groups()[1:]))
                elif name and status in _ENDS:
                    yield name, _ENDS[status]


def _candidate(run: RunFound) -> Candidate:
    return Candidate(run.id, run.created, run.tags)


def _show(run: Mapping[str, Any]) -> Shown:
    total, tags = run.get("shardTotal"), run.get("tags")
    return Shown(
        run,
        expected=total if isinstance(total, int) else 0,
        is_awaited=isinstance(tags, list) and AWAITED in tags,
    )
