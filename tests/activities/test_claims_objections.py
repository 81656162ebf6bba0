"""Who may stop a hand-back: an older contact, by a link or by recovering the account; a younger one may not."""

import dataclasses
from datetime import timedelta

import pytest

from activities.contract import Freeze, NewPassword
from domain.case import Channel, Kind, workflow_id
from domain.claim import Proposal, State
from domain.claim_events import Survey
from domain.contact_proof import IDENTIFIER, CodeIssued, Destination
from domain.decisions import ALL, KEEP
from domain.policy import CURRENT_POLICY
from domain.recovery import CaseOpened
from storage import intake, reads, writes
from storage.engine import database_time
from storage.models import CaseRow, ReceivedRow
from tests.activities.claimants import REFS, Town, run, twice
from tests.people import NOON

NEW = "eve@example.net"
OWN = "a password of the claim's own"


@pytest.fixture
def town(database, rings):
    return Town(database, rings)


async def code_went_out(town, new: NewPassword, typed="ada@example.com"):
    """The recovery's code was sent to what was typed into the one box."""
    channel = Channel.EMAIL if "@" in typed else Channel.SMS
    async with town.database.write() as session:
        now = await database_time(session)
        await writes.record(session, town.rings.audit, new.case, 0, (CaseOpened(now),))
        issued = CodeIssued(now, 1, (new.account,), "k/k", "d", "l")
        await writes.record(session, town.rings.audit, new.case, 1, (issued,))
        case = reads.case_of(await session.get_one(CaseRow, new.case))
    assert case.issue.to == Destination(channel, IDENTIFIER)


async def recovers(town, typed="ada@example.com", account="ada"):
    """Somebody recovers the account by this contact; what that answered, twice."""
    new = await town.recovers(typed, account)
    await code_went_out(town, new, typed)
    return await twice(town.database, town.accounts.apply_password, new)


async def received(town, name):
    async with town.database.read() as session:
        return await session.get(ReceivedRow, name)


def freeze_of(case):
    return Freeze(case, REFS["ada"], "", CURRENT_POLICY)


def proposed(plan):
    return Proposal("decision/1", "sam", plan, NOON)


# ---- a recovery is an objection --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.COOLING_OFF, State.HANDING_BACK])
async def test_a_recovery_by_an_older_contact_stops_a_claim_that_would_replace_it(town, state):
    claim = await town.opens(NEW)
    await town.stands(claim, state, plan=ALL)
    result = await recovers(town)
    assert result.result == "applied"
    ((workflow, name),) = result.objections
    assert workflow == workflow_id(Kind.CLAIM, claim)
    row = await received(town, name)
    assert (row.case_ref, row.kind, row.data["may_object"], row.answered_at) == (claim, "objection", True, None)
    begun = await run(town.claims.begin_hand_back, town.hand_back(claim, ALL))
    assert (begun.begun, begun.received) == (False, name)


async def test_a_proposal_counts_as_what_would_be_done(town):
    claim = await town.opens(NEW)
    await town.stands(claim, State.AWAITING_SECOND_APPROVAL, proposal=proposed(ALL))
    assert len((await recovers(town)).objections) == 1


async def test_the_contact_that_would_be_replaced_is_the_one_that_counts(town):
    claim = await town.opens(NEW)
    email = await town.contact_id("ada", "ada@example.com")
    await town.stands(claim, State.COOLING_OFF, plan=email)
    assert (await recovers(town, "+447700900001")).objections == ()
    assert len((await recovers(town)).objections) == 1


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        (State.COOLING_OFF, {"plan": KEEP}),
        (State.AWAITING_REVIEW, {"plan": ""}),
        (State.CONTESTED, {"plan": ALL}),
        (State.DENIED, {"plan": ALL}),
    ],
)
async def test_a_claim_that_replaces_nothing_is_left_alone(town, state, changes):
    claim = await town.opens(NEW)
    await town.stands(claim, state, **changes)
    assert (await recovers(town)).objections == ()


async def test_a_claim_whose_hand_back_began_is_for_its_probation(town):
    claim = await town.opens(NEW)
    found = await town.stands(claim, State.HANDING_BACK, plan=ALL)
    await town.stands(claim, State.HANDING_BACK, plan=ALL, begun_at=found.opened_at)
    assert (await recovers(town)).objections == ()


async def test_a_claim_about_another_account_is_left_alone(town):
    claim = await town.opens(NEW)
    await town.stands(claim, State.COOLING_OFF, "olu", plan=ALL)
    assert (await recovers(town)).objections == ()


async def test_the_claimants_own_contact_objects_to_nothing(town):
    """In the probation the account has the contact that the claim put in; recovering by it is using it."""
    claim = await town.opens(NEW)
    await town.stands(claim, State.HANDING_BACK, plan=ALL)
    await town.hands_back(claim, ALL)
    await town.stands(claim, State.PROBATION, plan=ALL)
    assert (await recovers(town, NEW)).objections == ()


async def test_a_recovery_by_a_younger_contact_is_noted_and_stops_nothing(town):
    """The thief took Ada's address off and put in his own; he may recover by it, and not stop Ada."""
    await town.takes_off("ada", "ada@example.com", days_ago=3)
    await town.puts_in("ada", "thief@example.net", days_ago=2)
    claim = await town.opens("ada@example.com")
    async with town.database.read() as session:
        three_days_ago = await database_time(session) - timedelta(days=3)
    survey = Survey(REFS["ada"], disputed_at=three_days_ago)
    await town.stands(claim, State.COOLING_OFF, plan=ALL, survey=survey)
    ((_, name),) = (await recovers(town, "thief@example.net")).objections
    assert (await received(town, name)).data["may_object"] is False
    assert (await run(town.claims.begin_hand_back, town.hand_back(claim, ALL))).begun


async def test_a_recovery_that_sets_no_password_objects_to_nothing(town):
    claim = await town.opens(NEW)
    await town.stands(claim, State.COOLING_OFF, plan=ALL)
    new = await town.recovers("ada@example.com", "ada")
    await code_went_out(town, new)
    await town.freezes("AAAAAAAAAA")
    result = await run(town.accounts.apply_password, new)
    assert (result.result, result.objections) == ("barred", ())
    assert await town.count(ReceivedRow) == 0


async def test_neither_happens_without_the_other(town, monkeypatch):
    """A kill after the password was set and before it was committed leaves no objection either."""
    claim = await town.opens(NEW)
    await town.stands(claim, State.COOLING_OFF, plan=ALL)
    new = await town.recovers("ada@example.com", "ada")
    await code_went_out(town, new)

    async def killed(*_, **__):
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr("storage.directory.end_sessions", killed)
        with pytest.raises(RuntimeError):
            await run(town.accounts.apply_password, new)
    assert await town.count(ReceivedRow) == 0
    assert await town.fits("ada", "ada-current-2025")
    assert len((await run(town.accounts.apply_password, new)).objections) == 1


async def test_the_objection_is_named_again_after_the_claim_was_stopped(town):
    """The answer got lost, and the claim has heard of it meanwhile."""
    claim = await town.opens(NEW)
    await town.stands(claim, State.COOLING_OFF, plan=ALL)
    new = await town.recovers("ada@example.com", "ada")
    await code_went_out(town, new)
    first = await run(town.accounts.apply_password, new)
    await town.stands(claim, State.CONTESTED, plan=ALL)
    assert await run(town.accounts.apply_password, new) == first


# ---- the password of a claim -----------------------------------------------------------------------------------------


async def own_password(town, claim, opened_at=None):
    """The password that the claimant has typed behind the mailed link."""
    async with town.database.write() as session:
        secret = await intake.seal_secret(session, town.rings, claim, "password", OWN, token=f"{claim:0<32}")
        now = await database_time(session)
    return NewPassword(claim, REFS["ada"], secret, opened_at or now)


@pytest.fixture
async def handed_back(town):
    claim = await town.opens(NEW)
    await town.stands(claim, State.HANDING_BACK, plan=ALL)
    await town.hands_back(claim, ALL)
    await town.stands(claim, State.PROBATION, plan=ALL)
    return claim


async def test_the_claimant_sets_a_password(town, handed_back):
    await town.signs_in("ada", 2)
    result = await twice(town.database, town.accounts.apply_password, await own_password(town, handed_back))
    assert (result.result, result.sessions, result.objections) == ("applied", 2, ())
    assert await town.fits("ada", OWN)


async def test_an_objection_in_the_probation_comes_before_the_password(town, handed_back):
    name = await town.objects(handed_back)
    result = await twice(town.database, town.accounts.apply_password, await own_password(town, handed_back))
    assert (result.result, result.received) == ("objected", name)
    assert not await town.fits("ada", OWN)


@pytest.mark.parametrize("how", ["judged", "younger", "opening"])
async def test_an_objection_that_stops_nothing_is_not_in_the_way_of_the_password(town, handed_back, how):
    name = await town.objects(handed_back, answered=how == "judged", may_object=how != "younger")
    if how == "opening":
        async with town.database.write() as session:
            row = await session.get_one(CaseRow, handed_back)
            row.opening = {**row.opening, "objection": name}
    result = await run(town.accounts.apply_password, await own_password(town, handed_back))
    assert result.result == "applied"


async def test_a_contested_claim_sets_no_password(town, handed_back):
    new = await own_password(town, handed_back)
    await town.objects(handed_back, answered=True)
    await town.stands(handed_back, State.CONTESTED)
    assert (await run(town.accounts.apply_password, new)).result == "objected"


async def test_a_frozen_account_gets_no_password(town, handed_back):
    await town.freezes(handed_back, needed=True)
    result = await run(town.accounts.apply_password, await own_password(town, handed_back))
    assert (result.result, result.sight.standing) == ("barred", "frozen")


async def test_a_recovery_after_the_hand_back_was_quicker(town, handed_back):
    new = await own_password(town, handed_back)
    assert (await recovers(town, NEW)).result == "applied"
    assert (await run(town.accounts.apply_password, new)).result == "superseded"


async def test_a_recovery_before_the_hand_back_is_no_obstacle(town):
    await recovers(town)
    claim = await town.opens(NEW)
    await town.stands(claim, State.HANDING_BACK, plan=ALL)
    await town.hands_back(claim, ALL)
    assert (await run(town.accounts.apply_password, await own_password(town, claim))).result == "applied"


# ---- freezes ---------------------------------------------------------------------------------------------------------


async def test_a_needed_freeze_has_no_end_and_no_interval(town):
    assert await town.freezes("AAAAAAAAAA")
    assert not await town.freezes("BBBBBBBBBB")
    assert await town.freezes("BBBBBBBBBB", needed=True)
    assert (await town.account("ada")).frozen_until is None
    assert await town.bar("ada") == "frozen"


async def test_a_needed_freeze_takes_the_end_off_the_claims_own(town):
    await town.freezes("AAAAAAAAAA")
    assert (await town.account("ada")).frozen_until is not None
    frozen_at = (await town.account("ada")).frozen_at
    assert await town.freezes("AAAAAAAAAA", needed=True)
    account = await town.account("ada")
    assert account.frozen_until is None
    assert account.frozen_at >= frozen_at


async def test_a_needed_freeze_leaves_the_owner_their_automatic_one(town):
    await town.freezes("AAAAAAAAAA", needed=True)
    await run(town.accounts.end_freeze, freeze_of("AAAAAAAAAA"))
    assert await town.freezes("BBBBBBBBBB")


async def test_nobody_gives_an_end_to_a_freeze_that_another_case_needs(town):
    """A second claim, the thief's maybe, must not shorten the freeze of the first."""
    await town.freezes("AAAAAAAAAA", needed=True)
    assert await town.freezes("BBBBBBBBBB")
    assert (await town.account("ada")).frozen_until is None
    assert not await run(town.accounts.end_freeze, freeze_of("BBBBBBBBBB"))
    assert await town.bar("ada") == "frozen"


async def test_the_end_of_a_freeze_says_whose_it_was(town):
    await town.freezes("AAAAAAAAAA")
    assert not await twice(town.database, town.accounts.end_freeze, freeze_of("BBBBBBBBBB"))
    assert await twice(town.database, town.accounts.end_freeze, freeze_of("AAAAAAAAAA"))
    assert await town.bar("ada") == ""


async def test_a_needed_freeze_is_put_on_once(town):
    await town.signs_in("ada", 2)
    frozen = await twice(
        town.database, town.accounts.freeze_account, dataclasses.replace(freeze_of("AAAAAAAAAA"), needed=True)
    )
    assert (frozen.frozen, frozen.sessions) == (True, 2)
