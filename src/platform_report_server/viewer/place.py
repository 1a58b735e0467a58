"""Where the viewer is: under a name that nothing else of ours is reached by, so that no session's cookie gets there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request

from platform_report_server.auth.links import trace_path
from platform_report_server.auth.signing import Signer
from platform_report_server.errors import SettingsError
from platform_report_server.settings import LOOPBACK_NAMES, Settings
from platform_report_server.viewer.files import check_viewer, find_viewer

LOCAL_NAME = "traces.localhost"
"""On this machine: browsers take all names below localhost for the machine itself, each as a site of its own."""


def with_viewer(settings: Settings, host: str, names: Collection[str]) -> Settings:
    """Return the settings of a server with its viewer, if there is one and a name for it.

    The server listens at `host`; `names` are those by which it is reached otherwise.
    """
    files, url = settings.viewer_files, settings.viewer_url
    if url is None and not LOOPBACK_NAMES.issuperset((host, *names)):
        if files is not None:
            raise SettingsError(f"{files}: others reach this server, so the viewer needs --viewer-url as well")
        return settings
    if url is not None and host_of(settings) in {*LOOPBACK_NAMES, host, *names, _host(settings.public_url)}:
        raise SettingsError(
            f"{url}: the viewer needs a name of its own, by which the platform is not reached: traces are pages of "
            "others, and must not get at sessions"
        )
    files = files or find_viewer()
    if files is None and url is not None:
        raise SettingsError(
            f"{url}: there is no viewer to serve: 'pip install playwright' brings one, or --viewer-files names one"
        )
    return replace(settings, viewer_files=files and check_viewer(files))


def host_of(settings: Settings) -> str:
    """Return the name in the Host header of requests to the viewer."""
    return LOCAL_NAME if settings.viewer_url is None else _host(settings.viewer_url)


def viewer_link(settings: Settings, signer: Signer, request: Request, artifact_id: str) -> str:
    """Return the address at which the viewer shows a trace."""
    url = request.url
    origin = settings.viewer_url or f"{url.scheme}://{LOCAL_NAME}" + (f":{url.port}" if url.port else "")
    return f"{origin}/index.html?" + urlencode({"trace": origin + trace_path(signer, artifact_id)})


def _host(url: str | None) -> str:
    return urlsplit(url or "").hostname or ""
