"""The way in and out: what the pages of login, first owner and invitation do, off the event loop."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import delete

from platform_report_server.accounts import invitations
from platform_report_server.accounts.passwords import check_password, hash_password, password_holds
from platform_report_server.accounts.people import (
    add_account,
    begin_session,
    check_name,
    end_session,
    folded,
    set_password,
)
from platform_report_server.accounts.teams import add_member, lock_team
from platform_report_server.accounts.throttle import Throttle
from platform_report_server.auth.links import holds_entry_token, holds_owner_token
from platform_report_server.auth.signing import Signer
from platform_report_server.auth.tokens import digest
from platform_report_server.clock import now_ms
from platform_report_server.db.bulk import insert_missing
from platform_report_server.db.engine import Database
from platform_report_server.db.queries.people import find_account, find_account_by_email, has_accounts, list_teams
from platform_report_server.db.reader import Reader
from platform_report_server.db.schema import used_link
from platform_report_server.errors import Forbidden, Invalid, RateLimited, Unauthorized
from platform_report_server.ingest.writer import Write, Writer
from platform_report_server.settings import Settings

T = TypeVar("T")

_USED_KEPT_MS = 366 * 24 * 3600 * 1000  # longer than a server runs
_HASHED_AT_ONCE = 2  # each takes 16 MB
_MOST_WAITING = 32


class Entrance:
    """Lets people in and out. What lets somebody in returns the token of their session."""

    def __init__(self, settings: Settings, signer: Signer, database: Database, writer: Writer) -> None:
        self._signer = signer
        self._reader = Reader(database)
        self._writer = writer
        self._link_token = settings.link_token
        self._by_email = Throttle(database, "email", free=5, longest=300)
        self._by_network = Throttle(database, "network", free=20, longest=60)
        self._hashing = anyio.CapacityLimiter(_HASHED_AT_ONCE)

    async def log_in(self, email: str, password: str, network: str) -> str:
        """Begin the session of who knows the password."""
        try:
            email = folded(email)
        except Invalid:
            raise _wrong() from None
        account = await self._reader.read(partial(find_account_by_email, email=email))
        await anyio.to_thread.run_sync(self._try, email, network)
        holds = await self._hash(partial(password_holds, password, None if account is None else account.password))
        if account is None or not holds:
            raise _wrong()
        await anyio.to_thread.run_sync(partial(self._by_network.succeed, network, forget=False))
        await anyio.to_thread.run_sync(partial(self._by_email.succeed, email, forget=True))
        return await self._writer.do(partial(_begin, user_id=account.id, kept=account.password))

    async def log_out(self, token: str) -> None:
        """End a session."""
        await self._writer.do(partial(end_session, token=token))

    async def change_password(self, user_id: int, old: str, new: str, keep: str) -> None:
        """Change a password; every session but the one to keep ends."""
        check_password(new)
        account = await self._reader.read(partial(find_account, user_id=user_id))
        name = f"user:{user_id}"
        await anyio.to_thread.run_sync(self._by_email.begin, name)
        if account is None or not await self._hash(partial(password_holds, old, account.password)):
            raise Forbidden("The old password is wrong", field="password")
        await anyio.to_thread.run_sync(partial(self._by_email.succeed, name, forget=True))
        kept = await self._hash(partial(hash_password, new))
        await self._writer.do(partial(set_password, user_id=user_id, password_hash=kept, keep=keep))

    async def enter_by_link(self, token: str) -> str:
        """Begin the session of the browser that came by the link of a server for one person; it counts once."""
        expected = self._link_token
        if expected is None or not (_same(token, expected) or holds_entry_token(self._signer, token)):
            raise _used_link()
        return await self._writer.do(partial(_use_link, token=token))

    async def check_owner_link(self, token: str) -> None:
        """Refuse what is not the token of the link that makes the first owner, or no longer."""
        if not holds_owner_token(self._signer, token) or await self._reader.read(has_accounts):
            raise Forbidden("This link was used before, or is older than an hour")

    async def make_first_owner(self, token: str, email: str, name: str, password: str) -> str:
        """Make the first account, the owner of every team."""
        await self.check_owner_link(token)
        folded(email)
        check_name(name)
        check_password(password)
        kept = await self._hash(partial(hash_password, password))
        return await self._writer.do(partial(_make_first_owner, email=email, name=name, kept=kept))

    async def accept_anew(self, token: str, name: str, password: str) -> str:
        """Make the account of somebody who was invited."""
        check_name(name)
        check_password(password)
        await self._reader.read(partial(invitations.invited, token=token, now=now_ms()))
        kept = await self._hash(partial(hash_password, password))

        def job(write: Write) -> str:
            return begin_session(write, invitations.accept_anew(write, token, name, kept))

        return await self._writer.do(job)

    async def accept_as(self, token: str, user_id: int) -> None:
        """Put somebody who is logged in into the team that invited them."""
        await self._writer.do(partial(invitations.accept_as, token=token, user_id=user_id))

    def _try(self, email: str, network: str) -> None:
        self._by_network.begin(network)
        try:
            self._by_email.begin(email)
        except RateLimited:
            self._by_network.succeed(network, forget=False)  # who waits for an address has not failed again
            raise

    async def _hash(self, work: Callable[[], T]) -> T:
        if self._hashing.statistics().tasks_waiting >= _MOST_WAITING:
            raise RateLimited("Too many logins at once: try again in a moment", retry_after=5)
        return await anyio.to_thread.run_sync(work, limiter=self._hashing)


def _begin(write: Write, user_id: int, kept: str) -> str:
    account = find_account(write.connection, user_id)
    if account is None or account.password != kept:  # it was changed in this very moment
        raise _wrong()
    return begin_session(write, user_id)


def _make_first_owner(write: Write, email: str, name: str, kept: str) -> str:
    lock_team(write)
    if has_accounts(write.connection):
        raise Forbidden("There is an account already: its owner can invite you")
    user_id = add_account(write, email, name, kept)
    for team in list_teams(write.connection):
        add_member(write, team.id, user_id, "owner")
    return begin_session(write, user_id)


def _use_link(write: Write, token: str) -> str:
    """Begin a session, unless another process has done so."""
    write.connection.execute(delete(used_link).where(used_link.c.used_at <= write.now - _USED_KEPT_MS))
    using = [(digest(token), write.now)]
    if not insert_missing(write.connection, used_link, ("token_hash", "used_at"), using, "token_hash"):
        raise _used_link()
    return begin_session(write, user_id=None)


def _used_link() -> Unauthorized:
    return Unauthorized("This link was used before, or belongs to another start of the server")


def _wrong() -> Unauthorized:
    return Unauthorized("Email or password is wrong")


def _same(token: str, expected: str) -> bool:
    return hmac.compare_digest(token.encode("utf-8", "replace"), expected.encode())
