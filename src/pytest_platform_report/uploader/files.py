"""Bring the kept files to the platform: each content once a run where the platform can refer, once a test elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from ..artifacts import with_size
from ..errors import DeliveryError, JournalError, Refused
from ..model import Artifact
from ..platforms.artifacts import check
from ..platforms.capabilities import Capabilities
from ..platforms.client import Platform
from .delivery import DeliveryRecord
from .findings import Journals
from .flight import Flight, fly
from .rows import ArtifactRow
from .states import after

_BLOCK = 1024 * 1024
_NOT_THERE = (404, 409)


class FileSender:
    """Sends the artifacts of one run."""

    def __init__(
        self,
        platform: Platform,
        folder: Path,
        record: DeliveryRecord,
        journals: Journals,
        key: Callable[..., str],
        room: Callable[[], int],
    ) -> None:
        self._platform = platform
        self._folder = folder
        self._record = record
        self._journals = journals
        self._key = key
        self._room = room

    def send(self, capabilities: Capabilities) -> bool:
        """Send the next artifacts whose tests have arrived, or note why not; raises as :class:`.Sender` does."""
        self._record.refuse_orphans()
        rows = self._record.artifacts_to_send(self._room() if capabilities.idempotency else 1)
        flights: dict[str, Flight] = {}
        tests: set[str | None] = set()
        for row in rows:
            artifact = self._due(row, capabilities)
            # Of the same content, one has to be there before others can refer to it; those of a test keep their order.
            if artifact is not None and artifact.sha256 not in flights and row.test not in tests:
                tests.add(row.test)
                flights[artifact.sha256] = self._flight(row, artifact, capabilities)
                self._record.set_artifact(row.id, "sent")
        fly(self._platform, list(flights.values()))
        return bool(rows)

    def _due(self, row: ArtifactRow, capabilities: Capabilities) -> Artifact | None:
        """Return an artifact that is to be sent, None for one that is not."""
        try:
            artifact = self._journals.read_artifact(row.segment, row.start, row.stop)
            reason = self._why_not(artifact, capabilities)
        except (JournalError, OSError, KeyError, TypeError) as error:
            reason = f"the journal cannot be read back: {error}"
        if reason:
            self._record.set_artifact(row.id, "refused", reason)
        elif not capabilities.digests and self._record.has_content_beside(row.id, artifact.sha256):
            self._record.set_artifact(row.id, "acknowledged")  # the platform has it, under the name that it came with
        else:
            return artifact
        return None

    def _why_not(self, artifact: Artifact, capabilities: Capabilities) -> str | None:
        reason = check(artifact.type, artifact.name, artifact.size, capabilities)
        if reason:
            return reason
        path = self._folder / artifact.path
        if not path.is_file():
            return f"{artifact.name}: its copy {path} is gone"
        if _sha256(path) != artifact.sha256:  # a link, and what was to be written once was written again
            return f"{with_size(artifact.name, artifact.size)}: it was changed after it had been kept"
        return None

    def _flight(self, row: ArtifactRow, artifact: Artifact, capabilities: Capabilities) -> Flight:
        is_there = capabilities.digests and self._record.has_content(artifact.sha256)
        run_id, key = str(self._record.run_id), self._key("artifact", row.segment, str(row.start))

        def upload(path: Path | None) -> None:
            self._platform.upload(
                path,
                file_name=artifact.name,
                type=artifact.type,
                run_id=run_id,
                test_id=row.test,
                sha256=artifact.sha256 if capabilities.digests else "",
                idempotency_key=key,
            )

        def send() -> None:
            if not (is_there and _succeeds(upload)):
                upload(self._folder / artifact.path)

        def note(answer: DeliveryError | None) -> None:
            if answer is None:
                self._record.set_artifact(row.id, "acknowledged")
                return
            state = after("artifact", answer)
            self._record.set_artifact(row.id, state, f"{artifact.name}: {answer}" if state == "refused" else None)
            if state != "refused":
                raise answer

        return Flight(send, note)


def _succeeds(upload: Callable[[None], None]) -> bool:
    """Tell whether the platform takes an upload without the content, of which it says that it has it."""
    try:
        upload(None)
    except Refused as error:
        if error.status in _NOT_THERE:
            return False
        raise
    return True


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
