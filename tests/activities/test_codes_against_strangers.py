"""What a code gives to somebody who has no right to it: nothing, whoever is named and however often."""

import dataclasses
import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from activities import codes as codes_activity
from activities.accounts.resolve import resolve
from activities.codes import DerivedCodes
from activities.contract import CodeToSend, CodeWanted
from domain.case import Channel
from domain.contact_proof import IDENTIFIER, Destination, Issue
from domain.policy import CURRENT_POLICY
from storage import codes, intake
from storage.identifiers import identify
from storage.intake import Browser
from storage.models import AccountContactRow, CodeIssueRow

PLENTY = dataclasses.replace(CURRENT_POLICY, sends_per_hour=1000, sends_per_day=1000)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
numbers = itertools.count(1)


@pytest.fixture
def database_url(sqlite_url):
    """`tests/storage` and `tests/workflows` run budgets and codes on both databases."""
    return sqlite_url


@pytest.fixture(autouse=True)
def one_hour(monkeypatch):
    """No window of a budget ends in the middle of a test."""

    async def noon(session):
        return NOON

    monkeypatch.setattr(codes_activity, "database_time", noon)


class Post:
    """A sender that only remembers."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send_code(self, message) -> None:
        self.sent.append(message)


class Desk:
    """Makes codes and sends them, as a worker does, for cases that are opened as the web does."""

    def __init__(self, database, rings) -> None:
        self.database, self.rings, self.post = database, rings, Post()
        self.codes = DerivedCodes(database, rings, self.post)

    async def open(self, typed, policy=PLENTY):
        async with self.database.write() as session:
            return await intake.open_recovery(
                session,
                self.rings,
                identify(typed, "GB"),
                Browser(f"browser-{next(numbers)}"),
                key="key",
                policy=policy,
                starts_per_network=1000,
            )

    async def contact(self, opened, typed):
        async with self.database.write() as session:
            token = f"token-{next(numbers)}"
            return await intake.add_contact(
                session,
                self.rings,
                opened.reference,
                identify(typed, "GB"),
                Browser("b"),
                token=token,
                policy=PLENTY,
            )

    async def code(self, typed, *, contact="", policy=PLENTY):
        """A first code about somebody: the reference and what was made."""
        opened = await self.open(typed, policy)
        channel = Channel.SMS if typed.startswith("+") else Channel.EMAIL
        to = await self.contact(opened, contact) if contact else Destination(channel, IDENTIFIER)
        made = await self.codes.issue_code(CodeWanted(opened.reference, 1, to, policy))
        await self.codes.send_code(CodeToSend(opened.reference, 1, to, made.keys, NOON, policy))
        return opened, made

    def derived(self, opened, made):
        """The digests of the very code and link that somebody with the issue key would derive."""
        issue = Issue(1, NOON, Destination(Channel.EMAIL, IDENTIFIER), made.keys)
        case = dataclasses.replace(opened.case, issue=issue)
        key = made.keys.partition("/")[0]
        digits = codes.code(self.rings, opened.reference, 1, 6, key=key)
        link = codes.link(self.rings, opened.reference, 1, key=key)
        return intake.typed_code(self.rings, case, 1, digits), intake.link_token(self.rings, case, link)

    async def issue(self, opened) -> CodeIssueRow:
        async with self.database.read() as session:
            return await session.get_one(CodeIssueRow, (opened.reference, 1))


@pytest.fixture
def desk(database, rings):
    return Desk(database, rings)


async def test_code_and_link_of_an_account_are_those_of_the_message(desk):
    opened, made = await desk.code("ada@example.com")
    assert desk.derived(opened, made) == (made.digest, made.link_digest)
    assert [message.address for message in desk.post.sent] == ["ada@example.com"]


@pytest.mark.parametrize("typed", ["nobody@example.com", "+447700900999", "nobody@no-such-domain.example"])
async def test_nothing_that_can_be_typed_is_the_code_of_nobody(desk, typed):
    """Not even the code and the link that would be right if somebody were there; and nothing is sent."""
    opened, made = await desk.code(typed)
    code, link = desk.derived(opened, made)
    assert code != made.digest
    assert link != made.link_digest
    assert desk.post.sent == []


async def test_four_cases_of_an_account_hold_all_its_tries_and_the_fifth_gets_only_a_link(desk):
    """Twenty guesses a day, over all cases, channels and browsers; and the owner is not locked out by them."""
    for typed in ("ada@example.com", "+447700900001") * 2:
        opened, made = await desk.code(typed)
        assert desk.derived(opened, made)[0] == made.digest
    fifth, made = await desk.code("ada@example.com")
    code, link = desk.derived(fifth, made)
    assert code != made.digest
    assert link == made.link_digest
    assert [message.code is None for message in desk.post.sent] == [False] * 4 + [True]


async def test_guesses_by_a_username_are_of_the_same_budget(desk):
    for _ in range(2):
        await desk.code("ada@example.com")
        await desk.code("ada", contact="+447700900001")
    opened, made = await desk.code("ada", contact="ada@example.com")
    assert desk.derived(opened, made)[0] != made.digest


async def test_tries_of_one_account_are_not_those_of_another(desk):
    for _ in range(5):
        await desk.code("ada@example.com")
    opened, made = await desk.code("vip@example.com")
    assert desk.derived(opened, made)[0] == made.digest


async def test_of_many_cases_in_an_hour_five_send_something(desk):
    """A flood of a mailbox, by any of its contacts; whoever floods sees no difference."""
    for typed in ("ada@example.com", "+447700900001") * 4:
        await desk.code(typed)
    assert len(desk.post.sent) == 5


async def test_a_flood_of_nobody_is_counted_alike(desk):
    rows = [await desk.issue((await desk.code("nobody@example.com"))[0]) for _ in range(7)]
    assert [row.silent for row in rows] == [False] * 5 + [True] * 2
    assert [row.link_only for row in rows] == [False] * 4 + [True] * 3


@pytest.mark.parametrize(
    ("username", "contact", "arrives"),
    [
        ("vip", "vip@example.com", True),
        ("vip", "ada@example.com", False),
        ("nobody", "ada@example.com", False),
        ("nia", "ada@example.com", False),
    ],
)
async def test_a_contact_of_another_account_gets_nothing_for_a_username(desk, username, contact, arrives):
    opened, made = await desk.code(username, contact=contact)
    code, link = desk.derived(opened, made)
    assert (code == made.digest) is arrives
    assert (link == made.link_digest) is arrives
    assert [message.address for message in desk.post.sent] == [contact] * arrives


async def test_a_stand_in_is_the_same_for_the_same_name_and_another_for_another(desk):
    async with desk.database.read() as session:

        async def found(*typed):
            return (await resolve(session, desk.rings, *(identify(one, "GB") for one in typed))).accounts

        nobody = await found("nobody@example.com", "nobody@example.com")
        assert nobody == await found("nobody@example.com", "nobody@example.com")
        assert nobody != await found("nobody", "nobody@example.com")
        assert nobody != await found("anybody@example.com", "anybody@example.com")
        ada = await found("ada@example.com", "ada@example.com")
    assert len(nobody[0]) == len(ada[0])
    assert nobody[0][:4] == ada[0][:4]


async def many_phones(desk, *numbers_of_people):
    """Give these numbers to Ada, so that a message to each has a receiver."""
    async with desk.database.write() as session:
        (ada,) = (await resolve(session, desk.rings, *[identify("ada@example.com", "GB")] * 2)).accounts
        for number in numbers_of_people:
            index = desk.rings.index.digest("contact", "phone", number)
            row = AccountContactRow(account_ref=ada, kind="phone", index=index, address="", since=NOON)
            session.add(row)


async def test_text_messages_of_a_day_are_capped(desk):
    """SMS pumping: somebody earns with every message to numbers of theirs."""
    few = dataclasses.replace(PLENTY, sms_per_day=3, starts_per_account=1000)
    for _ in range(5):
        await desk.code("+447700900001", policy=few)
    assert len(desk.post.sent) == 3
    await desk.code("ada@example.com", policy=few)
    assert len(desk.post.sent) == 4


async def test_text_messages_to_one_country_are_capped(desk):
    few = dataclasses.replace(PLENTY, sms_per_prefix=2, starts_per_account=1000)
    await many_phones(desk, "+37060000001", "+37060000002", "+37060000003")
    for number in ("+37060000001", "+37060000002", "+37060000003", "+447700900001"):
        await desk.code(number, policy=few)
    assert [message.address for message in desk.post.sent] == ["+37060000001", "+37060000002", "+447700900001"]


async def test_a_message_sent_again_after_a_crash_counts_once(desk):
    few = dataclasses.replace(PLENTY, sms_per_day=1)
    opened, made = await desk.code("+447700900001", policy=few)
    to = Destination(Channel.SMS, IDENTIFIER)
    await desk.codes.send_code(CodeToSend(opened.reference, 1, to, made.keys, NOON, few))
    assert len(desk.post.sent) == 2
