"""The embedded platform: the server's app, driven in this process without a port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, NotSent, lacks_room
from ._http import ASGITransport, BaseTransport, Http, ReadTimeout, Request, Response

_Message = MutableMapping[str, Any]
App = Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]

BASE_URL = "http://embedded/api"
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 30.0


def open_embedded(folder: Path) -> Http:
    """Return HTTP to the embedded platform that keeps its data in *folder*.

    :raises ConfigurationError: the server's packages are not installed.
    :raises NotSent: it cannot start.
    """
    try:
        from platform_report_server.app import create_app
        from platform_report_server.settings import Settings

        transport = AppTransport(create_app(Settings.embedded(folder)))
    except ImportError as error:
        raise ConfigurationError(
            f"the embedded platform needs packages that are not installed ({error}): "
            f"pip install 'pytest-platform-report[server]' installs them, and 'platform-report sync' then delivers"
        ) from error
    # Whatever the server raises ends here: its errors are a tree of its own that this package does not share.
    except Exception as error:
        raise NotSent(
            f"{folder}: the embedded platform cannot start ({type(error).__name__}: {error})",
            permanent=not lacks_room(error),
        ) from error
    return Http(BASE_URL, "", transport=transport)


class AppTransport(BaseTransport):
    """Requests to an ASGI app in this process; the app runs in the calling thread, while a request is under way.

    :raises Exception: the app's own, where it cannot start.
    """

    def __init__(self, app: App) -> None:
        self._loop = asyncio.new_event_loop()
        self._transport = ASGITransport(app, raise_app_exceptions=False)
        self._lifespan = _Lifespan(app)
        try:
            self._loop.run_until_complete(asyncio.wait_for(self._lifespan.start(), _START_TIMEOUT))
        except BaseException:
            self._close_loop()
            raise

    def handle_request(self, request: Request) -> Response:
        """Give a request to the app and return its whole answer."""
        timeout = request.extensions.get("timeout", {}).get("read")
        try:
            return self._loop.run_until_complete(asyncio.wait_for(self._handle(request), timeout))
        except asyncio.TimeoutError as error:
            raise ReadTimeout(f"no answer in {timeout:g} s", request=request) from error

    def close(self) -> None:
        """Shut the app down."""
        if self._loop.is_closed():
            return
        try:
            self._loop.run_until_complete(asyncio.wait_for(self._lifespan.stop(), _STOP_TIMEOUT))
        finally:
            self._close_loop()

    async def _handle(self, request: Request) -> Response:
        response = await self._transport.handle_async_request(request)
        content = b"".join([part async for part in response.aiter_raw()])
        return Response(response.status_code, headers=response.headers.raw, content=content)

    def _close_loop(self) -> None:
        try:
            self._loop.run_until_complete(_wind_up())
        finally:
            self._loop.close()


async def _wind_up() -> None:
    loop = asyncio.get_running_loop()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


class _Lifespan:
    """The app's start and end, told to it by the lifespan messages of ASGI."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._to_app: asyncio.Queue[_Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[_Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None

    async def start(self) -> None:
        self._task = asyncio.ensure_future(self._run())
        await self._tell("startup")

    async def stop(self) -> None:
        if self._task is not None and not self._task.done():
            await self._tell("shutdown")
            await self._task

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
            await self._from_app.put({"type": "lifespan.left"})
        except Exception as error:
            self._error = error
            await self._from_app.put({"type": "lifespan.raised"})

    async def _tell(self, phase: str) -> None:
        await self._to_app.put({"type": f"lifespan.{phase}"})
        answer = await self._from_app.get()
        if answer["type"] == f"lifespan.{phase}.complete":
            return
        if self._task is not None:  # what it raises says more than its message, which is a traceback as text
            await self._task
        raise self._error or RuntimeError(str(answer.get("message") or f"the app answered {answer['type']}"))
