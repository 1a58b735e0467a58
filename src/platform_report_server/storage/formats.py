"""Which files may be an artifact of which type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from platform_report_server.errors import Invalid, TooLarge

MB = 2**20
HEAD_BYTES = 32
"""How much of a file's beginning `check` looks at."""


@dataclass(frozen=True)
class _Format:
    mime: str
    is_it: Callable[[bytes], bool]


@dataclass(frozen=True)
class _Type:
    largest: int
    extensions: tuple[str, ...]  # empty: every format


def _begins(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _riff(kind: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == kind


def _any(head: bytes) -> bool:
    return True


_ISO_MEDIA = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"})
_FORMATS = {
    "png": _Format("image/png", _begins(b"\x89PNG\r\n\x1a\n")),
    "jpg": _Format("image/jpeg", _begins(b"\xff\xd8\xff")),
    "jpeg": _Format("image/jpeg", _begins(b"\xff\xd8\xff")),
    "webp": _Format("image/webp", _riff(b"WEBP")),
    "gif": _Format("image/gif", _begins(b"GIF87a", b"GIF89a")),
    "webm": _Format("video/webm", _begins(b"\x1a\x45\xdf\xa3")),
    "mp4": _Format("video/mp4", lambda head: head[4:8] == b"ftyp"),
    "mov": _Format("video/quicktime", lambda head: head[4:8] in _ISO_MEDIA),
    "avi": _Format("video/x-msvideo", _riff(b"AVI ")),
    "zip": _Format("application/zip", _begins(b"PK\x03\x04", b"PK\x05\x06")),
    "ogv": _Format("video/ogg", _begins(b"OggS")),
    "ogg": _Format("audio/ogg", _begins(b"OggS")),
    "mp3": _Format("audio/mpeg", _begins(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")),
    "wav": _Format("audio/wav", _riff(b"WAVE")),
    # never shown by a browser: downloads only, the type is a courtesy
    "txt": _Format("text/plain", _any),
    "log": _Format("text/plain", _any),
    "json": _Format("application/json", _any),
    "xml": _Format("application/xml", _any),
    "html": _Format("text/html", _any),
    "csv": _Format("text/csv", _any),
    "md": _Format("text/markdown", _any),
    "pdf": _Format("application/pdf", _begins(b"%PDF-")),
}
_TYPES = {
    "screenshot": _Type(5 * MB, ("png", "jpg", "jpeg", "webp", "gif")),
    "video": _Type(100 * MB, ("webm", "mp4", "avi", "mov")),
    "trace": _Type(50 * MB, ("zip",)),
    "report": _Type(200 * MB, ("zip",)),
    "attachment": _Type(10 * MB, ()),
}
_INLINE = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_PLAYED = frozenset({"video/webm", "video/mp4", "video/ogg", "audio/ogg", "audio/mpeg", "audio/wav"})
_READ = frozenset({"application/json", "application/xml"})
_UNKNOWN = "application/octet-stream"

Showing = Literal["image", "video", "audio", "text", "trace"]
"""How a page shows a file."""

LARGEST = max(kind.largest for kind in _TYPES.values())


def is_image(mime: str) -> bool:
    """Tell whether a browser may show this itself."""
    return mime in _INLINE


def showing_of(mime: str) -> Showing | None:
    """Return how a page shows a file of this type, None where it does not."""
    if is_image(mime):
        return "image"
    if mime in _PLAYED:
        return "video" if mime.startswith("video/") else "audio"
    return "text" if mime in _READ or mime.startswith("text/") else None


def largest_for(artifact_type: str | None, file_name: str) -> int:
    """Return the most bytes such a file may have; while its type is unknown, what the most generous type allows."""
    if artifact_type in _TYPES:
        return _TYPES[artifact_type].largest
    extension = _extension(file_name)
    return max(kind.largest for kind in _TYPES.values() if not kind.extensions or extension in kind.extensions)


def check_size(artifact_type: str | None, file_name: str, size: int) -> None:
    """Refuse a file that is too large for its type."""
    largest = largest_for(artifact_type, file_name)
    if size > largest:
        of_type = f" of type {artifact_type}" if artifact_type else ""
        raise TooLarge(
            f"{file_name!r} is larger than {largest // MB} MB, the limit for a file{of_type}",
            field="file",
            reason="too large",
        )


def check(artifact_type: str, file_name: str, head: bytes) -> str:
    """Return the file's media type, or refuse a file that its type does not allow or that is not what its name says."""
    known = _format(artifact_type, file_name)
    if known is not None and known.is_it(head):
        return known.mime
    if _TYPES[artifact_type].extensions:
        raise Invalid.field_is("file", f"the content of {file_name!r} is not {_extension(file_name).upper()}")
    return _UNKNOWN


def check_again(artifact_type: str, file_name: str, found: str) -> str | None:
    """Return the media type of a file whose content was found to be of type `found` under another name.

    None where that does not tell, and the content itself has to be looked at.
    """
    known = _format(artifact_type, file_name)
    if known is None:
        return _UNKNOWN
    return known.mime if known.mime == found or known.is_it is _any else None


def _format(artifact_type: str, file_name: str) -> _Format | None:
    kind = _TYPES.get(artifact_type)
    if kind is None:
        raise Invalid.field_is("type", f"expected one of {', '.join(_TYPES)}, got {artifact_type!r}")
    extension = _extension(file_name)
    if kind.extensions and extension not in kind.extensions:
        allowed = ", ".join(name.upper() for name in kind.extensions)
        raise Invalid.field_is("file", f"a {artifact_type} is one of {allowed}, got {file_name!r}")
    return _FORMATS.get(extension)


def _extension(file_name: str) -> str:
    _, dot, extension = file_name.rpartition(".")
    return extension.lower() if dot else ""
