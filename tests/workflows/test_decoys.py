"""Nobody can tell whether an account exists: a case about nobody lives like any other, and sends nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.errors import CodeIsOver, LinkIsOver
from domain.recovery import State
from storage import codes
from storage.models import NoticeRow
from tests.house import on_sqlite, wrong

MINUTE = timedelta(minutes=1)


async def notices(house):
    async with house.database.read() as session:
        return list((await session.execute(select(NoticeRow))).scalars())


async def through_its_code(house, typed):
    """A case from its beginning to the end of its first code: (what was visible, states, events, history)."""
    opened = await house.open(typed)
    await house.until(opened.reference, State.AWAITING_CODE)
    await house.idle(opened.reference)
    seen = [await house.submit(opened, "12 34 56") for _ in range(2)]
    await house.skip(opened.reference, MINUTE)
    await house.until_case(opened.reference, lambda case: case.resend_open)
    await house.skip(opened.reference, 9 * MINUTE)
    case = await house.until(opened.reference, State.AWAITING_RESEND)
    history = [kind for kind in await house.idle(opened.reference) if "skipping" not in kind]
    return seen, case.codes_left, await house.kinds(opened.reference), history


@on_sqlite
async def test_a_decoy_leaves_the_same_traces_as_an_account(house):
    ada, nobody = [await through_its_code(house, typed) for typed in ("ada@example.com", "nobody@example.com")]
    assert ada[:3] == nobody[:3]
    assert sorted(ada[3]) == sorted(nobody[3])
    assert [code.address for code in house.outbox.codes] == ["ada@example.com"]


@on_sqlite
@pytest.mark.parametrize("typed", ["nobody@example.com", "+447700900999"])
async def test_nothing_is_sent_for_a_decoy(house, typed):
    opened = await house.open(typed)
    await house.until(opened.reference, State.AWAITING_CODE)
    await house.idle(opened.reference)
    assert house.outbox.is_empty
    assert await notices(house) == []


@on_sqlite
async def test_no_code_and_no_link_ever_wins_for_a_decoy(house):
    """Not even the one that would be right if somebody were there."""
    opened = await house.open("nobody@example.com")
    case = await house.until(opened.reference, State.AWAITING_CODE)
    key = case.issue.keys.partition("/")[0]
    with pytest.raises(LinkIsOver):
        await house.use_link(opened, codes.link(house.rings, opened.reference, 1, key=key))
    derived = codes.code(house.rings, opened.reference, 1, 6, key=key)
    for typed in (derived, wrong(derived), "", derived + derived, derived):
        assert (await house.submit(opened, typed)).event == "code_refused"
    with pytest.raises(CodeIsOver):
        await house.submit(opened, derived)
    assert (await house.case(opened.reference)).state == State.AWAITING_RESEND


@on_sqlite
async def test_an_account_without_contacts_looks_like_nobody(house):
    """Nia has lost every contact: her username leads to a page that asks for one, as any other does."""
    for username in ("nia", "nobody"):
        opened = await house.open(username)
        await house.until(opened.reference, State.AWAITING_CONTACT)
        answer = await house.give_contact(opened, "nia@example.com")
        assert answer.state == State.AWAITING_CODE
        await house.idle(opened.reference)
    assert house.outbox.is_empty
