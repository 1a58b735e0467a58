"""What a platform announces to do beyond the documented API."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_TESTS = 10_000


@dataclass(frozen=True)
class Capabilities:
    """The header ``Platform-Capabilities`` of the answer to POST /runs; the default is a platform without it.

    :ivar bulk: how many tests one POST /tests/bulk takes; 0 where there is no such endpoint.
    :ivar idempotency: a write that is sent again with its ``Idempotency-Key`` is not carried out again.
    :ivar attempts: a test takes ``attempts``, and a step its ``depth`` and ``start``.
    :ivar attachments: the artifact type ``attachment`` exists.
    :ivar metadata: PATCH /runs/:id takes ``metadata``, names with values.
    :ivar digests: POST /upload takes ``sha256``, and without a file stands for the run's own content of that digest.
    :ivar gzip: JSON bodies may be compressed.
    :ivar timeline: a test takes ``startedAt``, ``worker`` and ``shard``.
    :ivar suites: a test takes ``suites``, and those that are not there are made.
    """

    bulk: int = 0
    idempotency: bool = False
    attempts: bool = False
    attachments: bool = False
    metadata: bool = False
    digests: bool = False
    gzip: bool = False
    timeline: bool = False
    suites: bool = False

    @classmethod
    def parse(cls, text: str) -> Capabilities:
        """Read the header's value; words that this version does not know are passed over."""
        words = {name.strip().lower(): value.strip() for name, _, value in (w.partition("=") for w in text.split(","))}
        bulk = words.get("bulk-tests", "")
        return cls(
            bulk=min(int(bulk), _MOST_TESTS) if bulk.isdecimal() and len(bulk) < 10 else 0,
            idempotency="idempotency-key" in words,
            attempts="attempts" in words,
            attachments="attachments" in words,
            metadata="metadata" in words,
            digests="artifact-digests" in words,
            gzip="gzip" in words,
            timeline="timeline" in words,
            suites="suites" in words,
        )

    def to_text(self) -> str:
        """Return what :meth:`parse` reads."""
        words = [f"bulk-tests={self.bulk}"] if self.bulk else []
        words += ["idempotency-key"] if self.idempotency else []
        words += ["attempts"] if self.attempts else []
        words += ["attachments"] if self.attachments else []
        words += ["metadata"] if self.metadata else []
        words += ["artifact-digests"] if self.digests else []
        words += ["gzip"] if self.gzip else []
        words += ["timeline"] if self.timeline else []
        words += ["suites"] if self.suites else []
        return ", ".join(words)
