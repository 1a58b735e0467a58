"""Bring the run itself to the platform: create it, or find it, or join that of others; and close it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import DeliveryError
from ..platforms.capabilities import Capabilities
from ..platforms.client import Platform
from ..settings import Settings
from .delivery import DeliveryRecord
from .flight import Flight, fly
from .joining import Candidate, Closing, Drive, Found, Share, close, join
from .joint_run import AWAITED, JointEnd, JointRuns
from .states import State, after, is_about_the_item
from .verdict import Verdict, closing_fields, to_text


def is_shared_run(settings: Settings, record: DeliveryRecord) -> bool:
    """Tell whether others may report into the run as well, so that only the platform has seen all of it."""
    return bool(settings.run_id) or record.identity().is_joint


@dataclass(frozen=True)
class _There:
    """A run that is on the platform; ``capabilities`` is None where these have not been asked for."""

    id: str
    capabilities: Capabilities | None = None
    is_ours: bool = True


class RunSender:
    """Creates, finds, joins and closes the run of one delivery record.

    Where several requests are needed, and one of them fails, the next try goes on from there: a platform that fails
    every second request would never answer all of them in a row.

    :param marker: a tag of the run.
    :param key: makes an idempotency key.
    :ivar missing: which shards had told no end when the run was closed, in words; empty where none is missing.
    """

    def __init__(
        self, platform: Platform, settings: Settings, record: DeliveryRecord, marker: str, key: Callable[..., str]
    ) -> None:
        self.missing = ""
        self._platform = platform
        self._settings = settings
        self._record = record
        self._marker = marker
        self._maker = record.identity().maker
        self._key = key
        self._there: _There | None = None
        self._is_vain = False
        self._joining = Drive(lambda: join(self._maker))
        self._share: Share | None = None
        self._ending = Drive(lambda: close(self._share or Share()))
        self._end: JointEnd | None = None

    def send(self) -> bool:
        """Create the run, or find it where it may have been created, or join the one that was asked for."""
        run = self._record.run()
        if run is None:
            return False
        _, state, _, fields = run
        if self._settings.run_id:
            self._enter(self._settings.run_id)
            return True
        metadata = fields.pop("metadata", {})
        if self._there is None and self._record.identity().is_joint:
            self._there = self._join(fields)
        if self._there is None and state == "unknown":
            self._there = self._find(fields)
        if self._there is None:
            self._there = self._create(fields)
        if self._there.capabilities is None:
            self._there = replace(self._there, capabilities=self._platform.capabilities_of(self._there.id))
        self._begin(self._there, metadata)
        return True

    def close(self, verdict: Verdict, beside: Sequence[Flight] = ()) -> bool:
        """Close the run with its statistics, unless that has been done with the same ones and nothing sent since.

        :param beside: requests that a run of its own can have at the same time.
        """
        fly(self._platform, self.rest())
        if is_shared_run(self._settings, self._record):
            closing = self._write_shared(self._share_of(verdict))
            self.missing = closing.tell_missing()
            self._record.set_finished(to_text(closing.fields, self._record.acknowledged()))
            return True
        fields = closing_fields(verdict, self._record.totals())
        text = to_text(fields, self._record.acknowledged())
        if self._record.finished() == text:
            return False
        run_id, key = str(self._record.run_id), self._key("finish", text)

        def note(answer: DeliveryError | None) -> None:
            if answer is not None:
                raise answer
            self._record.set_finished(text)

        update = Flight(lambda: self._platform.update_run(run_id, fields, key), note)
        fly(self._platform, [update, *beside])
        return True

    def rest(self) -> list[Flight]:
        """Return the request that tells of a run of ours what only a platform that announces it takes, if it is due."""
        run = self._record.run()
        if run is None:
            return []
        remote, state, capabilities, fields = run
        if remote is None or state == "acknowledged":
            return []
        told, key = {"metadata": fields["metadata"]}, self._key("metadata")

        def note(answer: DeliveryError | None) -> None:
            if answer is not None and not is_about_the_item(answer):
                raise answer
            self._record.set_run("acknowledged", remote, capabilities)

        return [Flight(lambda: self._platform.update_run(remote, told, key), note)]

    def announce(self, verdict: Verdict, *, is_mute: bool) -> None:
        """Write the totals of a run that others report into as well, while much of ours is still to be sent.

        :param is_mute: without a word to the others of what we have found.
        """
        self._write_shared(replace(self._share_of(verdict), is_early=True, is_mute=is_mute))

    def _enter(self, run_id: str) -> None:
        """Join the run that was asked for."""
        if self._there is None:
            self._there = _There(run_id, self._platform.capabilities_of(run_id))
        if self._settings.shard or AWAITED in (self._platform.get_run(run_id).get("tags") or ()):
            self._record.share_run()
        self._note(self._there, "acknowledged")

    def _join(self, fields: Mapping[str, Any]) -> _There:
        """Find the run that all shards share, or create it."""
        self._record.set_run("sent")
        runs = JointRuns(self._platform, fields, self._marker, self._maker, self._key("run"))
        try:
            standing: Candidate = self._joining.run(runs.perform, self._platform.ping)
        finally:
            self._record.set_run("unknown")
        return _There(standing.id, is_ours=self._maker in standing.tags)

    def _find(self, fields: Mapping[str, Any]) -> _There | None:
        found = self._platform.find_run(self._marker, branch=fields.get("branch"), ci_build_id=fields.get("ciBuildId"))
        if found is not None:
            return _There(found)
        self._record.set_run("pending")
        if self._is_vain:
            self._is_vain = False
            self._platform.ping()  # should it fail every second request, the next one is not that which creates the run
        return None

    def _create(self, fields: Mapping[str, Any]) -> _There:
        self._record.set_run("sent")
        try:
            created = self._platform.create_run(
                {**fields, "tags": [*fields.get("tags", ()), self._marker]}, self._key("run")
            )
        except DeliveryError as error:
            self._is_vain = True
            self._record.set_run(after("run", error))
            raise
        self._record.clear_doubts()
        return _There(created.id, created.capabilities)

    def _begin(self, run: _There, metadata: Mapping[str, str]) -> None:
        """Note that a run is there: acknowledged, where there is no :meth:`rest` of it."""
        has_rest = run.capabilities and run.capabilities.metadata and metadata and run.is_ours
        self._note(run, "unknown" if has_rest else "acknowledged")

    def _note(self, run: _There, state: State) -> None:
        self._record.set_run(state, run.id, (run.capabilities or Capabilities()).to_text())

    def _share_of(self, verdict: Verdict) -> Share:
        share = Share(status=verdict.status, duration=verdict.duration, open=self._record.open_totals())
        if not self._record.identity().is_joint:
            return share
        found: dict[str, Found] = {}
        for session, counts in self._record.totals_of_sessions().items():
            name = verdict.shard_of.get(session, session)
            found[name] = tuple(map(sum, zip(counts, found.get(name, (0,) * len(counts)), strict=True)))
        return replace(share, told=verdict.of_shards, found=found)

    def _write_shared(self, share: Share) -> Closing:
        if share != self._share:
            self._share, self._ending = share, Drive(lambda: close(share))
        self._end = self._end or JointEnd(self._platform, str(self._record.run_id))
        closing: Closing = self._ending.run(self._end.perform, self._platform.ping)
        return closing
