"""What the web writes down: the same form once, its limits, and nothing kept of what was refused."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from domain.case import Channel
from domain.decisions import Decision
from domain.errors import TooMany
from storage import intake, reads
from storage.engine import database_time
from storage.identifiers import identify
from storage.intake import Browser, LinkExpired, LinkUsed
from storage.models import (
    BudgetEntryRow,
    CaseAccessRow,
    CasePersonRow,
    CaseRow,
    NoticeRow,
    ObjectionLinkRow,
    ReceivedRow,
    RowKeyRow,
    VaultRow,
)
from storage.reads import Access
from tests.house import with_policy

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ADA = Browser("ada-laptop", "192.0.2.1/32", "Firefox on Linux")
EVE = Browser("eve-laptop", "198.51.100.9/32", "Chromium on Linux")


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    """It is noon for the limits, so that no window ends in the middle of a test."""

    async def at_noon(session):
        return NOON

    monkeypatch.setattr(intake, "database_time", at_noon)


@pytest.fixture
def start(database, rings):
    async def started(typed="ada@example.com", browser=ADA, key="form", starts=1000):
        async with database.write() as session:
            return await intake.open_recovery(
                session,
                rings,
                identify(typed, "GB"),
                browser,
                key=key,
                policy=with_policy(),
                starts_per_network=starts,
            )

    return started


async def count(database, table):
    async with database.read() as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


# ---- opening ----------------------------------------------------------------------------------------------------


async def test_a_case_is_written_down(start, database, rings):
    opened = await start()
    assert opened.is_new
    async with database.read() as session:
        row = await reads.case_row(session, opened.reference)
        typed = await reads.typed(session, rings, opened.reference)
        device = await reads.device(session, rings, opened.reference)
        access = await reads.access(session, rings, opened.reference, opened.secret)
    assert (row.state, row.number, row.started_at) == ("opening", 0, None)
    assert typed == identify("ada@example.com", "GB")
    assert device == "Firefox on Linux"
    assert access == (Access.HOLDS, opened.case.holder)


async def test_the_same_form_twice_is_one_case(start, database):
    first, second = await start(), await start()
    assert (second.reference, second.secret, second.is_new) == (first.reference, first.secret, False)
    assert second.case == first.case
    assert await count(database, CaseRow) == 1
    assert await count(database, CaseAccessRow) == 1


async def test_the_same_form_twenty_times_at_once_is_one_case(start, database):
    opened = await asyncio.gather(*(start() for _ in range(20)))
    assert len({(one.reference, one.secret) for one in opened}) == 1
    assert sum(one.is_new for one in opened) == 1
    assert await count(database, CaseRow) == 1


@pytest.mark.parametrize(
    "other",
    [{"browser": replace(ADA, cookie="another")}, {"key": "another"}, {"typed": "olu@example.com"}],
    ids="-".join,
)
async def test_another_browser_form_or_name_is_another_case(start, other):
    first, second = await start(), await start(**other)
    assert first.reference != second.reference
    assert first.secret != second.secret


async def test_the_secret_of_one_case_opens_no_other(start, database, rings):
    mine, other = await start(), await start(browser=EVE)
    async with database.read() as session:
        assert await reads.access(session, rings, other.reference, mine.secret) == (Access.NONE, "")
        assert await reads.access(session, rings, mine.reference, "guessed") == (Access.NONE, "")


async def test_a_network_that_starts_too_much_is_refused(start, database):
    for number in range(3):
        await start(typed=f"somebody-{number}", key=f"form-{number}", starts=3)
    before = [await count(database, table) for table in (CaseRow, CasePersonRow, RowKeyRow, BudgetEntryRow)]
    with pytest.raises(TooMany) as refused:
        await start(typed="somebody-else", key="form-4", starts=3)
    assert (refused.value.what, refused.value.until) == ("starts", NOON + timedelta(hours=1))
    assert [await count(database, table) for table in (CaseRow, CasePersonRow, RowKeyRow, BudgetEntryRow)] == before
    assert (await start(browser=EVE, key="form-5", starts=3)).is_new


async def test_the_same_form_is_answered_even_when_the_limit_is_reached(start):
    first = await start(starts=1)
    assert (await start(starts=1)).reference == first.reference


async def test_an_address_gets_five_codes_an_hour(start, database):
    for number in range(5):
        await start(key=f"form-{number}")
    with pytest.raises(TooMany, match="sends"):
        await start(key="form-6")
    assert await count(database, CaseRow) == 5
    assert (await start(typed="ada@EXAMPLE.net", key="form-7")).is_new


async def test_the_limit_is_the_same_for_an_address_that_nobody_has(start):
    for number in range(5):
        await start(typed="nobody@example.com", key=f"form-{number}")
    with pytest.raises(TooMany, match="sends"):
        await start(typed="nobody@example.com", key="form-6")


async def test_a_username_counts_no_code(start):
    for number in range(8):
        await start(typed="ada", key=f"form-{number}")


async def test_two_codes_a_day_are_kept_for_browsers_that_were_here_before(database, rings, monkeypatch):
    """Whoever floods Ada's address leaves her two."""
    hour = 0

    async def send(browser, token):
        nonlocal hour
        hour += 1

        async def later(session):
            return NOON.replace(hour=0) + timedelta(hours=hour)

        monkeypatch.setattr(intake, "database_time", later)
        async with database.write() as session:
            await intake.count_send(
                session, rings, identify("ada@example.com", "GB"), browser, token=token, policy=with_policy()
            )

    for number in range(8):
        await send(EVE, f"eve-{number}")
    with pytest.raises(TooMany):
        await send(EVE, "eve-9")
    for number in range(2):
        await send(replace(ADA, is_known=True), f"ada-{number}")
    with pytest.raises(TooMany):
        await send(replace(ADA, is_known=True), "ada-3")


# ---- contacts, links, secrets -------------------------------------------------------------------------------------


async def test_a_contact_is_kept_sealed_under_an_opaque_name(start, database, rings):
    opened = await start(typed="vip")

    async def add():
        async with database.write() as session:
            return await intake.add_contact(
                session,
                rings,
                opened.reference,
                identify("+44 7700 900004", "GB"),
                ADA,
                token="update-of-the-form",
                policy=with_policy(),
            )

    first, again = await add(), await add()
    assert first == again
    assert first.channel is Channel.SMS
    assert "7700" not in first.contact
    async with database.read() as session:
        assert (await reads.typed(session, rings, opened.reference, first.contact)).normal == "+447700900004"


async def test_the_same_contact_at_once_is_kept_once(start, database, rings):
    opened = await start(typed="vip")

    async def add():
        async with database.write() as session:
            await intake.remember(session, rings, opened.reference, "contact/1", identify("a@example.com", "GB"))

    await asyncio.gather(*(add() for _ in range(10)))
    assert await count(database, CasePersonRow) == 3  # the identifier, the device, the contact


async def test_a_browser_with_a_link_holds_nothing_yet(start, database, rings):
    opened = await start()

    async def knock():
        async with database.write() as session:
            return await intake.browser_for_link(session, rings, opened.reference, EVE, key="form")

    (secret, digest), again = await knock(), await knock()
    assert again == (secret, digest)
    async with database.read() as session:
        assert await reads.access(session, rings, opened.reference, secret) == (Access.NONE, "")
    assert len(set(await asyncio.gather(*(knock() for _ in range(10))))) == 1


async def test_a_password_waits_in_the_vault_once(start, database, rings):
    opened = await start()

    async def seal(secret="a new password"):
        async with database.write() as session:
            return await intake.seal_secret(session, rings, opened.reference, "password", secret, token="update-1")

    names = await asyncio.gather(*(seal() for _ in range(10)))
    assert len(set(names)) == 1
    async with database.read() as session:
        row = await session.get(VaultRow, names[0])
    assert "new password" not in row.sealed
    assert row.expires_at == NOON + timedelta(hours=24)


async def test_an_update_id_names_the_form_and_not_its_text(rings):
    first = intake.update_id(rings, "7F3KQ2M9XA", "code", "form", "digest")
    assert first == intake.update_id(rings, "7F3KQ2M9XA", "code", "form", "digest")
    others = [
        intake.update_id(rings, "7F3KQ2M9XB", "code", "form", "digest"),
        intake.update_id(rings, "7F3KQ2M9XA", "link", "form", "digest"),
        intake.update_id(rings, "7F3KQ2M9XA", "code", "other", "digest"),
        intake.update_id(rings, "7F3KQ2M9XA", "code", "form", "other"),
    ]
    assert len({first, *others}) == 5


# ---- decisions and objections -------------------------------------------------------------------------------------


async def test_a_decision_is_proved_and_kept_once(start, database, rings):
    opened = await start()

    async def decide(**changes):
        form = {"outcome": "allow", "reason": "codes_used_up", "agent": "sam", "key": "form", "version": 3} | changes
        async with database.write() as session:
            return await intake.receive_decision(session, rings, reference=opened.reference, **form)

    decisions = await asyncio.gather(*(decide() for _ in range(10)))
    assert len(set(decisions)) == 1
    (decision,) = set(decisions)
    assert rings.decision.is_signed(decision.proved_text(), decision.proof)
    assert await count(database, ReceivedRow) == 1
    # The same form again with another outcome is the decision that was made first.
    assert await decide(outcome="stop") == decision
    other = await decide(key="another")
    assert isinstance(other, Decision)
    assert other.id != decision.id
    async with database.read() as session:
        waiting = await reads.unanswered(session, opened.reference)
    assert {row.id for row in waiting} == {decision.id, other.id}


@pytest.fixture
def objection_link(start, database, rings):
    async def made(scope, expires_at=NOON + timedelta(days=7)):
        opened = await start()
        async with database.write() as session:
            session.add(
                NoticeRow(
                    name="notice-1",
                    case_ref=opened.reference,
                    template="code",
                    channel="email",
                    address="",
                    subject="",
                    message_id="",
                    made_at=NOON,
                )
            )
            await session.flush()
            link = ObjectionLinkRow(
                digest=rings.digest.digest("objection", "token"),
                notice="notice-1",
                case_ref=opened.reference,
                account_ref="acc_ada",
                scope=scope,
                expires_at=expires_at,
            )
            session.add(link)
        return opened

    return made


@pytest.fixture
def press(database, rings):
    async def pressed(browser=ADA, key="form"):
        async with database.write() as session:
            link = await reads.objection_link(session, rings, "token")
            return await intake.receive_objection(session, rings, link, browser, key=key, policy=with_policy())

    return pressed


async def test_an_objection_to_a_code_is_about_that_case(objection_link, press):
    opened = await objection_link("case")
    received, again = await press(), await press()
    assert received == again
    assert (received.case, received.opened) == (opened.reference, None)
    with pytest.raises(LinkUsed):
        await press(EVE)


async def test_an_objection_to_a_password_opens_one_claim(objection_link, press, database):
    opened = await objection_link("account")
    received = await press()
    assert received.case != opened.reference
    assert received.opened.case.account == "acc_ada"
    again = await press()
    assert (again.id, again.case, again.opened.secret) == (received.id, received.case, received.opened.secret)
    assert (received.opened.is_new, again.opened.is_new) == (True, False)
    with pytest.raises(LinkUsed) as refused:
        await press(EVE)
    assert refused.value.claim == received.case
    assert await count(database, CaseRow) == 2


@pytest.mark.parametrize("scope", ["case", "account"])
async def test_ten_presses_at_once_are_one_objection(objection_link, press, database, scope):
    await objection_link(scope)

    async def one(browser):
        try:
            return (await press(browser)).id
        except LinkUsed:
            return None

    browsers = [Browser(f"browser-{number % 2}") for number in range(10)]
    assert len(set(await asyncio.gather(*map(one, browsers))) - {None}) == 1
    assert await count(database, ReceivedRow) == 1


async def test_an_old_link_is_of_no_use(objection_link, press, database):
    await objection_link("case", expires_at=NOON)
    with pytest.raises(LinkExpired):
        await press()
    assert await count(database, ReceivedRow) == 0


async def test_a_made_up_link_is_nobodys(database, rings):
    async with database.read() as session:
        assert await reads.objection_link(session, rings, "made-up") is None


async def test_what_reached_temporal_is_marked(start, database):
    opened = await start()
    async with database.write() as session:
        await intake.mark_started(session, opened.reference)
    async with database.read() as session:
        assert (await reads.case_row(session, opened.reference)).started_at == NOON
        assert await database_time(session) != NOON
    async with database.write() as session:
        await session.execute(update(CaseRow).where(col(CaseRow.reference) == opened.reference).values(started_at=None))
