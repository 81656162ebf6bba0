"""Whoever posts the mailed link continues the case: starting one for somebody else gains nothing."""

import pytest

from domain.errors import LinkIsOver, NotYours
from domain.recovery import State
from storage.reads import Access

NEW = "a new and long password"


async def test_ada_takes_over_the_case_that_eve_began(house):
    eve = await house.open("ada@example.com", browser="eve-laptop")
    message = await house.message(eve.reference)
    ada = await house.link_browser(eve.reference, "ada-phone")
    assert await house.access(ada) is Access.NONE
    answer = await house.use_link(ada, message.link)
    assert (answer.event, answer.state) == ("code_accepted", State.AWAITING_NEW_PASSWORD)
    assert await house.access(eve) is Access.MOVED
    assert await house.access(ada) is Access.HOLDS
    with pytest.raises(NotYours):
        await house.set_password(eve, "what eve would like")
    with pytest.raises(NotYours):
        await house.withdraw(eve)
    assert (await house.set_password(ada, NEW)).state == State.RECOVERED
    assert await house.password_fits("ada", NEW)


async def test_the_link_works_in_the_browser_that_began(house):
    ada = await house.open("ada@example.com")
    answer = await house.use_link(ada, (await house.message(ada.reference)).link)
    assert answer.state == State.AWAITING_NEW_PASSWORD
    assert await house.access(ada) is Access.HOLDS


async def test_a_made_up_link_moves_nothing(house):
    ada = await house.open("ada@example.com")
    await house.message(ada.reference)
    eve = await house.link_browser(ada.reference, "eve-laptop")
    with pytest.raises(LinkIsOver):
        await house.use_link(eve, "made-up-token-of-eve")
    assert await house.access(eve) is Access.NONE
    assert await house.access(ada) is Access.HOLDS


async def test_a_link_is_used_once(house):
    ada = await house.open("ada@example.com")
    link = (await house.message(ada.reference)).link
    await house.use_link(ada, link)
    eve = await house.link_browser(ada.reference, "eve-laptop")
    with pytest.raises(LinkIsOver):
        await house.use_link(eve, link)
    assert await house.access(ada) is Access.HOLDS
