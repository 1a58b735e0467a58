"""/api/runs/:id/export"""

from __future__ import annotations

from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._call import Call
from platform_report_server.api._query import Word
from platform_report_server.auth.links import artifact_link
from platform_report_server.db.queries.artifacts import ArtifactRow
from platform_report_server.exports.formats import FORMATS, file_name
from platform_report_server.services import Services
from platform_report_server.spools import Pieces

FORMAT = Word("format", tuple(FORMATS), required=True)

# whoever opens the file where it is served gets no more of it than what is in it
_RULES = {"content-security-policy": "default-src 'none'; sandbox", "cache-control": "private, no-store"}


async def show(call: Call) -> Response:
    run_id, kind = call.said("run_id"), str(FORMAT.read(call.request))
    run = await call.read(lambda connection: call.visible_run(connection, run_id))
    base = str(call.request.base_url).rstrip("/")
    headers = _RULES | {"content-disposition": f'attachment; filename="{file_name(run, kind)}"'}
    pieces = _pieces(call.services, kind, run.id, base)
    return await call.services.spools.answer(call.request, pieces, headers, FORMATS[kind].media_type)


def _pieces(services: Services, kind: str, run_id: int, base: str) -> Pieces:
    from platform_report_server.exports import write  # most processes that hold the app are never asked for it

    def link(row: ArtifactRow) -> str:
        return base + artifact_link(services.signer, ids.encode("artifact", row.run_id, row.id)).path

    yield from write.pieces(kind, services.database, services.artifacts, run_id, link, services.settings.staging)
