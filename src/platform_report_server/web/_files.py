"""Files on a page: how each is shown, and where it leads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from platform_report_server import ids
from platform_report_server.auth.links import artifact_link, thumbnail_path
from platform_report_server.db.queries.artifacts import ArtifactRow, without_thumbnail
from platform_report_server.storage.formats import Showing, is_image, showing_of
from platform_report_server.web._alike import Picture, alike, counterpart
from platform_report_server.web._chosen import Part, part
from platform_report_server.web._visit import Visit

_SHOWN = 30


@dataclass(frozen=True)
class ShownFile:
    """A file with its links."""

    row: ArtifactRow
    public_id: str
    content: str
    """Where its bytes are, for an hour."""
    showing: Showing | None
    """None: it is for keeping only."""
    thumbnail: str | None
    poster: str | None
    """The thumbnail of the picture that has a video's name."""
    comparison: str | None
    viewer: str | None
    """Where a trace opens."""

    @property
    def page(self) -> str:
        """Where it is looked at."""
        return f"/artifacts/{self.public_id}"


def shown_files(
    visit: Visit, connection: Connection, rows: Iterable[ArtifactRow], among: Iterable[ArtifactRow]
) -> list[ShownFile]:
    """Return some files as a page shows them, which are among all those of a test, or of a run itself."""
    signer, has_viewer = visit.services.signer, visit.services.settings.viewer_files is not None
    rows, among = list(rows), list(among)
    pictures = {_stem(row): row for row in among if is_image(row.mime)}
    posters = {row.id: pictures.get(_stem(row)) for row in rows}
    drawn = {row.sha256 for row in (*rows, *posters.values()) if row is not None and is_image(row.mime)}
    drawn -= without_thumbnail(connection, drawn)
    comparisons = {picture.row.id: (picture, group) for group in alike(among) for picture in group}

    def thumbnail(row: ArtifactRow | None) -> str | None:
        if row is None or not is_image(row.mime) or row.sha256 not in drawn:
            return None
        return thumbnail_path(signer, public_id(row))

    return [
        ShownFile(
            row,
            public_id(row),
            artifact_link(signer, public_id(row)).path,
            "trace" if row.type == "trace" else showing_of(row.mime),
            thumbnail(row),
            thumbnail(posters[row.id]),
            comparison_path(*counterpart(*comparisons[row.id])) if row.id in comparisons else None,
            f"/artifacts/{public_id(row)}/trace" if row.type == "trace" and has_viewer else None,
        )
        for row in rows
    ]


def part_of_files(visit: Visit, connection: Connection, rows: list[ArtifactRow]) -> Part:
    """Return the part of the files of a test, or of a run itself, that its page shows."""
    found = part(visit.request, "files", rows, _SHOWN)
    return replace(found, rows=shown_files(visit, connection, found.rows, rows))


def public_id(row: ArtifactRow) -> str:
    """Return a file's public id."""
    return ids.encode("artifact", row.run_id, row.id)


def comparison_path(first: Picture, second: Picture) -> str:
    """Return where two pictures are compared."""
    return f"/artifacts/{public_id(first.row)}/compare/{public_id(second.row)}"


def _stem(row: ArtifactRow) -> str:
    return str(row.file_name.rpartition(".")[0])
