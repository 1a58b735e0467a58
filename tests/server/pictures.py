"""Pictures to be sent."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image

RED, GREEN = (255, 0, 0), (0, 255, 0)


def encoded(image: Image.Image, kind: str = "PNG", **told: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **told)
    return buffer.getvalue()


def photo() -> bytes:
    """Return a picture that lies on its side: upright, red is on the left; it says who took it."""
    image = Image.new("RGB", (400, 1000), RED)
    image.paste(GREEN, (0, 0, 400, 500))
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turn it by a quarter, clockwise
    exif[0x013B] = "Jane Doe"
    return encoded(image, "JPEG", exif=exif)


def small_picture() -> bytes:
    return encoded(Image.new("RGB", (40, 30), "teal"))
