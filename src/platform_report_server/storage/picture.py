"""Thumbnails, drawn in a process of their own: what decodes images written by others may hang, grow or crash."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import subprocess
import sys
import warnings
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from platform_report_server.errors import Unavailable

SIDE = 320
LARGEST_PIXELS = 40_000_000
LARGEST_BYTES = 20 * 2**20

_BOOT = """\
import json, sys
sys.path += json.loads(sys.argv[1])
from platform_report_server.storage.picture import main
main()
"""
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_CPU_SECONDS, _SECONDS = 5, 20.0
_MEMORY = 2**30
_QUALITY = 80
_UNREADABLE = 3
# what the image itself brings about; another signal comes from outside, and says nothing of it
_ITS_FAULT = {_UNREADABLE, *(-number for number in (signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT))}
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

_log = logging.getLogger("platform_report_server")


def thumbnail_of(content: bytes) -> bytes | None:
    """Return an image's thumbnail as WebP, or None where it cannot be read."""
    if len(content) > LARGEST_BYTES:
        return None
    path = json.dumps([entry for entry in sys.path if Path(entry).is_absolute()])
    command = [sys.executable, "-I", "-S", "-c", _BOOT, path]
    variables = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603  the program is our own
            command, input=content, capture_output=True, timeout=_SECONDS, env=variables, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable("There was no time to make the thumbnail; try again") from error
    if done.returncode in _ITS_FAULT:
        return None
    if done.returncode or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        _log.error("a thumbnail could not be made: %s (exit status %d)", said, done.returncode)
        raise Unavailable("The thumbnail could not be made; the server's log says more")
    return done.stdout


def main() -> None:
    """Draw the thumbnail of the image that is the standard input on the standard output, within bounds."""
    from PIL import Image  # noqa: F401  what is not installed is no fault of the image

    for kind, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, _CPU_SECONDS, _CPU_SECONDS + 1),
        (resource.RLIMIT_AS, _MEMORY, _MEMORY),
    ):
        with suppress(ValueError, OSError):  # a stricter one is there, or the system has none of this kind
            resource.setrlimit(kind, (soft, hard))
    try:
        drawn = draw(sys.stdin.buffer.read(LARGEST_BYTES))
    except Exception:
        sys.exit(_UNREADABLE)
    sys.stdout.buffer.write(drawn)


def draw(content: bytes) -> bytes:
    """Return the first frame of an image, upright, without metadata, its longer side no longer than `SIDE`."""
    from PIL import Image, ImageOps, WebPImagePlugin  # noqa: F401  Pillow looks through all formats for this one

    warnings.simplefilter("error", Image.DecompressionBombWarning)
    with Image.open(BytesIO(content), formats=_FORMATS) as image:
        if image.width * image.height > LARGEST_PIXELS:
            raise ValueError("too many pixels")
        image.draft("RGB", (2 * SIDE, 2 * SIDE))
        drawn = image.convert("RGBA" if image.has_transparency_data else "RGB")
    drawn.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    drawn = ImageOps.exif_transpose(drawn)
    drawn.info.clear()
    thumbnail = BytesIO()
    drawn.save(thumbnail, "WEBP", quality=_QUALITY)
    return thumbnail.getvalue()
