"""multipart/form-data, streamed: the file goes to a draft on disk as it arrives, the other fields are short."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio.to_thread
import multipart  # type: ignore[import-untyped]  # it ships annotations, but no py.typed
from starlette.requests import Request

from platform_report_server.errors import Invalid, TooLarge
from platform_report_server.storage import formats
from platform_report_server.storage.draft import Draft

_LONGEST_FIELD = 1000
_MOST_PARTS = 16
_OVERHEAD = 64 * 1024
_LONGEST_NAME = 200
_FILE = "file"


@dataclass
class Form:
    """What a form held; its file's bytes are in the draft."""

    file_name: str | None = None
    fields: dict[str, str] = field(default_factory=dict)

    def required(self, name: str) -> str:
        """Return a field that must be there."""
        value = self.fields.get(name)
        if not value:
            raise Invalid.field_is(name, "required")
        return value


async def read_form(request: Request, draft: Draft) -> Form:
    """Read the form; stop as soon as its file is too large."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > formats.LARGEST + _OVERHEAD:
        raise TooLarge(
            f"The body is larger than {formats.LARGEST // formats.MB} MB, the largest limit",
            field=_FILE,
            reason="too large",
        )
    receiver = _Receiver(draft)
    try:
        with _parser(request) as parser:
            async for chunk in request.stream():
                if chunk and not parser.closed:
                    for event in parser.parse(chunk):
                        await receiver.take(event)
    except multipart.MultipartError as error:
        raise Invalid(f"The body is not valid multipart/form-data: {error}") from error
    return receiver.form


def _parser(request: Request) -> multipart.PushMultipartParser:
    kind, options = multipart.parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise Invalid.field_is("Content-Type", "expected multipart/form-data with a boundary")
    return multipart.PushMultipartParser(options["boundary"], max_segment_count=_MOST_PARTS)


class _Receiver:
    def __init__(self, draft: Draft) -> None:
        self.form = Form()
        self._draft = draft
        self._name = ""
        self._value = b""

    async def take(self, event: object) -> None:
        if isinstance(event, multipart.MultipartSegment):
            self._begin(event.name or "", event.filename)
        elif not isinstance(event, (bytes, bytearray)):
            self._end()
        elif self._name == _FILE:
            formats.check_size(self.form.fields.get("type"), self.form.file_name or "", self._draft.size + len(event))
            await anyio.to_thread.run_sync(self._draft.write, bytes(event))
        else:
            self._value += event
            if len(self._value) > _LONGEST_FIELD:
                raise Invalid.field_is(self._name, f"is longer than {_LONGEST_FIELD} bytes")

    def _begin(self, name: str, file_name: str | None) -> None:
        self._name, self._value = name, b""
        if name == _FILE:
            if self.form.file_name is not None:
                raise Invalid.field_is(_FILE, "was sent twice")
            self.form.file_name = base_name(file_name or "")

    def _end(self) -> None:
        if self._name != _FILE:
            try:
                self.form.fields[self._name] = self._value.decode()
            except UnicodeDecodeError as error:
                raise Invalid.field_is(self._name, "is not UTF-8") from error


def base_name(file_name: str) -> str:
    """Return the last part of a name, fit to be shown; it is never used as a path."""
    name = file_name.replace("\\", "/").rpartition("/")[2]
    name = "".join(letter for letter in name if letter.isprintable()).strip()
    return name[-_LONGEST_NAME:] or "file"
