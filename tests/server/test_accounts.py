"""Accounts: passwords, patience, the way in and out, invitations, teams and their last owner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import Row, func, select, update

from platform_report_server.accounts import invitations, people, teams
from platform_report_server.accounts.passwords import check_password, hash_password, password_holds
from platform_report_server.accounts.throttle import Throttle
from platform_report_server.auth import links
from platform_report_server.auth.caller import Caller
from platform_report_server.auth.signing import Signer
from platform_report_server.clock import now_ms
from platform_report_server.db import counts
from platform_report_server.db.engine import open_database
from platform_report_server.db.queries.people import (
    find_account_by_email,
    list_invitations,
    list_members,
    list_teams,
    roles_in_teams,
)
from platform_report_server.db.schema import DEFAULT_TEAM, invitation, session
from platform_report_server.errors import Forbidden, Invalid, NotFound, RateLimited, StoreError, Unauthorized
from platform_report_server.ingest.writer import Write
from platform_report_server.services import Services, open_services
from platform_report_server.settings import Settings
from server.support import first_owner_token, in_store

PASSWORD = "correct horse battery"
NO_HASH = "scrypt$14$8$5$AAAA$AAAA"


def test_passwords_are_kept_as_hashes_that_name_their_parameters() -> None:
    kept = hash_password("pässword of mine")
    assert kept.startswith("scrypt$14$8$5$")
    assert password_holds("pa\u0308ssword of mine", kept)  # the same letters, from another keyboard
    assert not password_holds("password of mine", kept)
    assert not password_holds("x" * 1001, kept)
    assert not password_holds(PASSWORD, None)
    with pytest.raises(ValueError, match="kept as 'argon'"):
        password_holds(PASSWORD, kept.replace("scrypt", "argon"))


@pytest.mark.parametrize(("password", "words"), [("short", "at least 12"), ("ü" * 501, "longer than 1000 bytes")])
def test_bad_passwords_are_refused(password: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        check_password(password)


@pytest.mark.parametrize(
    "email", ["", "jane", "a@b@c", "a b@c.d", "a@" + "b" * 260, "a\0@b.c", "a,b@c.d", "<a@b.c>", "a@b\r\nBcc: c@d.e"]
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(Invalid, match="expected an email address"):
        people.folded(email)


@pytest.mark.both_stores
def test_failures_wait_longer_and_longer_whichever_process_is_tried(settings: Settings) -> None:
    now = [1_000_000]

    def fail(name: str) -> int:
        with ThreadPoolExecutor(2) as pool:  # two processes, at once
            tries = [pool.submit(throttle.begin, name) for throttle in throttles[:2]]
        waits = [error.retry_after for each in tries if isinstance(error := each.exception(), RateLimited)]
        assert len(waits) == len([each for each in tries if each.exception() is not None])
        return waits[0] if waits else 0

    databases = [open_database(settings.database) for _ in range(2)]
    throttles = [Throttle(each, "email", free=2, longest=8, clock=lambda: now[0]) for each in databases]
    assert fail("jane") == 0
    waits = []
    for _ in range(6):
        waits.append(fail("jane"))
        now[0] += waits[-1] * 1000
    assert waits == [1, 2, 4, 8, 8, 8]
    Throttle(databases[0], "network", free=2, longest=8, clock=lambda: now[0]).begin("jane")
    throttles[0].succeed("jane", forget=True)
    assert fail("jane") == 0

    throttles[0].begin("john")
    for _ in range(3):
        throttles[1].begin("john")
        throttles[0].succeed("john", forget=False)
    throttles[0].begin("john")
    throttles[1].begin("john")
    with pytest.raises(RateLimited, match="wait before the next"):
        throttles[0].begin("john")
    now[0] += 3_602_000
    assert [fail("john"), fail("john")] == [0, 1]
    with databases[0].counting() as connection:
        counts.forget(connection, now[0] + 3_600_000)
        assert connection.execute(select(func.count()).select_from(counts.login_failure)).scalar() == 1
    for database in databases:
        database.close()


def test_the_first_owner_then_whoever_is_invited(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    owning = first_owner_token(settings)

    async def use(services: Services) -> None:
        door = services.entrance
        with pytest.raises(Forbidden, match="link was used before"):
            await door.make_first_owner("wrong", "jane@example.com", "Jane", PASSWORD)
        with monkeypatch.context() as clock:
            clock.setattr(links, "now_ms", lambda: now_ms() + 3_600_000)
            with pytest.raises(Forbidden, match="older than an hour"):
                await door.make_first_owner(owning, "jane@example.com", "Jane", PASSWORD)
        with pytest.raises(Invalid, match="at least 12"):
            await door.make_first_owner(owning, "jane@example.com", "Jane", "short")
        await door.make_first_owner(owning, "Jane@Example.com ", "Jane", PASSWORD)
        with pytest.raises(Forbidden, match="link was used before"):
            await door.check_owner_link(owning)

        jane = await services.reader.read(partial(find_account_by_email, email="jane@example.com"))
        assert jane is not None
        assert await services.reader.read(partial(roles_in_teams, user_id=jane.id)) == {DEFAULT_TEAM: "owner"}
        for email, password in (("jane@example.com", "wrong password"), ("john@example.com", PASSWORD), ("x", "y")):
            with pytest.raises(Unauthorized, match="Email or password is wrong"):
                await door.log_in(email, password, "192.0.2.1")
        first = await door.log_in("JANE@example.com", PASSWORD, "192.0.2.1")
        second = await door.log_in("jane@example.com", PASSWORD, "192.0.2.1")
        with pytest.raises(Forbidden, match="old password is wrong"):
            await door.change_password(jane.id, "wrong password", "a new long password", first)
        await door.change_password(jane.id, PASSWORD, "a new long password", first)
        assert await in_session(services, second) is None
        assert await in_session(services, first) is not None
        await door.log_out(first)
        assert await in_session(services, first) is None

        row, token = await services.writer.do(
            partial(invitations.invite, team_id=DEFAULT_TEAM, email="John@example.com", role="viewer")
        )
        assert row.email == "john@example.com"
        with pytest.raises(NotFound, match="ask for a new one"):
            await door.accept_anew(token[:-1], "John", PASSWORD)
        with pytest.raises(Forbidden, match="for somebody else"):
            await door.accept_as(token, jane.id)
        caller = await in_session(services, await door.accept_anew(token, "John", PASSWORD))
        assert caller is not None
        assert caller.teams == {DEFAULT_TEAM: "viewer"}
        with pytest.raises(NotFound, match="ask for a new one"):
            await door.accept_anew(token, "John", PASSWORD)

    _with_services(settings, use)

    async def later(services: Services) -> None:
        with pytest.raises(Forbidden, match="link was used before"):
            await services.entrance.make_first_owner(owning, "eve@example.com", "Eve", PASSWORD)

    _with_services(settings, later)
    for secret in (PASSWORD, "a new long password", owning):
        assert not any(secret.encode() in path.read_bytes() for path in settings.signing_key.parent.rglob("*.db*"))


def test_many_failed_logins_wait(settings: Settings) -> None:
    async def use(services: Services) -> None:
        door = services.entrance
        tries = [door.log_in("jane@example.com", "wrong password", f"192.0.2.{each}") for each in range(9)]
        errors = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(error).__name__ for error in errors) == ["RateLimited"] * 3 + ["Unauthorized"] * 6
        for _ in range(21):
            door._by_network.begin("2001:db8::/64")
        with pytest.raises(RateLimited):
            await door.log_in("john@example.com", "wrong password", "2001:db8::/64")

    _with_services(settings, use)


@pytest.mark.both_stores
def test_an_invitation_counts_once_for_its_address_and_a_week(settings: Settings) -> None:
    def use(write: Write) -> None:
        user_id = people.add_account(write, "jane@example.com", "Jane", NO_HASH)
        team = teams.add_team(write, "Platform Team", None)
        _, earlier = invitations.invite(write, team.id, "jane@example.com", "admin")
        row, token = invitations.invite(write, team.id, "Jane@example.com", "member")
        assert [each.id for each in list_invitations(write.connection, team.id, write.now)] == [row.id]
        with pytest.raises(NotFound):
            invitations.accept_as(write, earlier, user_id)
        with pytest.raises(Invalid, match="log in and open the link again"):
            invitations.accept_anew(write, token, "Jane", NO_HASH)
        write.connection.execute(update(invitation).values(expires_at=write.now))
        with pytest.raises(NotFound):
            invitations.accept_as(write, token, user_id)
        write.connection.execute(update(invitation).values(expires_at=write.now + 1))
        invitations.accept_as(write, token, user_id)
        assert roles_in_teams(write.connection, user_id) == {team.id: "member"}
        with pytest.raises(Invalid, match="is that of a member already"):
            invitations.invite(write, team.id, "jane@example.com", "admin")
        row, token = invitations.invite(write, team.id, "john@example.com", "admin")
        invitations.withdraw(write, row.id)
        with pytest.raises(NotFound):
            invitations.accept_anew(write, token, "John", NO_HASH)
        with pytest.raises(Invalid, match="has an account already"):
            people.add_account(write, "JANE@example.com", "Jane", NO_HASH)

    in_store(settings, use)


@pytest.mark.both_stores
def test_a_team_keeps_an_owner(settings: Settings) -> None:
    def use(write: Write) -> None:
        jane, john = (people.add_account(write, f"{name}@example.com", name, NO_HASH) for name in ("jane", "john"))
        team = teams.add_team(write, "QA", jane)
        assert [row.name for row in list_teams(write.connection)] == ["Default", "QA"]

        def members() -> list[Row[tuple[object, ...]]]:
            return list_members(write.connection, team.id)

        with pytest.raises(Invalid, match="last owner"):
            teams.change_role(write, members()[0], "admin")
        with pytest.raises(Invalid, match="last owner"):
            teams.remove_member(write, members()[0])
        teams.add_member(write, team.id, john, "viewer")
        teams.change_role(write, members()[1], "owner")
        teams.change_role(write, members()[0], "member")
        teams.remove_member(write, members()[0])
        assert [(row.user_id, row.role) for row in members()] == [(john, "owner")]

    in_store(settings, use)


@pytest.mark.both_stores
def test_sessions_that_are_over_leave_the_store(settings: Settings) -> None:
    def use(write: Write) -> None:
        people.begin_session(write, 1)
        write.connection.execute(update(session).values(expires_at=write.now))
        people.begin_session(write, 2)
        assert write.connection.execute(select(session.c.user_id)).scalars().all() == [2]

    in_store(settings, use)


def test_what_is_sealed_opens_with_its_own_key_only() -> None:
    signer = Signer(b"k" * 32)
    for text in ("", "whsec_ünïcode", "x" * 1000):
        sealed = signer.seal("secret", text)
        assert text.encode() not in sealed or not text
        assert signer.seal("secret", text) != sealed
        assert signer.unseal("secret", sealed) == text
        for other, purpose, damaged in (
            (Signer(b"l" * 32), "secret", sealed),
            (signer, "headers", sealed),
            (signer, "secret", sealed[:-1] + bytes([sealed[-1] ^ 1])),
            (signer, "secret", b""),
        ):
            with pytest.raises(StoreError, match="not sealed with this store's signing key"):
                other.unseal(purpose, damaged)


async def in_session(services: Services, token: str) -> Caller | None:
    return await services.reader.read(partial(services.access._in_session, token=token))


def _with_services(settings: Settings, use: Callable[[Services], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_services(settings) as services:
            await use(services)

    asyncio.run(run())
