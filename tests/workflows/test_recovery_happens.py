"""The promise of the whole product, told in code: somebody proves a contact and sets a new password."""

from domain.recovery import State


async def test_ada_gets_her_account_back_by_code(house):
    opened = await house.open("ada@example.com")
    message = await house.message(opened.reference)
    answer = await house.submit(opened, message.code)
    assert answer.state == State.AWAITING_NEW_PASSWORD
    answer = await house.set_password(opened, "a new and long password")
    assert answer.state == State.RECOVERED
    assert await house.password_fits("ada", "a new and long password")
    assert not await house.password_fits("ada", "ada-current-2025")
