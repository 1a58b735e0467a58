"""Lines over time as shapes of SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 120
_MARGIN = 6

Values = Sequence[float | None]
"""From the oldest to the newest; None where there is nothing to tell."""


@dataclass(frozen=True)
class Line:
    """The line of one series, in pieces where values are missing between them."""

    name: str
    pieces: list[list[tuple[float, float]]]


@dataclass(frozen=True)
class Chart:
    """A picture of one or more series, and what it shows in words."""

    name: str
    said: str
    lines: list[Line]

    width = WIDTH
    height = HEIGHT


def draw(name: str, said: str, series: Mapping[str, Values], low: float, high: float) -> Chart:
    """Draw series of one length between two bounds."""
    lines = [Line(each, list(_pieces(values, low, high))) for each, values in series.items()]
    return Chart(name, said, lines)


def _pieces(values: Values, low: float, high: float) -> Iterator[list[tuple[float, float]]]:
    step = (WIDTH - 2 * _MARGIN) / max(len(values) - 1, 1)
    piece: list[tuple[float, float]] = []
    for place, value in enumerate(values):
        if value is not None:
            share = (value - low) / (high - low) if high > low else 1.0
            piece.append(
                (round(_MARGIN + step * place, 1), round(HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN), 1))
            )
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece
