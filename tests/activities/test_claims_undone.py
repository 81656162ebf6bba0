"""Rolled back: the account is as it was before the hand-back, and nobody is let in by that."""

import pytest
from sqlalchemy import update
from sqlmodel import col

from activities.contract import NewPassword
from domain.claim import State
from domain.claim_events import Step
from domain.decisions import ALL, KEEP
from storage import directory, intake
from storage.engine import database_time
from storage.models import AccountGateRow, CaseRow
from tests.activities.claimants import REFS, Town, everything, run, twice

EVES = "eve@example.net"
EVES_PASSWORD = "what eve would like"


@pytest.fixture
def town(database, rings):
    return Town(database, rings)


@pytest.fixture
async def case(town):
    """Eve's claim about Ada's account, which two agents believed."""
    reference = await town.opens(EVES)
    await town.stands(reference, State.HANDING_BACK)
    return reference


async def as_it_was(town):
    """Account and contacts, without what a hand-back leaves behind on purpose."""
    every = await everything(town.database)
    return {table: every[table] for table in ("account", "account_contact")}


async def sets_a_password(town, case, password=EVES_PASSWORD):
    async with town.database.write() as session:
        secret = await intake.seal_secret(session, town.rings, case, "password", password, token=f"{case:0<32}")
        now = await database_time(session)
    return await run(town.accounts.apply_password, NewPassword(case, REFS["ada"], secret, now))


@pytest.mark.parametrize("which", ["one", "all"])
async def test_contacts_and_freeze_are_exactly_as_before(town, case, which):
    plan = ALL if which == "all" else await town.contact_id("ada", "ada@example.com")
    before = await town.contact_rows("ada")
    await town.hands_back(case, plan)
    assert EVES in await town.contacts("ada")
    await town.undoes(case, plan)
    assert await town.contact_rows("ada") == before
    assert await town.former("ada") == [EVES]
    account = await town.account("ada")
    assert (account.probation_until, account.frozen_at, account.frozen_until) == (None, None, None)


async def test_every_step_says_what_it_did(town, case):
    await town.signs_in("ada", 2)
    await town.hands_back(case, ALL)
    await town.signs_in("ada")
    assert await town.step(case, Step.RESTORE_CONTACTS, ALL) == ("restored", 3)
    assert await town.step(case, Step.END_SESSIONS, ALL) == ("ended", 1)  # not those of the hand-back again
    assert await town.step(case, Step.RESTORE_FREEZE, ALL) == ("not_frozen", 0)


async def test_kept_contacts_have_nothing_to_restore(town):
    case = await town.opens("ada@example.com")
    before = await as_it_was(town)
    await town.hands_back(case, KEEP)
    assert await town.step(case, Step.RESTORE_CONTACTS, KEEP) == ("restored", 0)
    await town.step(case, Step.RESTORE_FREEZE, KEEP)
    assert await as_it_was(town) == before


async def test_a_former_contact_that_came_back_is_former_again(town):
    await town.takes_off("ada", "ada@example.com", days_ago=5)
    before = await as_it_was(town)
    case = await town.opens("ada@example.com")
    plan = await town.contact_id("ada", "+447700900001")
    await town.hands_back(case, plan)
    assert await as_it_was(town) != before
    await town.undoes(case, plan)
    assert await as_it_was(town) == before


async def test_what_somebody_else_changed_meanwhile_stays(town, case):
    await town.hands_back(case, ALL)
    await town.puts_in("ada", "ada@third.example.com")
    await town.undoes(case, ALL)
    assert await town.contacts("ada") == ["ada@example.com", "+447700900001", "ada@third.example.com"]


async def test_a_contact_that_the_owner_took_off_before_does_not_come_back(town, case):
    await town.takes_off("ada", "+447700900001", days_ago=200)
    await town.hands_back(case, ALL)
    await town.undoes(case, ALL)
    assert await town.contacts("ada") == ["ada@example.com"]


async def test_ended_sessions_stay_ended(town, case):
    await town.signs_in("ada", 2)
    await town.hands_back(case, ALL)
    await town.undoes(case, ALL)
    assert await town.alive("ada") == 0


async def test_the_password_that_the_claim_set_opens_nothing(town, case):
    """Eve knows hers, and whoever had the account before knows the one before: the owner sets another one."""
    await town.hands_back(case, ALL)
    assert (await sets_a_password(town, case)).result == "applied"
    assert await town.fits("ada", EVES_PASSWORD)
    await town.undoes(case, ALL)
    assert not await town.fits("ada", EVES_PASSWORD)
    assert not await town.fits("ada", "ada-current-2025")
    new = await town.recovers("ada@example.com", "ada", "the owner's own choice")
    assert (await run(town.accounts.apply_password, new)).result == "applied"
    assert await town.fits("ada", "the owner's own choice")


async def test_a_password_that_a_recovery_set_by_her_contact_opens_nothing_either(town, case):
    """Eve had a contact of the account for days: a code is enough to set a password that no claim knows of."""
    await town.hands_back(case, ALL)
    await sets_a_password(town, case)
    new = await town.recovers(EVES, "ada", "set by a recovery")
    assert (await run(town.accounts.apply_password, new)).result == "applied"
    assert await town.fits("ada", "set by a recovery")
    await town.undoes(case, ALL)
    assert not await town.fits("ada", "set by a recovery")


async def test_a_password_of_the_time_before_stays_if_none_was_set_since(town, case):
    await town.hands_back(case, ALL)
    await town.undoes(case, ALL)
    assert await town.fits("ada", "ada-current-2025")


# ---- the freeze ------------------------------------------------------------------------------------------------------


async def test_the_claims_own_freeze_goes_with_the_claim(town, case):
    """A freeze that a false claimant asked for must not keep the owner out when the claim is rolled back."""
    await town.freezes(case)
    await town.hands_back(case, ALL)
    await town.freezes(case, needed=True)  # the owner has objected
    assert await town.bar("ada") == "frozen"
    await town.step(case, Step.RESTORE_CONTACTS, ALL)
    assert await town.bar("ada") == "frozen"  # to the last step
    assert await town.step(case, Step.RESTORE_FREEZE, ALL) == ("not_frozen", 0)
    assert await town.bar("ada") == ""


async def test_the_freeze_of_another_open_claim_is_as_it_was(town, case):
    other = await town.opens("ada@example.com")
    await town.freezes(other)
    before = await town.account("ada")
    await town.hands_back(case, ALL)
    await town.freezes(case, needed=True)
    assert (await town.account("ada")).frozen_until is None
    await town.undoes(case, ALL)
    after = await town.account("ada")
    assert (after.frozen_at, after.frozen_until) == (before.frozen_at, before.frozen_until)
    async with town.database.read() as session:
        assert (await session.get_one(AccountGateRow, REFS["ada"])).frozen_by == other


async def test_the_freeze_of_a_claim_that_ended_meanwhile_does_not_come_back(town, case):
    """Nobody would ever end it."""
    other = await town.opens("ada@example.com")
    await town.freezes(other)
    await town.hands_back(case, ALL)
    await town.freezes(case, needed=True)
    async with town.database.write() as session:
        now = await database_time(session)
        await session.execute(update(CaseRow).where(col(CaseRow.reference) == other).values(closed_at=now))
    await town.undoes(case, ALL)
    assert await town.bar("ada") == ""


async def test_a_freeze_that_another_claim_put_on_meanwhile_stays(town, case):
    await town.hands_back(case, ALL)
    other = await town.opens("ada@example.com")
    await town.freezes(other)
    await town.step(case, Step.RESTORE_CONTACTS, ALL)
    assert await town.step(case, Step.RESTORE_FREEZE, ALL) == ("kept", 1)
    assert await town.bar("ada") == "frozen"


async def test_a_freeze_by_the_platform_itself_is_as_it_was(town, case):
    async with town.database.write() as session:
        now = await database_time(session)
        await directory.freeze(session, REFS["ada"], now=now, until=None)
    await town.hands_back(case, ALL)
    assert await town.bar("ada") == ""
    await town.step(case, Step.RESTORE_CONTACTS, ALL)
    assert await town.step(case, Step.RESTORE_FREEZE, ALL) == ("frozen", 1)


# ---- again -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [Step.RESTORE_CONTACTS, Step.END_SESSIONS, Step.RESTORE_FREEZE])
async def test_each_step_of_the_undoing_is_done_once(town, case, step):
    await town.freezes(case)
    await town.hands_back(case, ALL)
    await town.signs_in("ada")
    await twice(town.database, town.claims.take_step, town.hand_back(case, ALL, step=step))


async def test_a_step_of_the_hand_back_that_comes_late_undoes_no_undoing(town, case):
    """An attempt that was thought dead wakes up after everything was rolled back."""
    await town.hands_back(case, ALL)
    await town.undoes(case, ALL)
    contacts = await town.contacts("ada")
    assert await town.step(case, Step.CHANGE_CONTACTS, ALL) == ("all_replaced", 2)
    assert await town.contacts("ada") == contacts


async def test_the_undone_contact_speaks_for_nobody_afterwards(town, case):
    await town.hands_back(case, ALL)
    await town.undoes(case, ALL)
    sight = await town.looks(await town.opens(EVES))
    assert sight.accounts == ()
