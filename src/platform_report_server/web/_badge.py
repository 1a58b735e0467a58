"""A badge: an image of a few words."""

from __future__ import annotations

from html import escape

COLOURS = {"good": "#1a7f37", "bad": "#c21c2c", "unsure": "#8a5a00", "plain": "#57606a"}
_NARROW, _WIDE = frozenset("fijlrt.,:;|!'()/ "), frozenset("mwMW%@")
_MARGIN = 6


def draw(label: str, value: str, colour: str) -> str:
    """Return an SVG image of a label and a value."""
    left, right = (_width(text) + 2 * _MARGIN for text in (label, value))
    told = escape(f"{label}: {value}")
    texts = "".join(
        f'<text x="{x}" y="14" textLength="{width - 2 * _MARGIN}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        for x, width, text in ((_MARGIN, left, label), (left + _MARGIN, right, value))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{told}">'
        f'<title>{told}</title><rect width="{left}" height="20" fill="#32383f"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[colour]}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{texts}</g></svg>'
    )


def _width(text: str) -> int:
    """Estimate how wide a text is; it is then drawn as wide as that."""
    return round(sum(4.3 if letter in _NARROW else 10.2 if letter in _WIDE else 7 for letter in text))
