"""/api/openapi.json, and the pages that show it: Swagger UI and ReDoc, of vendored files alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from platform_report_server.api.answers import raw_answer
from platform_report_server.api.limited import limited
from platform_report_server.api.routes import api_routes
from platform_report_server.files import File, zipped

_HERE = Path(__file__).parent
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_PAGES = {"/api/docs": "swagger.html", "/api/redoc": "redoc.html"}
_OURS = ("swagger.js", "redoc.js")
VENDORED = sorted((_HERE / "vendored").glob("*.gz"))
_CACHED = {"cache-control": "max-age=3600"}
# both write styles into the page, and draw with data: images
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def docs_routes() -> list[Route]:
    """Return the routes; they hold no secrets and are open to all, as the style sheet is."""
    return [
        Route("/api/openapi.json", limited(_document)),
        *(Route(path, limited(_file(_HERE / "static" / name))) for path, name in _PAGES.items()),
        *(Route(f"/api/docs/{name}", limited(_file(_HERE / "static" / name))) for name in _OURS),
        *(Route(f"/api/docs/{path.stem}", limited(_vendored(path))) for path in VENDORED),
    ]


async def _document(request: Request) -> Response:
    # most processes that hold the app are never asked for it
    from platform_report_server.api._openapi import document

    return raw_answer(document(api_routes()), 200)


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    headers = {"content-security-policy": _POLICY, **_CACHED}

    async def send(request: Request) -> Response:
        return File(path, media_type=_TYPES[path.suffix], headers=headers)

    return send


def _vendored(path: Path) -> Callable[[Request], Awaitable[Response]]:
    async def send(request: Request) -> Response:
        return await zipped(request, path, _TYPES[path.with_suffix("").suffix], _CACHED)

    return send
