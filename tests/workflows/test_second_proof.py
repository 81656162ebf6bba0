"""An account with a second factor needs a saved recovery code too; a message is never a second proof."""

from domain.recovery import State
from tests.house import on_sqlite

NEW = "a new and long password"


async def test_olu_proves_twice(house):
    opened = await house.prove("olu@example.com")
    assert (await house.case(opened.reference)).state == State.AWAITING_SECOND_PROOF
    answer = await house.second_proof(opened, "olua 0001")
    assert (answer.event, answer.state) == ("second_proof_accepted", State.AWAITING_NEW_PASSWORD)
    assert await house.vault() == []
    assert (await house.set_password(opened, NEW)).state == State.RECOVERED
    assert await house.password_fits("olu", NEW)


async def test_a_saved_code_is_burnt_once(house):
    first = await house.prove("olu@example.com")
    await house.second_proof(first, "OLUA-0001")
    second = await house.prove("olu@work.example.com")
    answer = await house.second_proof(second, "OLUA-0001")
    assert (answer.event, answer.state) == ("second_proof_refused", State.AWAITING_SECOND_PROOF)
    assert (await house.second_proof(second, "OLUA-0002")).state == State.AWAITING_NEW_PASSWORD


@on_sqlite
async def test_three_wrong_saved_codes_lead_to_a_claim(house):
    opened = await house.prove("olu@example.com")
    answers = [await house.second_proof(opened, f"OLUA-999{number}") for number in range(3)]
    assert [answer.state for answer in answers] == [State.AWAITING_SECOND_PROOF] * 2 + [State.REFERRED]
    assert (await house.case(opened.reference)).because == "second_proof"
    assert await house.vault() == []
    assert await house.password_fits("olu", "olu-current-2025")


@on_sqlite
async def test_the_code_of_a_message_is_no_second_proof(house):
    """Not the one just used, and not one that went to another contact of the same account."""
    opened = await house.prove("olu@example.com")
    other = await house.open("+44 7700 900002", browser="eve-laptop")
    for code in ((await house.message(opened.reference)).code, (await house.message(other.reference)).code):
        assert (await house.second_proof(opened, code)).event == "second_proof_refused"


@on_sqlite
async def test_the_link_of_a_message_skips_no_second_proof(house):
    opened = await house.open("olu@example.com")
    answer = await house.use_link(opened, (await house.message(opened.reference)).link)
    assert answer.state == State.AWAITING_SECOND_PROOF
