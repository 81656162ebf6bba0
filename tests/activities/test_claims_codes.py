"""Codes of a claim: to whatever was typed, counted for whoever reads it; and the link that hands an account back."""

import dataclasses

import pytest
from sqlalchemy import select
from sqlmodel import col

from activities.codes import DerivedCodes
from activities.contract import CodeToSend, CodeWanted
from domain.case import Channel
from domain.contact_proof import Destination
from domain.policy import CURRENT_POLICY
from storage import codes, erasure, intake, intake_claim, reads
from storage.models import BudgetRow, CodeIssueRow, NoticeRow, ObjectionLinkRow
from tests.activities.claimants import REFS, Town, run, twice
from tests.house import Outbox
from tests.people import NOON

NEW = "ada@new.example.com"
BY_EMAIL = Destination(Channel.EMAIL, intake_claim.CONTACT)
BY_SMS = Destination(Channel.SMS, intake_claim.CONTACT)


class Desk(Town):
    """The town, with codes that are made and sent."""

    def __init__(self, database, rings):
        super().__init__(database, rings)
        self.outbox = Outbox(database, rings)
        self.codes = DerivedCodes(database, rings, self.outbox)

    async def issues(self, case, issue=1, *, purpose="contact", to=BY_EMAIL, policy=CURRENT_POLICY):
        return await run(self.codes.issue_code, CodeWanted(case, issue, to, policy, purpose))

    async def sends(self, case, made, issue=1, *, purpose="contact", to=BY_EMAIL, account="", policy=CURRENT_POLICY):
        send = CodeToSend(case, issue, to, made.keys, NOON, policy, purpose, account)
        await twice(self.database, self.codes.send_code, send)

    async def wins(self, case, made, typed, issue=1):
        """Whether this is the code of the issue."""
        async with self.database.read() as session:
            claim = reads.case_of(await reads.case_row(session, case))
        return intake.typed_code(self.rings, claim, issue, typed) == made.digest

    async def link_wins(self, case, made, token):
        return codes.link_digest(self.rings, case, token, key=made.keys.partition("/")[2]) == made.link_digest

    async def tries(self):
        async with self.database.read() as session:
            rows = (await session.execute(select(BudgetRow).where(col(BudgetRow.bucket).like("tries/%")))).scalars()
            return {row.bucket: (row.used, row.reserved) for row in rows}


@pytest.fixture
def desk(database, rings):
    return Desk(database, rings)


# ---- the proof of a contact ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contact", [NEW, "ada@example.com", "nobody@example.com"])
async def test_whoever_reads_what_was_typed_gets_a_code(desk, contact):
    """There is no decoy of it: it proves a mailbox, not an account."""
    case = await desk.opens(contact)
    made = await twice(desk.database, desk.codes.issue_code, CodeWanted(case, 1, BY_EMAIL, CURRENT_POLICY, "contact"))
    assert made.accounts == ()
    await desk.sends(case, made)
    (message,) = {(sent.address, sent.code, sent.link, sent.username) for sent in desk.outbox.codes}
    assert (message[0], message[3]) == (contact, "")
    assert await desk.wins(case, made, message[1])
    assert await desk.link_wins(case, made, message[2])
    assert desk.outbox.told("claim-code") == [contact, contact]  # asked twice
    assert len(desk.outbox.mail.taken) == 1


async def test_a_code_of_a_claim_goes_by_text_message_too(desk):
    case = await desk.opens("+44 7700 900666")
    await desk.sends(case, await desk.issues(case, to=BY_SMS), to=BY_SMS)
    assert [text.to for text in desk.outbox.text.taken] == ["+447700900666"]


async def test_text_messages_of_claims_count_with_all_others(desk):
    few = dataclasses.replace(CURRENT_POLICY, sms_per_day=1)
    for number in ("+44 7700 900666", "+44 7700 900667"):
        case = await desk.opens(number)
        await desk.sends(case, await desk.issues(case, to=BY_SMS, policy=few), to=BY_SMS, policy=few)
    assert len(desk.outbox.text.taken) == 1


async def test_the_address_belongs_to_the_claimant_and_goes_with_the_case(desk):
    case = await desk.opens()
    await desk.sends(case, await desk.issues(case))
    async with desk.database.read() as session:
        (notice,) = (await session.execute(select(NoticeRow))).scalars()
        assert (notice.subject, notice.template) == (f"case/{case}", "claim-code")
        assert (await session.execute(select(ObjectionLinkRow))).first() is None  # nothing to object to


async def test_tries_are_counted_for_the_contact_over_all_claims(desk):
    for _ in range(2):
        await desk.issues(await desk.opens())
    ((bucket, counted),) = (await desk.tries()).items()
    assert bucket.startswith("tries/contact/")
    assert counted == (0, 2 * CURRENT_POLICY.tries_per_code)
    assert "example" not in bucket


async def test_the_tries_of_an_account_are_left_to_its_owner(desk):
    """A stranger who types the owner's address into claims cannot use the owner's tries up."""
    await desk.issues(await desk.opens("ada@example.com"))
    assert f"tries/{REFS['ada']}" not in await desk.tries()


async def test_with_the_days_tries_spent_only_the_link_works(desk):
    few = dataclasses.replace(CURRENT_POLICY, tries_per_account=CURRENT_POLICY.tries_per_code)
    await desk.issues(await desk.opens(), policy=few)
    case = await desk.opens()
    made = await desk.issues(case, policy=few)
    await desk.sends(case, made, policy=few)
    sent = desk.outbox.codes[-1]
    assert sent.code is None
    right = codes.code(desk.rings, case, 1, 6, key=made.keys.partition("/")[0])
    assert not await desk.wins(case, made, right)
    assert await desk.link_wins(case, made, sent.link)


async def test_a_contact_that_was_erased_gets_nothing(desk):
    case = await desk.opens()
    async with desk.database.write() as session:
        await erasure.erase_case(session, case)
    made = await desk.issues(case)
    await desk.sends(case, made)
    assert desk.outbox.is_empty
    assert await desk.tries() == {}


# ---- the link of a hand-back -----------------------------------------------------------------------------------------


async def test_a_hand_back_is_a_link_and_the_name_of_the_account(desk):
    case = await desk.opens()
    wanted = CodeWanted(case, 2, BY_EMAIL, CURRENT_POLICY, "hand_back")
    made = await twice(desk.database, desk.codes.issue_code, wanted)
    await desk.sends(case, made, 2, purpose="hand_back", account=REFS["ada"])
    sent = desk.outbox.codes[0]
    assert (sent.address, sent.code, sent.username) == (NEW, None, "ada")
    assert await desk.link_wins(case, made, sent.link)
    assert await desk.tries() == {}
    assert set(desk.outbox.told("hand-back-link")) == {NEW}


async def test_no_typed_code_ever_fits_a_hand_back(desk):
    case = await desk.opens()
    made = await desk.issues(case, 2, purpose="hand_back")
    right = codes.code(desk.rings, case, 2, 6, key=made.keys.partition("/")[0])
    assert not await desk.wins(case, made, right, 2)
    async with desk.database.read() as session:
        row = await session.get_one(CodeIssueRow, (case, 2))
    assert (row.link_only, row.reserved, row.buckets) == (True, 0, [])


@pytest.mark.parametrize("account", ["acc_nobody", ""])
async def test_nothing_is_handed_back_to_a_stand_in(desk, account):
    case = await desk.opens()
    made = await desk.issues(case, 2, purpose="hand_back")
    await desk.sends(case, made, 2, purpose="hand_back", account=account)
    assert desk.outbox.is_empty


async def test_nothing_of_an_erased_owner_is_handed_back(desk):
    case = await desk.opens()
    made = await desk.issues(case, 2, purpose="hand_back")
    async with desk.database.write() as session:
        await erasure.erase_account(session, REFS["ada"])
    await desk.sends(case, made, 2, purpose="hand_back", account=REFS["ada"])
    assert desk.outbox.is_empty
