"""Sends what waits, beside the server's requests: several processes of one store share the work."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from platform_report_server.auth.signing import Signer
from platform_report_server.clock import now_ms
from platform_report_server.db.queries.deliveries import DeliveryRow, any_due
from platform_report_server.db.reader import Reader
from platform_report_server.errors import StoreError
from platform_report_server.ingest.deliveries import Outcome, claim, conclude
from platform_report_server.ingest.writer import Writer
from platform_report_server.webhooks.bodies import body_of, headers_of
from platform_report_server.webhooks.sending import Sender

AT_ONCE = 16
"""Deliveries that a process sends at the same time, each to another webhook."""

_LOOK_SECONDS = 0.5
_AFTER_FAILURE_SECONDS = 30.0

_log = logging.getLogger("platform_report_server")


class Deliverer:
    """Claims deliveries and sends them, one at a time for each webhook, so that one that hangs holds up itself only."""

    def __init__(
        self, reader: Reader, writer: Writer, signer: Signer, sender: Sender, address: str | None = None
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._signer = signer
        self._sender = sender
        self._address = address
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._sending: dict[int, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin to look for deliveries."""
        self._task = asyncio.ensure_future(self._repeat())

    async def stop(self) -> None:
        """Begin nothing more, and finish what is on its way."""
        self._ending.set()
        if self._task is not None:
            await self._task
        await asyncio.gather(*self._sending.values())
        await self._sender.close()

    async def deliver(self, row: DeliveryRow) -> DeliveryRow | None:
        """Send a claimed delivery and write down what came of it; None where it was deleted meanwhile."""
        try:
            body = body_of(row, self._address)
            headers = headers_of(row, self._signer, body, now_ms())
            outcome = await self._sender.send(row.url, headers, body)
        except StoreError as error:
            outcome = Outcome(str(error))
        except Exception as error:
            _log.exception("a webhook's delivery failed")
            outcome = Outcome(f"it cannot be sent: {type(error).__name__}")
        return await self._writer.do(partial(conclude, row=row, outcome=outcome))

    async def _repeat(self) -> None:
        end = asyncio.ensure_future(self._ending.wait())
        while not end.done():
            pause = _LOOK_SECONDS
            try:
                await self._begin()
            except Exception:
                _log.exception("webhooks cannot be delivered now; the next try is in %g s", _AFTER_FAILURE_SECONDS)
                pause = _AFTER_FAILURE_SECONDS
            await asyncio.wait({end, *self._sending.values()}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)

    async def _begin(self) -> None:
        """Take what is due, as far as there is room."""
        self._sending = {hook: task for hook, task in self._sending.items() if not task.done()}
        room = AT_ONCE - len(self._sending)
        if not room or not await self._reader.read(partial(any_due, now=now_ms())):
            return
        for row in await self._writer.do(partial(claim, at_most=room, busy=list(self._sending))):
            self._sending[row.webhook_id] = asyncio.ensure_future(self._deliver_or_log(row))

    async def _deliver_or_log(self, row: DeliveryRow) -> None:
        try:
            await self.deliver(row)
        except Exception:
            _log.exception("what came of a webhook's delivery cannot be written: it is sent again")
