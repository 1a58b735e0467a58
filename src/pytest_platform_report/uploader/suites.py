"""Make the suites of tests on a platform to which these do not bring their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import DeliveryError
from ..model import Place
from ..platforms.client import Platform
from .delivery import DeliveryRecord
from .flight import Flight, fly
from .states import is_about_the_item

Suite = tuple[str, tuple[str, ...]]
"""A file, and the titles from the outermost suite to the one that is meant."""


class SuiteMaker:
    """Makes suites, those of one level together: the next one needs their ids.

    :param key: makes an idempotency key.
    :param room: tells how many requests may be under way.
    :ivar failed: why a suite is not there, of those that were wanted last.
    """

    def __init__(
        self, platform: Platform, record: DeliveryRecord, key: Callable[..., str], room: Callable[[], int]
    ) -> None:
        self.failed: dict[Suite, DeliveryError] = {}
        self._platform = platform
        self._record = record
        self._key = key
        self._room = room
        self._made: dict[Suite, str] = {}

    def make(self, places: Iterable[Place]) -> None:
        """Make the suites of tests that are not there yet.

        :raises DeliveryError: the platform takes none just now.
        """
        self.failed.clear()
        wanted = {suite: depth for place in places for depth, suite in enumerate(suites_of(place), 1)}
        for level in range(1, max(wanted.values(), default=0) + 1):
            due = [suite for suite, depth in wanted.items() if depth == level and not self._is_settled(suite)]
            while due:
                room = self._room()
                fly(self._platform, [self._flight(suite) for suite in due[:room]])
                del due[:room]

    def error_of(self, place: Place) -> DeliveryError | None:
        """Return why the suites of a test are not all there; None where they are."""
        return next((self.failed[suite] for suite in suites_of(place) if suite in self.failed), None)

    def _is_settled(self, suite: Suite) -> bool:
        """Tell whether a suite is there, or will not be, since the one around it is not."""
        parent = _parent(suite)
        if parent in self.failed:
            self.failed[suite] = self.failed[parent]
            return True
        if suite not in self._made and (remote := self._record.suite(_path(suite))) is not None:
            self._made[suite] = remote
        return suite in self._made

    def _flight(self, suite: Suite) -> Flight:
        file_path, titles = suite
        fields: dict[str, Any] = {"runId": self._record.run_id, "title": titles[-1], "filePath": file_path}
        if len(titles) > 1:
            fields["parentSuiteId"] = self._made[_parent(suite)]
        key = self._key("suite", _path(suite))

        def note(answer: str | DeliveryError) -> None:
            if isinstance(answer, DeliveryError):
                self.failed[suite] = answer
                if not is_about_the_item(answer):
                    raise answer
            else:
                self._made[suite] = answer
                self._record.add_suite(_path(suite), answer)

        return Flight(lambda: self._platform.upsert_suite(fields, key), note)


def suites_of(place: Place) -> Iterator[Suite]:
    """Yield the suites of a test, the outermost first."""
    for depth in range(1, len(place.suites) + 1):
        yield place.file_path, place.suites[:depth]


def _parent(suite: Suite) -> Suite:
    return suite[0], suite[1][:-1]


def _path(suite: Suite) -> str:
    return json.dumps([suite[0], *suite[1]])
