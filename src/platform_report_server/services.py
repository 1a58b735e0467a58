"""What the handlers share, opened when the application starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import anyio.to_thread

from platform_report_server.accounts.entrance import Entrance
from platform_report_server.accounts.keys import note_use
from platform_report_server.accounts.mailing import Mailing
from platform_report_server.auth.access import Access
from platform_report_server.auth.keys import Keys
from platform_report_server.auth.limits import TABLES, Allowance, Limits
from platform_report_server.auth.signing import Signer, open_signer
from platform_report_server.chores import chores, chores_of_servers, sweeping
from platform_report_server.comparisons import Comparisons
from platform_report_server.contents import Contents
from platform_report_server.db.engine import Database, open_database
from platform_report_server.db.reader import Reader
from platform_report_server.db.spot import Spot
from platform_report_server.file_check import FileCheck
from platform_report_server.ingest.pipelined import Pipelined
from platform_report_server.ingest.singles import Singles
from platform_report_server.ingest.writer import Writer
from platform_report_server.jobs import Job, Jobs
from platform_report_server.live import Feed
from platform_report_server.mail import Mail
from platform_report_server.metrics import Metrics
from platform_report_server.model import LimitGroup
from platform_report_server.projects import Projects
from platform_report_server.settings import Settings
from platform_report_server.spools import Spools
from platform_report_server.storage.store import ArtifactStore, open_artifacts
from platform_report_server.thumbnails import Thumbnails
from platform_report_server.webhooks.deliverer import Deliverer
from platform_report_server.webhooks.sending import Sender


@dataclass(frozen=True)
class Services:
    """The open store and everything around it."""

    settings: Settings
    database: Database
    reader: Reader
    writer: Writer
    singles: Singles | Pipelined
    artifacts: ArtifactStore
    contents: Contents
    thumbnails: Thumbnails
    comparisons: Comparisons
    signer: Signer
    access: Access
    entrance: Entrance
    limits: Limits | None
    """None: requests are not counted."""
    metrics: Metrics
    live: Feed
    deliverer: Deliverer
    sweeping: Job
    """The deletion of the files that no artifact refers to any more."""
    projects: Projects
    spools: Spools
    mailing: Mailing

    async def count(self, caller: str, group: LimitGroup) -> Allowance | None:
        """Count a request, where requests are counted."""
        return None if self.limits is None else await self.limits.take(caller, group)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the store, and close it at the end."""
    async with AsyncExitStack() as closing:
        yield await _open(settings, closing)


async def _open(settings: Settings, closing: AsyncExitStack) -> Services:
    # Whoever calls the app without keys has it in a process of another purpose.
    is_embedded = settings.access == "open"
    opening = partial(open_database, settings.database, is_sparing=is_embedded)
    database = await anyio.to_thread.run_sync(opening)
    closing.callback(database.close)
    signer = await anyio.to_thread.run_sync(open_signer, settings, database)
    artifacts = await anyio.to_thread.run_sync(open_artifacts, settings.artifacts, settings.staging)
    await anyio.to_thread.run_sync(artifacts.sweep_drafts)
    reader, writer = Reader(database), Writer(database)
    writer.start()
    closing.push_async_callback(anyio.to_thread.run_sync, writer.stop)
    place = database.small_writes
    singles = Singles(writer, place) if isinstance(place, Spot) else Pipelined(writer, place)
    if isinstance(singles, Pipelined):
        closing.push_async_callback(singles.stop)
    keys = Keys(settings, reader, lambda key_id: writer.do(partial(note_use, key_id=key_id)))
    limits = None if is_embedded else Limits(TABLES[settings.limits], database)
    contents = Contents(writer, artifacts)
    sweep = sweeping(contents)
    work = chores(writer, sweep, settings.abandon_after)
    if limits is not None:
        work += chores_of_servers(writer, FileCheck(database, writer, artifacts, contents), limits)
    jobs = Jobs(work)
    deliverer = Deliverer(reader, writer, signer, Sender(settings.reach), settings.public_url)
    live = Feed(reader)
    for part in (deliverer, jobs, live):
        closing.push_async_callback(part.stop)
    await jobs.run_all()
    if not is_embedded:
        jobs.start()
        deliverer.start()
    return Services(
        settings,
        database,
        reader,
        writer,
        singles,
        artifacts,
        contents,
        Thumbnails(reader, writer, artifacts),
        Comparisons(),
        signer,
        Access(settings, signer, reader, keys),
        Entrance(settings, signer, database, writer),
        limits,
        Metrics(),
        live,
        deliverer,
        sweep,
        Projects(writer, keys, sweep),
        Spools(settings.staging),
        Mailing(None if settings.mail is None else Mail(settings.mail), reader),
    )
