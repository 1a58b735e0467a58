"""Addresses of badges: whoever has one may see the badge, until the project makes new ones or takes them back."""

from __future__ import annotations

from platform_report_server import ids
from platform_report_server.auth.signing import Signer
from platform_report_server.db.queries.projects import ProjectRow

NAMES = ("status", "tests", "duration", "flakiness")
"""What badges tell of."""

_PURPOSE = "badges"


def badge_path(signer: Signer, project: ProjectRow, name: str) -> str | None:
    """Return the path of a badge, or None where the project has no addresses."""
    if project.badges_since is None:
        return None
    token = signer.sign(_PURPOSE, project.id, project.badges_since)
    return f"/badges/{ids.encode('proj', project.id)}/{token}/{name}.svg"


def opens_badges(signer: Signer, project: ProjectRow, token: str) -> bool:
    """Tell whether an address with this token was made for the project, and was not taken back."""
    return project.badges_since is not None and signer.holds(token, _PURPOSE, project.id, project.badges_since)
