"""What is told of the lanes of a run, and where their tests are drawn."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from platform_report_server.db.queries.lanes import Lane
from platform_report_server.db.queries.timeline import Piece
from platform_report_server.db.schema import LANES

WIDTH = 1000

_AHEAD_MS, _BEHIND_MS = 2_000, 10_000
"""How soon before its end, and how long after it, a result may arrive while the clocks agree."""
_STEADY_MS = 5_000
_SLOWEST = 3
_LAST = 10
_NARROWEST = 1.0


@dataclass(frozen=True)
class Bar:
    """A piece, and its place."""

    piece: Piece
    x: float
    width: float


@dataclass(frozen=True)
class Gap:
    """The longest time in which a lane ran nothing between two tests: how long, and since when."""

    length: float
    since: float


@dataclass(frozen=True)
class ShownLane:
    """What a lane did; its times count from where its drawing begins."""

    lane: Lane
    tests: int
    busy: float
    first: float
    last: float
    gap: Gap | None
    early: float
    """How long before the last lane it was done."""
    bars: list[Bar]
    slowest: list[Piece]

    @property
    def idle(self) -> float:
        """How long it ran nothing, between its first test and its last."""
        return max(self.last - self.first - self.busy, 0)


@dataclass(frozen=True)
class Timeline:
    """All lanes, in the order of their shards and workers.

    Where the clocks of shards do not go together, each shard is drawn from its own first test.
    """

    lanes: list[ShownLane]
    tests: int
    total: float
    abreast: int
    """How many lanes ran at the same time, at most."""
    even: float
    """How long it would have taken had so many all been busy to the end, but no less than the longest test."""
    longest: float
    is_apart: bool
    spread: float
    last: ShownLane
    alone: float
    """How long the last lane ran on when all others were done."""
    at_end: list[Piece]
    """What it ran then, the longest first."""


def arrange(lanes: Iterable[Lane], pieces: Sequence[Piece]) -> Timeline:
    """Return the timeline of pieces, of which there is at least one."""
    by_number = {lane.number: lane for lane in lanes}
    of_lane: dict[Lane, list[Piece]] = defaultdict(list)
    for piece in pieces:
        of_lane[by_number.get(piece.lane) or Lane(piece.lane, None, None)].append(piece)
    by_shard: dict[int | None, list[Piece]] = defaultdict(list)
    for lane, some in of_lane.items():
        by_shard[lane.shard] += some
    clocks = [_clock_of(some) for some in by_shard.values()]
    spread = max(clocks) - min(clocks)
    is_apart = spread > _AHEAD_MS
    begins = {shard: min(piece.first for piece in some) for shard, some in by_shard.items()}
    since = {shard: begin if is_apart else min(begins.values()) for shard, begin in begins.items()}
    ends = sorted(max(piece.last for piece in some) - since[lane.shard] for lane, some in of_lane.items())
    total = ends[-1]
    others = ends[-2] if len(ends) > 1 else total
    shown = [_show(lane, of_lane[lane], since[lane.shard], total) for lane in sorted(of_lane, key=_place)]
    last = max(shown, key=lambda each: each.last)
    longest, abreast = max(piece.longest for piece in pieces), _count_abreast(shown)
    at_end = [piece for piece in of_lane[last.lane] if piece.last - since[last.lane.shard] > others]
    return Timeline(
        lanes=shown,
        tests=sum(lane.tests for lane in shown),
        total=total,
        abreast=abreast,
        even=max(sum(lane.busy for lane in shown) / abreast, longest),
        longest=longest,
        is_apart=is_apart,
        spread=spread,
        last=last,
        alone=total - others,
        at_end=_longest_of(at_end, _LAST),
    )


def _clock_of(pieces: Sequence[Piece]) -> float:
    """Return by how much a shard's clock is behind the server's, or ahead of it where negative; 0 where none shows.

    What arrives before it ends shows the one; the other, what arrives while it runs, and all of it late.
    """
    lag = min(piece.arrived - piece.last for piece in pieces)
    arrivals = [piece.arrived for piece in pieces]
    ran = max(piece.last for piece in pieces) - min(piece.first for piece in pieces)
    is_steady = max(arrivals) - min(arrivals) > max(ran / 2, _STEADY_MS)
    return lag if lag < -_AHEAD_MS or (is_steady and lag > _BEHIND_MS) else 0.0


def _show(lane: Lane, pieces: Sequence[Piece], since: int, total: float) -> ShownLane:
    first, last = pieces[0].first - since, max(piece.last for piece in pieces) - since
    return ShownLane(
        lane=lane,
        tests=sum(piece.tests for piece in pieces),
        busy=sum(piece.busy for piece in pieces),
        first=first,
        last=last,
        gap=_longest_gap(pieces, since),
        early=total - last,
        bars=[_draw(piece, since, total) for piece in pieces],
        slowest=_longest_of(pieces, _SLOWEST),
    )


def _count_abreast(lanes: Iterable[ShownLane]) -> int:
    """Return how many lanes ran at the same time: a worker that crashed and its successor are two lanes."""
    changes = sorted(change for lane in lanes for change in ((lane.first, 1), (lane.last, -1)))
    return max(1, *accumulate(change for _, change in changes))


def _draw(piece: Piece, since: int, total: float) -> Bar:
    scale = WIDTH / (total or 1)
    width = max((piece.last - piece.first) * scale, _NARROWEST)
    return Bar(piece, round(min((piece.first - since) * scale, WIDTH - width), 1), round(width, 1))


def _longest_gap(pieces: Sequence[Piece], since: int) -> Gap | None:
    """Return the longest gap between pieces: one inside of a piece is shorter than that may be."""
    found, end = None, pieces[0].last
    for before, after in pairwise(pieces):
        end = max(end, before.last)
        if after.first - end > (found.length if found else 0):
            found = Gap(after.first - end, end - since)
    return found


def _longest_of(pieces: Iterable[Piece], most: int) -> list[Piece]:
    return sorted(pieces, key=lambda piece: -piece.longest)[:most]


def _place(lane: Lane) -> tuple[bool, int, list[tuple[int, str]], int]:
    """Return what lanes are sorted by: shard, then worker, gw2 before gw10; all others come last."""
    parts = re.findall(r"(\d{1,9})|(\D+)", lane.worker or "")
    return lane.number == LANES - 1, lane.shard or 0, [(int(number or -1), text) for number, text in parts], lane.number
