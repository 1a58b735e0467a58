"""A bar chart as a PNG, with nothing but the standard library."""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Iterable

from shop import Line

Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
INK: Color = (31, 41, 55)
GREY: Color = (107, 114, 128)
RULE: Color = (229, 231, 235)
BAR: Color = (15, 118, 110)

# Five pixels by seven: a byte a row, the lowest five bits, from the top.
GLYPHS = {
    "A": "0e11111f111111", "B": "1e11111e11111e", "C": "0e11101010110e", "D": "1c12111111121c", "E": "1f10101e10101f",
    "F": "1f10101e101010", "G": "0e11101711110f", "H": "1111111f111111", "I": "0e04040404040e", "J": "0702020202120c",
    "K": "11121418141211", "L": "1010101010101f", "M": "111b1515111111", "N": "11111915131111", "O": "0e11111111110e",
    "P": "1e11111e101010", "Q": "0e11111115120d", "R": "1e11111e141211", "S": "0f10100e01011e", "T": "1f040404040404",
    "U": "1111111111110e", "V": "11111111110a04", "W": "1111111515150a", "X": "11110a040a1111", "Y": "11110a04040404",
    "Z": "1f01020408101f", "0": "0e11131519110e", "1": "040c040404040e", "2": "0e11010204081f", "3": "1f02040201110e",
    "4": "02060a121f0202", "5": "1f101e0101110e", "6": "0608101e11110e", "7": "1f010204080808", "8": "0e11110e11110e",
    "9": "0e11110f01020c", ".": "00000000000c0c", ":": "000c0c000c0c00", "x": "0000110a040a11", "€": "07081e081e0807",
}  # fmt: skip


class Canvas:
    """Pixels in RGB, from the top left."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._rows = [bytearray(bytes(WHITE) * width) for _ in range(height)]

    def box(self, x: int, y: int, width: int, height: int, color: Color) -> None:
        for row in self._rows[y : y + height]:
            row[x * 3 : (x + width) * 3] = bytes(color) * width

    def bar(self, x: int, y: int, width: int, height: int, color: Color, radius: int = 8) -> None:
        """A box whose upper corners are round, smoothed by four samples a pixel each way."""
        self.box(x, y, width, height, color)
        samples = [(i + 0.5) / 4 for i in range(4)]
        for row in range(min(radius, height)):
            for column in range(radius):
                inside = sum(
                    (radius - column - dx) ** 2 + (radius - row - dy) ** 2 <= radius**2
                    for dx in samples
                    for dy in samples
                )
                mixed = bytes((c * inside + w * (16 - inside)) // 16 for c, w in zip(color, WHITE, strict=True))
                for left in (x + column, x + width - 1 - column):
                    self._rows[y + row][left * 3 : left * 3 + 3] = mixed

    def text(self, x: int, y: int, text: str, color: Color, scale: int = 2, align: float = 0.0) -> None:
        """Text whose left edge (align 0), middle (0.5) or right edge (1) is at x."""
        x -= round(text_width(text, scale) * align)
        for letter in letters(text):
            for row, bits in enumerate(bytes.fromhex(GLYPHS.get(letter, "00" * 7))):
                for column in range(5):
                    if bits >> (4 - column) & 1:
                        self.box(x + column * scale, y + row * scale, scale, scale, color)
            x += 6 * scale

    def png(self) -> bytes:
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        # The zero before each row says that the row is not filtered.
        pixels = zlib.compress(b"".join(b"\0" + row for row in self._rows), 9)
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def letters(text: str) -> str:
    """The text in the letters we have: capitals, accents dropped."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c if c in GLYPHS else c.upper() for c in plain if not unicodedata.combining(c))


def text_width(text: str, scale: int) -> int:
    return len(letters(text)) * 6 * scale - scale


def cart_chart(lines: Iterable[Line], title: str = "The cart in euros") -> bytes:
    """What each line of a cart costs, as a PNG."""
    lines = tuple(lines)
    left, top, bottom, right = 80, 96, 456, 928
    canvas = Canvas(960, 540)
    canvas.text(32, 28, title, INK, scale=3)

    highest = max((float(line.total) for line in lines), default=0.0)
    tick = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if highest <= step * 5 or step == 1000)
    ticks = max(1, -int(-highest // tick))
    for i in range(ticks + 1):
        y = bottom - (bottom - top) * i // ticks
        canvas.box(left, y, right - left, 2 if i == 0 else 1, GREY if i == 0 else RULE)
        canvas.text(left - 12, y - 7, str(i * tick), GREY, align=1.0)

    slot = (right - left) // max(1, len(lines))
    for i, line in enumerate(lines):
        middle = left + slot * i + slot // 2
        width = min(96, slot * 3 // 5)
        height = round((bottom - top) * float(line.total) / (ticks * tick))
        canvas.bar(middle - width // 2, bottom - height, width, height, BAR)
        price = f"€{line.total:.2f}"
        backing = text_width(price, 2) + 12
        canvas.box(middle - backing // 2, bottom - height - 26, backing, 24, WHITE)
        canvas.text(middle, bottom - height - 22, price, INK, align=0.5)
        canvas.text(middle, bottom + 16, line.product.name[: slot // 12 - 1], INK, align=0.5)
        canvas.text(middle, bottom + 40, f"{line.quantity} x €{line.product.price}", GREY, align=0.5)
    return canvas.png()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
