"""/api/upload and /api/artifacts"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

import anyio.to_thread
from msgspec import Meta, Struct
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._call import Call
from platform_report_server.api._forms import Form, base_name, read_form
from platform_report_server.api._query import RUN, Text
from platform_report_server.api._shapes import Data, Moment
from platform_report_server.api.answers import answer, body
from platform_report_server.auth.links import artifact_link, check_artifact_link, check_thumbnail_link, thumbnail_path
from platform_report_server.auth.signing import Signer
from platform_report_server.auth.visible import visible_test
from platform_report_server.clock import iso
from platform_report_server.db.queries.artifacts import ArtifactRow, find_artifact, find_contents, list_artifacts
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.errors import Invalid, NotFound
from platform_report_server.files import Download
from platform_report_server.ingest.artifacts import NewArtifact, add_artifact
from platform_report_server.ingest.contents import take_content
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.writer import Write
from platform_report_server.model import ArtifactType, Count
from platform_report_server.storage import formats
from platform_report_server.storage.draft import Draft


class Artifact(Struct, rename="camel"):
    """A stored file."""

    id: str
    type: ArtifactType
    file_name: str
    file_size: Count
    mime_type: str
    url: Annotated[str, Meta(description="Signed: whoever has it may download the file until `expiresAt`")]
    expires_at: Moment
    created_at: Moment
    test_id: str | None
    thumbnail_url: Annotated[
        str | None, Meta(description="Of an image: a signed link, too; not found where the image cannot be read")
    ]


IN_PROJECT = Text("projectId")
OF_TEST = Text("testId")

# an HTML or SVG file is active content: it must not run with the dashboard's rights
_SANDBOX = {"content-security-policy": "default-src 'none'; sandbox", "cache-control": "private, max-age=3600"}


async def upload(call: Call) -> Response:
    draft = await anyio.to_thread.run_sync(call.services.artifacts.draft)
    with draft:
        form = await read_form(call.request, draft)
        project, run_id, kind = form.required("projectId"), form.required("runId"), form.required("type")
        call.caller.check(project)
        sent = _sent(form, kind, draft) if form.file_name is not None else None
        file_name, sha256 = (sent.file_name, sent.sha256) if sent else _meant(form)
        test_id = form.fields.get("testId") or None
        said = "\0".join((kind, file_name, project, run_id, test_id or "", sha256.hex()))
        once = call.once(said.encode())

        def owner(write: Write) -> tuple[RunRow, int | None]:
            run = call.visible_run(write.connection, run_id, project)
            return run, _seq(call, write.connection, run, test_id)

        note = await call.services.contents.keep(draft, owner) if sent else None

        def job(write: Write) -> Answer:
            run, seq = owner(write)
            if note is not None:
                take_content(write, note)

            def add() -> Answer:
                new = sent or _held(write.connection, run, kind, file_name, sha256)
                row = add_artifact(write, run.project_id, run.id, seq, new)
                return Answer(200, body(_shape(call, row)))

            return answer_once(write, run.project_id, once, add)

        return await call.write(job)


async def index(call: Call) -> Response:
    run_id = RUN.read(call.request)
    project, test_id = IN_PROJECT.read(call.request), OF_TEST.read(call.request)

    def query(connection: Connection) -> list[ArtifactRow]:
        run = call.visible_run(connection, run_id, project)
        return list_artifacts(connection, run.project_id, run.id, _seq(call, connection, run, test_id))

    return answer(Data([_shape(call, row) for row in await call.read(query)]))


async def content(call: Call) -> Response:
    public_id, row = await _linked(call, check_artifact_link)
    response = None
    if row is not None:
        etag = f'"{row.sha256.hex()}"'
        download = Download(row.file_name, row.mime, row.size, etag, formats.is_image(row.mime), _SANDBOX)
        response = await call.services.artifacts.answer(row.sha256, download, call.request)
    if response is None:
        raise NotFound(f"The artifact {public_id!r} was deleted")
    return response


async def thumbnail(call: Call) -> Response:
    public_id, row = await _linked(call, check_thumbnail_link)
    data = None
    if row is not None and formats.is_image(row.mime):
        data = await call.services.thumbnails.of(row.sha256)
    if row is None or data is None:
        raise NotFound(f"There is no thumbnail of {public_id!r}: it is no image that can be read")
    headers = {**_SANDBOX, "content-disposition": "inline", "etag": f'"{row.sha256.hex()}-thumbnail"'}
    if call.request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type="image/webp")


async def _linked(call: Call, check: Callable[[Signer, str, str, str], None]) -> tuple[str, ArtifactRow | None]:
    """Return the artifact that a link is for, with its public id."""
    public_id = call.said("artifact_id")
    query = call.request.query_params
    check(call.services.signer, public_id, query.get("expires", ""), query.get("signature", ""))
    numbers = ids.decode_pair("artifact", public_id)
    if numbers is None or numbers[1] is None:
        raise NotFound(f"There is no artifact {public_id!r}")
    run_id, artifact_id = numbers[0], numbers[1]
    return public_id, await call.read(lambda connection: find_artifact(connection, run_id, artifact_id))


def _sent(form: Form, kind: str, draft: Draft) -> NewArtifact:
    file_name, sha256 = form.file_name or "", draft.sha256()
    mime = formats.check(kind, file_name, draft.head)
    formats.check_size(kind, file_name, draft.size)
    if form.fields.get("sha256") not in (None, sha256.hex()):
        raise Invalid.field_is("sha256", "is not that of the file")
    return NewArtifact(kind, file_name, mime, draft.size, sha256)


def _meant(form: Form) -> tuple[str, bytes]:
    """Return name and digest of a file that is not sent along, since the run has its content."""
    sha256 = form.fields.get("sha256")
    if not sha256:
        raise Invalid.field_is("file", "required")
    if re.fullmatch("[0-9a-f]{64}", sha256) is None:
        raise Invalid.field_is("sha256", f"expected 64 hexadecimal digits, got {sha256[:80]!r}")
    return base_name(form.required("fileName")), bytes.fromhex(sha256)


def _held(connection: Connection, run: RunRow, kind: str, file_name: str, sha256: bytes) -> NewArtifact:
    for size, found in find_contents(connection, run.project_id, run.id, sha256):
        mime = formats.check_again(kind, file_name, found)
        if mime is not None:
            formats.check_size(kind, file_name, size)
            return NewArtifact(kind, file_name, mime, size, sha256)
    raise NotFound("This run has no such content: send the file", field="sha256", reason="unknown")


def _seq(call: Call, connection: Connection, run: RunRow, test_id: str | None) -> int | None:
    return None if test_id is None else int(visible_test(connection, call.caller, test_id, run).seq)


def _shape(call: Call, row: ArtifactRow) -> Artifact:
    public_id = ids.encode("artifact", row.run_id, row.id)
    link = artifact_link(call.services.signer, public_id)
    origin = str(call.request.base_url).rstrip("/")
    is_image = formats.is_image(row.mime)
    return Artifact(
        id=public_id,
        type=row.type,
        file_name=row.file_name,
        file_size=row.size,
        mime_type=row.mime,
        url=origin + link.path,
        expires_at=iso(link.expires_at),
        created_at=iso(row.created_at),
        test_id=None if row.seq is None else ids.test_id(row.run_id, row.seq),
        thumbnail_url=origin + thumbnail_path(call.services.signer, public_id) if is_image else None,
    )
