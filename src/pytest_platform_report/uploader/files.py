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
from .rows import ArtifactRow
from .states import after

_BLOCK = 1024 * 1024
_NOT_THERE = (404, 409)


class FileSender:
    """Sends the artifacts of one run."""

    def __init__(self, platform: Platform, folder: Path, record: DeliveryRecord, journals: Journals) -> None:
        self._platform = platform
        self._folder = folder
        self._record = record
        self._journals = journals

    def send(self, row: ArtifactRow, capabilities: Capabilities, key: str) -> None:
        """Send an artifact, or note why it is not sent; raises as the sender's methods do."""
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
            self._deliver(row, artifact, capabilities, key)

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

    def _deliver(self, row: ArtifactRow, artifact: Artifact, capabilities: Capabilities, key: str) -> None:
        def upload(path: Path | None) -> None:
            self._platform.upload(
                path,
                file_name=artifact.name,
                type=artifact.type,
                run_id=str(self._record.run_id),
                test_id=row.test,
                sha256=artifact.sha256 if capabilities.digests else "",
                idempotency_key=key,
            )

        self._record.set_artifact(row.id, "sent")
        try:
            if not (capabilities.digests and self._record.has_content(artifact.sha256) and _succeeds(upload)):
                upload(self._folder / artifact.path)
        except DeliveryError as error:
            state = after("artifact", error)
            self._record.set_artifact(row.id, state, f"{artifact.name}: {error}" if state == "refused" else None)
            if state != "refused":
                raise
        else:
            self._record.set_artifact(row.id, "acknowledged")


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
