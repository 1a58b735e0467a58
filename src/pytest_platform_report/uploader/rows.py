"""What the delivery record holds of the run, of a test and of a file."""

from __future__ import annotations

from dataclasses import dataclass

from .findings import Span
from .states import State

FEW_TRIES = 2


@dataclass(frozen=True)
class TestRow:
    """A test on its way.

    :ivar kind: ended, died, collected, lost, dropped.
    :ivar tries: how often the platform failed over it, and it may itself be why.
    :ivar why: the platform's words.
    """

    __test__ = False

    id: int
    session: str
    node: str
    worker: str
    kind: str
    spans: tuple[Span, ...]
    bytes: int
    status: str
    state: State
    tries: int
    batch: str | None
    remote: str | None
    why: str | None

    @property
    def is_odd(self) -> bool:
        """Whether it has been tried so often that it goes last, and by itself."""
        return self.tries > FEW_TRIES


@dataclass(frozen=True)
class ArtifactRow:
    """An artifact on its way; ``test`` is the remote id of its test, None for the run's own."""

    id: int
    segment: str
    start: int
    stop: int
    state: State
    test: str | None


@dataclass(frozen=True)
class Identity:
    """What a run is known by.

    :ivar marker: a tag that the run has, whoever creates it.
    :ivar maker: a tag that it has where this run folder's uploaders have created it.
    :ivar is_joint: whether it is shared with other run folders, on other machines.
    """

    marker: str = ""
    maker: str = ""
    is_joint: bool = False


UNKNOWN = Identity()
"""That of a run of which nothing is told."""
