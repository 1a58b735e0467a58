"""Templates, and how values look on a page."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.accounts.keys import masked
from platform_report_server.auth.roles import reaches
from platform_report_server.clock import iso
from platform_report_server.db.queries.flakiness import band_of
from platform_report_server.db.queries.runs import totals_of
from platform_report_server.db.schema import RESULT_STATUSES
from platform_report_server.errors import ApiError
from platform_report_server.shown import web_address
from platform_report_server.templates import templates
from platform_report_server.web._colours import coloured
from platform_report_server.web._difference import difference
from platform_report_server.web._flash import Notes
from platform_report_server.web._ring import strip
from platform_report_server.web._waterfall import bars

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
VENDORED = _HERE / "vendored"

_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; media-src 'self'"
_NOBODY: dict[str, Any] = {"is_known": False, "person": None, "form_token": "", "notes": Notes(), "forms": {}}


def page(template: str, status: int = 200, *, media: str = "", **values: Any) -> Response:
    """Return a page; videos come from the origin `media` too, where one is named."""
    nonce = secrets.token_urlsafe(16)
    text = _templates.get_template(template).render(_NOBODY | values, nonce=nonce)
    policy = f"{_POLICY} {media}; script-src 'nonce-{nonce}'; connect-src 'self'"
    headers = {"content-security-policy": policy, "cache-control": "no-store"}
    return Response(text.encode("utf-8", "replace"), status, headers, "text/html; charset=utf-8")


def _query(values: dict[str, Any], **changes: Any) -> str:
    merged = values | changes
    return "?" + urlencode({name: value for name, value in merged.items() if value not in (None, "", 0)})


def _fault(error: ApiError) -> str:
    """Return what is wrong with a field, to stand after its name."""
    return "is required" if error.reason == "required" else error.reason or error.message


_templates = templates(_HERE / "templates")
_templates.filters |= {
    "coloured": coloured,
    "bars": bars,
    "strip": strip,
    "web_address": web_address,
    "day": lambda milliseconds: iso(milliseconds)[:10],
    "status": RESULT_STATUSES.__getitem__,
    "totals": totals_of,
    "band": band_of,
    "run_id": lambda number: ids.encode("run", number),
    "made_at": ids.moment_of,
    "public": lambda number, prefix: ids.encode(prefix, number),
    "fault": _fault,
    "told": lambda words: ", ".join(msgspec.json.decode(words)),
    "masked": masked,
    "test_id": lambda row: ids.test_id(row.run_id, row.seq),
    "place_id": lambda place: ids.test_id(*place),
    "artifact_id": lambda row: ids.encode("artifact", row.run_id, row.id),
}
_templates.globals |= {"difference": difference, "query": _query, "reaches": reaches}
