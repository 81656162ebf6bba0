"""Every contact is told, nobody twice, and one that cannot be reached keeps nobody else from being told."""

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col
from temporalio.testing import ActivityEnvironment

from activities.accounts.addresses import SqlAddressBook
from activities.contract import Notice
from activities.delivery.channels import Delayed, Undeliverable
from activities.notices import STOPPABLE, TO_THE_CLAIMANT, Addressee, Contact, SentNotices
from domain.case import Channel
from domain.contact_proof import Destination
from domain.policy import CURRENT_POLICY
from storage import access_links, directory
from storage.engine import Database
from storage.identifiers import Identifier, IdentifierKind
from storage.keys import Rings
from storage.models import AccessLinkRow, AccountContactRow, CasePersonRow, NoticeRow, ObjectionLinkRow
from storage.people import case_subject
from tests.activities.post_office import House, house
from tests.people import EVE, NOON, OLU, REFERENCE, days

WORK = "olu@work.example.com"
OLUS = Addressee(
    "olu",
    (
        Contact("a1", Channel.EMAIL, OLU.email, NOON - days(900)),
        Contact("b2", Channel.EMAIL, WORK, NOON - days(400)),
        Contact("c3", Channel.SMS, OLU.phone, NOON - days(2)),
    ),
)


class Book:
    """An account system that knows Olu only."""

    async def addressee(self, account: str, case: str) -> Addressee:
        return OLUS if account == OLU.account else Addressee("", ())


@pytest.fixture
async def home(database: Database, rings: Rings) -> House:
    return await house(database, rings)


def about(name: Any = "password-changed", **more: Any) -> Notice:
    wanted = {"case": REFERENCE, "account": OLU.account, "happened_at": NOON, "policy": CURRENT_POLICY, **more}
    return Notice(name, **wanted)


async def send(home: House, notice: Notice, book: Any = None) -> None:
    notices = SentNotices(home.db, home.row_keys, book or Book(), home.sender())
    await ActivityEnvironment().run(notices.send_notice, notice)


def told(home: House) -> list[str]:
    return sorted(message.to for message in home.mail.taken + home.text.taken)


async def links(home: House) -> list[ObjectionLinkRow]:
    async with home.db.read() as session:
        return list((await session.execute(select(ObjectionLinkRow))).scalars())


async def test_every_contact_is_told_once_however_often_it_is_asked_for(home: House) -> None:
    for _ in range(2):
        await send(home, about())
    assert told(home) == sorted([OLU.email, WORK, OLU.phone])


async def test_the_same_thing_at_another_moment_is_another_message(home: House) -> None:
    await send(home, about("password-not-set"))
    await send(home, about("password-not-set", happened_at=NOON + CURRENT_POLICY.proof_window))
    assert len(home.text.taken) == 2


async def test_one_refused_contact_keeps_nobody_else_from_being_told(home: House) -> None:
    home.mail.fails[WORK] = Undeliverable("SMTPRecipientRefused 550")
    await send(home, about())
    assert told(home) == sorted([OLU.email, OLU.phone])
    async with home.db.read() as session:
        states = sorted(row.state for row in (await session.execute(select(NoticeRow))).scalars())
    assert states == ["failed", "handed_over", "handed_over"]


async def test_it_is_final_only_if_nobody_could_be_told(home: House) -> None:
    for address in (OLU.email, WORK):
        home.mail.fails[address] = Undeliverable("SMTPRecipientRefused 550")
    home.text.fails[OLU.phone] = Undeliverable("HTTP 400")
    with pytest.raises(Undeliverable) as nobody:
        await send(home, about())
    assert nobody.value.non_retryable


async def test_a_delay_is_tried_again_for_those_who_were_not_told(home: House) -> None:
    home.mail.fails[WORK] = Delayed("Timeout")
    home.text.fails[OLU.phone] = Undeliverable("HTTP 400")
    with pytest.raises(Delayed):
        await send(home, about())
    home.mail.fails.clear()
    await send(home, about())
    assert told(home) == sorted([OLU.email, WORK])


async def test_a_fault_of_ours_is_not_hidden_behind_a_refusal(home: House) -> None:
    home.mail.fails |= {OLU.email: Undeliverable("SMTPRecipientRefused 550"), WORK: RuntimeError("ours")}
    with pytest.raises(RuntimeError, match="ours"):
        await send(home, about())


async def test_an_account_that_nobody_has_gets_no_message(home: House) -> None:
    await send(home, about(account="acc_nobody"))
    assert told(home) == []


async def test_a_changed_password_can_be_objected_to_for_the_account(home: House) -> None:
    await send(home, about())
    found = await links(home)
    assert len({link.digest for link in found}) == 3
    assert {(link.scope, link.account_ref, link.expires_at) for link in found} == {
        ("account", OLU.account, NOON + CURRENT_POLICY.objection_lifetime)
    }


@pytest.mark.parametrize("name", ["account-frozen", "freeze-ended"])
async def test_a_freeze_has_no_link_to_freeze_again(home: House, name: str) -> None:
    await send(home, about(name))
    assert len(told(home)) == 3
    assert await links(home) == []


async def test_a_lost_password_is_told_to_the_proved_contact_only(home: House) -> None:
    async with home.db.write() as session:
        sealed = await home.row_keys.seal(session, case_subject(REFERENCE), WORK)
        session.add(CasePersonRow(case_ref=REFERENCE, name="contact-2", kind="email", sealed=sealed, digest="d"))
    await send(home, about("password-not-set", only=Destination(Channel.EMAIL, "contact-2")))
    assert told(home) == [WORK]
    assert {link.scope for link in await links(home)} == {"case"}


async def test_an_erased_contact_cannot_be_told(home: House) -> None:
    async with home.db.write() as session:
        sealed = await home.row_keys.seal(session, case_subject(REFERENCE), WORK)
        session.add(CasePersonRow(case_ref=REFERENCE, name="contact-2", kind="email", sealed=sealed, digest="d"))
        await home.row_keys.erase(session, case_subject(REFERENCE))
    for contact in ("contact-2", "contact-3"):
        with pytest.raises(Undeliverable, match="Erased"):
            await send(home, about("password-not-set", only=Destination(Channel.EMAIL, contact)))


@pytest.mark.parametrize("name", sorted(STOPPABLE))
async def test_a_hand_back_can_be_stopped_as_long_as_it_can_be_stopped(home: House, name: str) -> None:
    await send(home, about(name, until=NOON + days(30)))
    assert {(link.scope, link.expires_at) for link in await links(home)} == {("claim", NOON + days(30))}
    assert all("not-me" in message.text for message in home.mail.taken + home.text.taken)


async def test_a_link_works_for_its_week_though_a_hold_is_shorter(home: House) -> None:
    await send(home, about("hold-started", until=NOON + days(1)))
    assert {link.expires_at for link in await links(home)} == {NOON + CURRENT_POLICY.objection_lifetime}


async def test_a_contact_that_came_after_the_dispute_is_told_without_a_button(home: House) -> None:
    await send(home, about("hold-started", until=NOON + days(7), disputed_at=NOON - days(10)))
    assert len(told(home)) == 3
    may = {link.notice.rpartition(".")[2]: link.may_object for link in await links(home)}
    assert may == {"a1": True, "b2": True, "c3": False}
    (text,) = home.text.taken
    assert "Stop it" not in text.text


async def test_a_contact_of_the_very_moment_of_the_dispute_may_object(home: House) -> None:
    await send(home, about("hold-started", until=NOON + days(7), disputed_at=NOON - days(2)))
    assert all(link.may_object for link in await links(home))


@pytest.mark.parametrize("name", ["hand-back-stopped", "hand-back-undone"])
async def test_what_is_stopped_already_has_no_button(home: House, name: str) -> None:
    await send(home, about(name))
    assert len(told(home)) == 3
    assert await links(home) == []


# ---- to the claimant ----------------------------------------------------------------------------------------


async def proved(home: House) -> Destination:
    """A contact that the case proved."""
    async with home.db.write() as session:
        sealed = await home.row_keys.seal(session, case_subject(REFERENCE), EVE.email)
        session.add(CasePersonRow(case_ref=REFERENCE, name="contact-2", kind="email", sealed=sealed, digest="d"))
    return Destination(Channel.EMAIL, "contact-2")


@pytest.mark.parametrize("name", sorted(TO_THE_CLAIMANT))
async def test_a_claimant_gets_one_message_with_one_way_in(home: House, name: str) -> None:
    notice = about(name, only=await proved(home), because="awaiting_review", until=NOON + days(1))
    for _ in range(2):
        await send(home, notice)
    (mail,) = home.mail.taken
    assert mail.to == EVE.email
    assert "olu" not in mail.text + mail.html + mail.subject
    async with home.db.read() as session:
        (way,) = (await session.execute(select(AccessLinkRow))).scalars()
        token = mail.text.partition("/access/")[2].split()[0]
        assert (await access_links.find(session, home.rings, token)) == way
    assert (way.case_ref, way.expires_at, way.used_at) == (REFERENCE, NOON + access_links.LIFETIME, None)
    assert token not in way.digest


async def test_a_message_that_is_sent_again_carries_the_same_way_in(home: House) -> None:
    notice = about("claim-received", only=await proved(home))
    home.mail.fails[EVE.email] = Delayed("Timeout")
    with pytest.raises(Delayed):
        await send(home, notice)
    async with home.db.read() as session:
        (first,) = (await session.execute(select(AccessLinkRow))).scalars()
    home.mail.fails.clear()
    await send(home, notice)
    async with home.db.read() as session:
        token = home.mail.taken[0].text.partition("/access/")[2].split()[0]
        assert await access_links.find(session, home.rings, token) == first


async def test_everybody_else_gets_no_way_in(home: House) -> None:
    await send(home, about("handed-back", until=NOON + days(7)))
    async with home.db.read() as session:
        assert (await session.execute(select(AccessLinkRow))).first() is None


# ---- whom the embedded directory knows ----------------------------------------------------------------------


async def olus(home: House) -> tuple[str, list[AccountContactRow]]:
    async with home.db.read() as session:
        (account,) = await directory.owners(session, home.rings, Identifier(IdentifierKind.USERNAME, "olu"))
        mine = col(AccountContactRow.account_ref) == account
        order = col(AccountContactRow.id)
        return account, list((await session.execute(select(AccountContactRow).where(mine).order_by(order))).scalars())


async def change(home: House, row: AccountContactRow, **values: Any) -> None:
    async with home.db.write() as session:
        await session.execute(update(AccountContactRow).where(col(AccountContactRow.id) == row.id).values(**values))


async def test_a_contact_that_this_claim_took_off_is_told_and_one_that_went_before_is_not(home: House) -> None:
    account, (first, second, third) = await olus(home)
    await change(home, first, removed_at=NOON, removed_by=REFERENCE)
    await change(home, second, removed_at=NOON, removed_by="0THERC1A1M")
    book = SqlAddressBook(home.db, home.rings)
    await send(home, about("handed-back", account=account, until=NOON + days(7)), book)
    found = await book.addressee(account, REFERENCE)
    assert [contact.id for contact in found.contacts] == [f"c{third.id}", f"c{first.id}"]
    assert len(told(home)) == 2


async def test_an_unsafe_contact_is_never_written_to(home: House) -> None:
    account, (first, second, third) = await olus(home)
    await change(home, first, is_safe=False)
    await change(home, third, is_safe=False, removed_at=NOON, removed_by=REFERENCE)
    book = SqlAddressBook(home.db, home.rings)
    for name in ("hold-started", "password-changed", "hand-back-undone"):
        await send(home, about(name, account=account), book)
    found = await book.addressee(account, REFERENCE)
    assert [contact.id for contact in found.contacts] == [f"c{second.id}"]
    assert len(set(told(home))) == 1


async def test_the_embedded_directory_knows_whom_to_tell(home: House) -> None:
    async with home.db.read() as session:
        named = Identifier(IdentifierKind.USERNAME, "olu")
        (account,) = await directory.owners(session, home.rings, named)
    book = SqlAddressBook(home.db, home.rings)
    for _ in range(2):
        await send(home, about(account=account), book)
    await send(home, about(account="acc_nobody"), book)
    assert told(home) == sorted([OLU.email, WORK, OLU.phone])
    assert "The account olu has" in home.mail.taken[0].text
    assert not any(OLU.email in mail.message_id for mail in home.mail.taken)
