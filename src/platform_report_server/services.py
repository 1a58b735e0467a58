"""What the handlers share, opened when the application starts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio.to_thread
from sqlalchemy import Connection

from platform_report_server.accounts.entrance import Entrance
from platform_report_server.accounts.keys import note_use
from platform_report_server.auth.access import Access
from platform_report_server.auth.keys import Keys
from platform_report_server.auth.limits import TABLES, Allowance, Limits
from platform_report_server.auth.signing import Signer, open_signer
from platform_report_server.comparisons import Comparisons
from platform_report_server.contents import Contents
from platform_report_server.db.engine import Database, open_database
from platform_report_server.db.partitions import make_partitions
from platform_report_server.db.queries.people import find_account, find_team
from platform_report_server.db.spot import Spot
from platform_report_server.file_check import FileCheck
from platform_report_server.ingest.contents import take_stale
from platform_report_server.ingest.deliveries import forget_old
from platform_report_server.ingest.ending import close_silent_runs
from platform_report_server.ingest.file_checks import take_shelf
from platform_report_server.ingest.flakiness import end_quarantines
from platform_report_server.ingest.once import forget_answers
from platform_report_server.ingest.pipelined import Pipelined
from platform_report_server.ingest.projects import delete_project, delete_some_runs
from platform_report_server.ingest.retention import expire
from platform_report_server.ingest.singles import Singles
from platform_report_server.ingest.writer import Write, Writer
from platform_report_server.jobs import Job, Jobs
from platform_report_server.live import Feed
from platform_report_server.mail import Mail
from platform_report_server.metrics import Metrics
from platform_report_server.model import LimitGroup
from platform_report_server.settings import Settings
from platform_report_server.spools import Spools
from platform_report_server.storage.store import ArtifactStore, open_artifacts
from platform_report_server.thumbnails import Thumbnails
from platform_report_server.webhooks.deliverer import Deliverer
from platform_report_server.webhooks.sending import Sender

T = TypeVar("T")

_MINUTE, _HOUR = 60.0, 3600.0
_CHECK_SECONDS = 300.0


@dataclass(frozen=True)
class Services:
    """The open store and everything around it."""

    settings: Settings
    database: Database
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
    jobs: Jobs
    sweeping: Job
    spools: Spools
    mail: Mail | None
    """Sends mail, where an SMTP server is set."""

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query off the event loop, on a snapshot of its own."""
        return await anyio.to_thread.run_sync(self._read, query)

    async def glance(self, query: Callable[[Connection], T]) -> T:
        """Do the same, where it need not be one snapshot: each statement of PostgreSQL may have its own."""
        return await anyio.to_thread.run_sync(self._glance, query)

    async def count(self, caller: str, group: LimitGroup) -> Allowance | None:
        """Count a request, where requests are counted."""
        return None if self.limits is None else await self.limits.take(caller, group)

    async def sweep(self) -> None:
        """Delete the files that no artifact refers to any more."""
        await self.jobs.run(self.sweeping)

    async def mail_invitation(self, email: str, team_id: int, inviter: int | None, link: str) -> bool:
        """Mail the link of an invitation where an SMTP server is set; tell whether there is one."""
        if self.mail is None:
            return False

        def names(connection: Connection) -> tuple[str, str]:
            team, person = find_team(connection, team_id), inviter and find_account(connection, inviter)
            return team.name if team else "", person.name if person else "Somebody"

        await self.mail.invite(email, *await self.read(names), link)
        return True

    async def delete_project(self, project_id: int) -> None:
        """Delete a project with all that belongs to it, some runs at a time: others write in between."""
        while await self.writer.do(partial(delete_some_runs, project_id=project_id)):
            pass
        await self.writer.do(partial(delete_project, project_id=project_id))
        self.access.keys.forget()
        await self.sweep()

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self.database.reading() as connection:
            return query(connection)

    def _glance(self, query: Callable[[Connection], T]) -> T:
        with self.database.glancing() as connection:
            return query(connection)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the store, and close it at the end."""
    # Whoever calls the app without keys has it in a process of another purpose.
    is_embedded = settings.access == "open"
    opening = partial(open_database, settings.database, is_sparing=is_embedded)
    database = await anyio.to_thread.run_sync(opening)
    try:
        signer = await anyio.to_thread.run_sync(open_signer, settings, database)
        artifacts = await anyio.to_thread.run_sync(open_artifacts, settings.artifacts, settings.staging)
        await anyio.to_thread.run_sync(artifacts.sweep_drafts)
        writer = Writer(database)
        writer.start()
        place = database.small_writes
        singles = Singles(writer, place) if isinstance(place, Spot) else Pipelined(writer, place)
        try:
            keys = Keys(settings, database, lambda key_id: writer.do(partial(note_use, key_id=key_id)))
            access = Access(settings, signer, database, keys)
            entrance = Entrance(settings, signer, database, writer)
            limits = None if is_embedded else Limits(TABLES[settings.limits], database)
            contents = Contents(writer, artifacts)
            sweeping = Job("the deletion of files", _HOUR, take_stale, contents.remove)
            file_check = FileCheck(database, writer, artifacts, contents)
            checking = Job("the check of files", _CHECK_SECONDS, take_shelf, file_check.check, is_first=False)
            jobs = Jobs(
                writer,
                [
                    Job("the deletion of old runs", _HOUR, expire),
                    sweeping,
                    Job("the deletion of old idempotency keys", _HOUR, forget_answers),
                    Job("the making of partitions", _HOUR, lambda write: make_partitions(write.connection, write.now)),
                    Job("the end of quarantines", _MINUTE, end_quarantines),
                    *_closing(settings),
                    *([] if is_embedded else [Job("the deletion of old deliveries", _HOUR, forget_old), checking]),
                    *([] if limits is None else [Job("the deletion of old counts", _MINUTE, _nothing, limits.forget)]),
                ],
            )
            live = Feed(database)
            deliverer = Deliverer(database, writer, signer, Sender(settings.reach), settings.public_url)
            await jobs.run_all()
            if not is_embedded:
                jobs.start()
                deliverer.start()
            try:
                mail = None if settings.mail is None else Mail(settings.mail)
                yield Services(
                    settings,
                    database,
                    writer,
                    singles,
                    artifacts,
                    contents,
                    Thumbnails(database, writer, artifacts),
                    Comparisons(),
                    signer,
                    access,
                    entrance,
                    limits,
                    Metrics(),
                    live,
                    deliverer,
                    jobs,
                    sweeping,
                    Spools(settings.staging),
                    mail,
                )
            finally:
                await live.stop()
                await jobs.stop()
                await deliverer.stop()
        finally:
            if isinstance(singles, Pipelined):
                await singles.stop()
            await anyio.to_thread.run_sync(writer.stop)
    finally:
        database.close()


def _nothing(write: Write) -> None:
    """Leave the store alone: counts are not a part of it."""


def _closing(settings: Settings) -> list[Job]:
    if not settings.abandon_after:
        return []
    longest = round(settings.abandon_after * 1000)
    return [Job("the closing of runs that nobody ends", _MINUTE, partial(close_silent_runs, longest=longest))]
