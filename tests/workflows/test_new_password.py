"""The new password is set once, everybody is signed out and told; a password that was lost is asked for again."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlmodel import col

from domain.recovery import SetPassword, State
from storage import directory, vault
from storage.engine import database_time
from storage.identifiers import identify
from storage.models import AccountSessionRow, CaseRow, VaultRow
from tests.house import on_sqlite

NEW = "a new and long password"


async def sign_in(house, username):
    """A session of the demo platform; its token."""
    async with house.database.write() as session:
        (ref,) = await directory.owners(session, house.rings, identify(username, "GB"))
        now = await database_time(session)
        return await directory.open_session(session, house.rings, ref, device="Firefox", now=now)


async def is_signed_in(house, token):
    async with house.database.read() as session:
        return (await directory.session_of(session, house.rings, token)).ended_at is None


async def test_a_new_password_ends_all_sessions_and_tells_everybody(house):
    sessions = [await sign_in(house, "ada") for _ in range(3)]
    olus = await sign_in(house, "olu")
    opened = await house.prove("ada@example.com")
    assert (await house.set_password(opened, NEW)).state == State.RECOVERED
    assert [await is_signed_in(house, token) for token in sessions] == [False] * 3
    assert await is_signed_in(house, olus)
    assert await house.password_fits("ada", NEW)
    for earlier in ("ada-current-2025", "ada-second-2022", "ada-first-2019"):
        assert not await house.password_fits("ada", earlier)
    applied = (await house.events(opened.reference))[-1]
    assert (applied.kind, applied.data) == ("password_applied", {"sessions": 3})
    assert await house.until_told("password-changed", times=2) == ["+447700900001", "ada@example.com"]
    assert await house.handle(opened.reference).result() == State.RECOVERED


@on_sqlite
async def test_the_vault_is_empty_once_the_password_is_set(house):
    opened = await house.prove("ada@example.com")
    await house.set_password(opened, NEW)
    assert await house.vault() == []


@on_sqlite
async def test_a_lost_password_is_asked_for_again(house):
    """The vault's row was gone before the password could be set: nothing changed, and the person is told."""
    opened = await house.prove("ada@example.com")
    await house.stop_worker()
    sealed = await house.seal(opened, "password", NEW)
    async with house.database.write() as session:
        await session.execute(delete(VaultRow))
    await house.start_worker()
    answer = await house.tell(opened.reference, SetPassword(house.holder(opened), sealed))
    assert answer.state == State.AWAITING_NEW_PASSWORD
    assert (await house.kinds(opened.reference))[-2:] == ["password_submitted", "password_lost"]
    assert await house.until_told("password-not-set") == ["ada@example.com"]
    assert await house.password_fits("ada", "ada-current-2025")
    assert (await house.set_password(opened, NEW)).state == State.RECOVERED
    assert await house.password_fits("ada", NEW)


@on_sqlite
async def test_a_secret_of_another_case_is_no_password(house):
    """A vault row opens for its own case and purpose only."""
    ada = await house.prove("ada@example.com")
    pat = await house.prove("+44 7700 900003", browser="pat-phone")
    sealed = await house.seal(pat, "password", NEW)
    async with house.database.read() as session:
        with pytest.raises(Exception, match="not sealed with this key for this purpose"):
            await vault.look(session, house.rings.row, name=sealed, reference=ada.reference, purpose="password")


@on_sqlite
async def test_success_ends_the_other_attempts(house):
    """Ada began three times: once she is in, what is left of the others is of no use to anybody."""
    other = await house.open("ada@example.com", browser="eve-laptop")
    await house.message(other.reference)
    proved = await house.prove("+44 7700 900001", browser="eve-phone")
    winner = await house.prove("ada@example.com")
    assert (await house.set_password(winner, NEW)).state == State.RECOVERED
    for loser in (other, proved):
        case = await house.until(loser.reference, State.STOPPED)
        assert case.because == "superseded"
    assert await house.password_fits("ada", NEW)


@on_sqlite
async def test_the_gate_lets_one_of_two_passwords_through(house):
    """Both are at their password step, and nobody tells the second one: the account's gate does."""
    first = await house.prove("ada@example.com")
    second = await house.prove("+44 7700 900001", browser="eve-phone")
    await house.change(CaseRow, col(CaseRow.reference) == second.reference, account_ref="not found")
    await house.set_password(first, NEW)
    answer = await house.set_password(second, "what eve would like")
    assert (answer.state, (await house.case(second.reference)).because) == (State.STOPPED, "superseded")
    assert await house.password_fits("ada", NEW)
    assert await house.vault() == []


@on_sqlite
async def test_a_second_recovery_later_is_no_contradiction(house):
    first = await house.prove("ada@example.com")
    await house.set_password(first, NEW)
    again = await house.prove("ada@example.com")
    assert (await house.set_password(again, "yet another long one")).state == State.RECOVERED
    assert await house.password_fits("ada", "yet another long one")


@on_sqlite
async def test_api_tokens_end_with_the_sessions(house):
    token = await sign_in(house, "ada")
    await house.change(AccountSessionRow, col(AccountSessionRow.kind) == "session", kind="api_token")
    opened = await house.prove("ada@example.com")
    await house.set_password(opened, NEW)
    assert not await is_signed_in(house, token)


@on_sqlite
async def test_the_clock_waits_while_a_password_is_applied(house):
    """Its proof would lapse, its case would end: neither does while the account system is asked."""
    opened = await house.prove("ada@example.com")
    before = (await house.case(opened.reference)).since
    await house.skip(opened.reference, timedelta(minutes=13))
    assert (await house.set_password(opened, NEW)).state == State.RECOVERED
    async with house.database.read() as session:
        assert (await session.execute(select(col(VaultRow.name)))).first() is None
    assert (await house.case(opened.reference)).since - before >= timedelta(minutes=13)
