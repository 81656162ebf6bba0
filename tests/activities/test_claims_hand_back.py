"""A hand-back is steps: each done once however often it is taken, each answered with what it concerned."""

import asyncio

import pytest
from sqlalchemy import select
from sqlmodel import col
from temporalio.exceptions import ApplicationError

from activities.accounts import steps
from domain.claim import State
from domain.claim_events import Step
from domain.decisions import ALL, KEEP
from storage import directory, erasure, hand_backs, reads
from storage.identifiers import identify
from storage.models import AccountContactRow, AccountGateRow, AccountRow, HandBackRow
from tests.activities.claimants import REFS, UNTIL, Town, everything, run, twice

NEW = "ada@new.example.com"


@pytest.fixture
def town(database, rings):
    return Town(database, rings)


@pytest.fixture
async def case(town):
    reference = await town.opens(NEW)
    await town.stands(reference, State.HANDING_BACK)
    return reference


# ---- the beginning ---------------------------------------------------------------------------------------------------


async def test_a_hand_back_begins_once(town, case):
    begun = await twice(town.database, town.claims.begin_hand_back, town.hand_back(case, ALL))
    assert (begun.begun, begun.received) == (True, "")
    async with town.database.read() as session:
        gate = await session.get_one(AccountGateRow, REFS["ada"])
        assert (gate.effect, gate.case_ref) == ("hand_back", case)
        assert await reads.usernames(session, town.rings, case) == {REFS["ada"]: "ada"}


async def test_it_begins_once_even_when_asked_at_the_same_moment(town, case):
    wanted = town.hand_back(case, ALL)
    found = await asyncio.gather(*(run(town.claims.begin_hand_back, wanted) for _ in range(4)))
    assert {one.begun for one in found} == {True}
    assert await town.count(HandBackRow) == 1


async def test_an_objection_that_came_in_before_stops_it(town, case):
    received = await town.objects(case)
    before = await everything(town.database)
    begun = await twice(town.database, town.claims.begin_hand_back, town.hand_back(case, ALL))
    assert (begun.begun, begun.received) == (False, received)
    assert begun.received_at is not None
    after = await everything(town.database)
    assert {table for table in after if after[table] != before[table]} <= {"account_gate"}


async def test_the_first_of_two_objections_is_named(town, case):
    first = await town.objects(case, "objection/z")
    await town.objects(case, "objection/a")
    begun = await run(town.claims.begin_hand_back, town.hand_back(case, ALL))
    assert begun.received == first


async def test_a_younger_contact_stops_nothing(town, case):
    """The thief's: it is told, and that is all."""
    await town.objects(case, may_object=False)
    await town.begins(case, ALL)


async def test_an_objection_that_was_judged_stops_nothing_more(town, case):
    await town.objects(case, answered=True)
    await town.begins(case, ALL)


async def test_a_claim_that_is_contested_does_not_begin(town, case):
    """The objection was answered a moment before: the workflow knows, and this activity came too late."""
    await town.stands(case, State.CONTESTED)
    received = await town.objects(case, answered=True)
    begun = await run(town.claims.begin_hand_back, town.hand_back(case, ALL))
    assert (begun.begun, begun.received) == (False, received)


async def test_the_objection_that_opened_a_claim_is_what_it_is_about(town, case):
    received = await town.objects(case)
    async with town.database.write() as session:
        row = await reads.case_row(session, case)
        row.opening = {**row.opening, "objection": received}
    await town.begins(case, KEEP)


async def test_an_objection_to_another_claim_stops_nothing(town, case):
    await town.objects(await town.opens())
    await town.begins(case, ALL)


async def test_no_step_is_taken_before_the_beginning(town, case):
    with pytest.raises(ApplicationError, match="not begun") as refused:
        await run(town.claims.take_step, town.hand_back(case, ALL, step=Step.CHANGE_CONTACTS))
    assert refused.value.non_retryable
    assert await town.contacts("ada") == ["ada@example.com", "+447700900001"]


@pytest.mark.parametrize("step", [Step.SEND_LINK, None])
async def test_what_is_no_step_of_the_account_system_is_refused(town, case, step):
    await town.begins(case, ALL)
    with pytest.raises(ApplicationError, match="no step") as refused:
        await run(town.claims.take_step, town.hand_back(case, ALL, step=step))
    assert refused.value.non_retryable


# ---- contacts --------------------------------------------------------------------------------------------------------


async def test_one_contact_is_replaced(town, case):
    plan = await town.contact_id("ada", "ada@example.com")
    await town.begins(case, plan)
    assert await town.step(case, Step.CHANGE_CONTACTS, plan) == ("replaced", 1)
    assert await town.contacts("ada") == ["+447700900001", NEW]
    assert await town.former("ada") == ["ada@example.com"]
    assert (await town.account("ada")).probation_until == UNTIL
    added = (await town.contact_rows("ada"))[-1]
    assert (added.added_by, added.removed_at) == (case, None)


async def test_all_contacts_are_replaced(town, case):
    await town.begins(case, ALL)
    assert await town.step(case, Step.CHANGE_CONTACTS, ALL) == ("all_replaced", 2)
    assert await town.contacts("ada") == [NEW]
    async with town.database.read() as session:
        rows = (
            await session.execute(select(AccountContactRow).where(col(AccountContactRow.removed_by) == case))
        ).scalars()
        assert len(rows.all()) == 2


async def test_who_has_no_contact_gets_one(town):
    case = await town.opens("nia@new.example.com")
    await town.begins(case, ALL, "nia")
    assert await town.step(case, Step.CHANGE_CONTACTS, ALL, "nia") == ("added", 1)
    assert await town.contacts("nia") == ["nia@new.example.com"]


async def test_contacts_that_are_kept_are_kept(town):
    case = await town.opens("ada@example.com")
    await town.begins(case, KEEP)
    assert await town.step(case, Step.CHANGE_CONTACTS, KEEP) == ("kept", 0)
    assert await town.contacts("ada") == ["ada@example.com", "+447700900001"]
    assert (await town.account("ada")).probation_until == UNTIL


async def test_a_contact_that_is_one_already_is_not_taken_off_with_the_others(town):
    case = await town.opens("ada@example.com")
    await town.begins(case, ALL)
    assert await town.step(case, Step.CHANGE_CONTACTS, ALL) == ("all_replaced", 1)
    assert await town.contacts("ada") == ["ada@example.com"]


async def test_a_former_contact_comes_back_as_young_as_it_is(town):
    await town.takes_off("ada", "ada@example.com", days_ago=5)
    case = await town.opens("ada@example.com")
    plan = await town.contact_id("ada", "+447700900001")
    await town.begins(case, plan)
    assert await town.step(case, Step.CHANGE_CONTACTS, plan) == ("replaced", 1)
    (contact,) = await town.contact_rows("ada")
    assert (contact.address, contact.added_by, contact.removed_by) == ("ada@example.com", case, "")
    async with town.database.read() as session:
        assert contact.since >= (await session.get_one(HandBackRow, case)).begun_at


async def test_a_plan_that_names_somebody_elses_contact_takes_nothing_off(town, case):
    plan = await town.contact_id("olu", "olu@example.com")
    await town.begins(case, plan)
    assert await town.step(case, Step.CHANGE_CONTACTS, plan) == ("added", 1)
    assert await town.contacts("olu") == ["olu@example.com", "olu@work.example.com", "+447700900002"]
    assert await town.contacts("ada") == ["ada@example.com", "+447700900001", NEW]


async def test_the_new_contact_is_sealed_for_the_owner_and_found_by_the_index(town, case, rings):
    await town.hands_back(case, ALL)
    async with town.database.read() as session:
        assert await directory.owners(session, rings, identify(NEW, "GB")) == [REFS["ada"]]
        (row,) = (
            await session.execute(select(AccountContactRow).where(col(AccountContactRow.added_by) == case))
        ).scalars()
    assert NEW not in row.address
    async with town.database.write() as session:
        await erasure.erase_case(session, case)
    assert await town.contacts("ada") == [NEW]  # the account's own now, not the case's


async def test_a_contact_that_was_erased_meanwhile_changes_nothing(town, case):
    await town.begins(case, ALL)
    async with town.database.write() as session:
        await erasure.erase_case(session, case)
    with pytest.raises(ApplicationError, match="erased") as refused:
        await run(town.claims.take_step, town.hand_back(case, ALL, step=Step.CHANGE_CONTACTS))
    assert refused.value.non_retryable
    assert await town.contacts("ada") == ["ada@example.com", "+447700900001"]


# ---- freeze and sessions ---------------------------------------------------------------------------------------------


async def test_the_freeze_of_the_claim_is_lifted(town, case):
    await town.freezes(case)
    assert await town.bar("ada") == "frozen"
    await town.begins(case, ALL)
    assert await town.step(case, Step.LIFT_FREEZE, ALL) == ("lifted", 1)
    assert await town.bar("ada") == ""


async def test_where_nothing_is_frozen_nothing_is_lifted(town, case):
    await town.begins(case, ALL)
    assert await town.step(case, Step.LIFT_FREEZE, ALL) == ("not_frozen", 0)


async def test_the_freeze_of_another_open_claim_stays(town, case):
    """Somebody else has proved a contact of the account and says that it is broken into: not heard yet."""
    other = await town.opens("ada@example.com")
    await town.freezes(other)
    await town.begins(case, ALL)
    assert await town.step(case, Step.LIFT_FREEZE, ALL) == ("kept", 0)
    assert await town.bar("ada") == "frozen"


async def test_the_freeze_of_a_claim_that_is_over_is_lifted(town, case):
    other = await town.opens("ada@example.com")
    await town.freezes(other)
    async with town.database.write() as session:
        row = await reads.case_row(session, other)
        row.closed_at = row.opened_at
    await town.begins(case, ALL)
    assert await town.step(case, Step.LIFT_FREEZE, ALL) == ("lifted", 1)


async def test_all_sessions_end_and_are_counted(town, case):
    await town.signs_in("ada", 3)
    await town.signs_in("olu")
    await town.begins(case, ALL)
    assert await town.step(case, Step.END_SESSIONS, ALL) == ("ended", 3)
    assert (await town.alive("ada"), await town.alive("olu")) == (0, 1)


async def test_a_session_that_slips_in_between_two_tries_ends_too(town, case):
    await town.signs_in("ada")
    await town.begins(case, ALL)
    await town.step(case, Step.END_SESSIONS, ALL)
    await town.signs_in("ada")
    assert await town.step(case, Step.END_SESSIONS, ALL) == ("ended", 2)
    assert await town.alive("ada") == 0


# ---- kills, and nobody's account -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [Step.LIFT_FREEZE, Step.CHANGE_CONTACTS, Step.END_SESSIONS])
async def test_a_kill_in_the_middle_of_a_step_leaves_nothing_half_done(town, case, step, monkeypatch):
    await town.freezes(case)
    await town.signs_in("ada", 2)
    await town.begins(case, ALL)
    before = await everything(town.database)

    def killed(*_, **__):
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "_kept", killed)
        with pytest.raises(RuntimeError):
            await run(town.claims.take_step, town.hand_back(case, ALL, step=step))
    assert await everything(town.database) == before
    taken = await town.step(case, step, ALL)
    assert taken in {("lifted", 1), ("all_replaced", 2), ("ended", 2)}


async def test_a_kill_between_taking_off_and_putting_in_leaves_the_contacts(town, case, monkeypatch):
    await town.begins(case, ALL)

    async def killed(*_, **__):
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(hand_backs, "_put_in", killed)
        with pytest.raises(RuntimeError):
            await run(town.claims.take_step, town.hand_back(case, ALL, step=Step.CHANGE_CONTACTS))
    assert await town.contacts("ada") == ["ada@example.com", "+447700900001"]


@pytest.mark.parametrize("step", sorted(steps.STEPS))
async def test_a_stand_in_is_handed_back_to_nobody(town, step):
    case = await town.opens()
    await town.begins(case, ALL, "acc_nobody")
    before = await everything(town.database)
    assert await town.step(case, step, ALL, "acc_nobody") == ("no_account", 0)
    assert await everything(town.database) == before


async def test_an_erased_owner_gets_nothing_back(town, case):
    """Nobody may become the owner of what was erased: no key is made anew for them."""
    await town.begins(case, ALL)
    async with town.database.write() as session:
        await erasure.erase_account(session, REFS["ada"])
    assert await town.step(case, Step.CHANGE_CONTACTS, ALL) == ("no_account", 0)
    assert await town.contacts("ada") == []
    async with town.database.read() as session:
        row = await session.get_one(AccountRow, REFS["ada"])
        assert await directory.username(session, town.rings, row) == ""


async def test_the_account_before_is_kept_without_anything_personal(town, case):
    await town.freezes(case)
    await town.begins(case, ALL)
    async with town.database.read() as session:
        row = await session.get_one(HandBackRow, case)
    assert not [word for word in ("ada", "example", "0900001") if word in str(row.before).replace(REFS["ada"], "")]
    assert set(row.before["contacts"]) == {contact.id for contact in await town.contact_rows("ada")}
