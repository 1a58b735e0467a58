"""What every request passes: the Host header, and headers that keep browsers on the safe side."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from platform_report_server.headers import host_name

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    # a page's address may hold a token; with no-referrer, browsers would hide the origin of our own forms too
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
_NAMES = frozenset(name for name, _ in HEADERS)


class Guard:
    """Refuses foreign host names (DNS rebinding), but for the paths of probes, and adds the headers."""

    def __init__(
        self, app: ASGIApp, *, host_names: frozenset[str] | None, probes: frozenset[str], refuse: ASGIApp
    ) -> None:
        self._app = app
        self._host_names = host_names
        self._probes = probes
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [name for name, _ in message["headers"] if name in _NAMES]
                added = [each for each in HEADERS if each[0] not in given] if given else HEADERS
                message["headers"] = [*message["headers"], *added]
            await send(message)

        app = self._app if self._host_is_ours(scope) else self._refuse
        await app(scope, receive, send_guarded)

    def _host_is_ours(self, scope: Scope) -> bool:
        if self._host_names is None or scope["path"] in self._probes:
            return True
        return host_name(scope) in self._host_names
