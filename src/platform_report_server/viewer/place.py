"""Where the viewer is: under a name that nothing else of ours is reached by, so that no session's cookie gets there."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from starlette.requests import Request

from platform_report_server.auth.links import trace_path
from platform_report_server.auth.signing import Signer
from platform_report_server.settings import Settings

LOCAL_NAME = "traces.localhost"
"""On this machine: browsers take all names below localhost for the machine itself, each as a site of its own."""


def host_of(settings: Settings) -> str:
    """Return the name in the Host header of requests to the viewer."""
    return LOCAL_NAME if settings.viewer_url is None else urlsplit(settings.viewer_url).hostname or ""


def viewer_link(settings: Settings, signer: Signer, request: Request, artifact_id: str) -> str:
    """Return the address at which the viewer shows a trace."""
    url = request.url
    origin = settings.viewer_url or f"{url.scheme}://{LOCAL_NAME}" + (f":{url.port}" if url.port else "")
    return f"{origin}/index.html?" + urlencode({"trace": origin + trace_path(signer, artifact_id)})
