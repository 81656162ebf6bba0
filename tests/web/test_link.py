"""The mailed link: only posting it counts, and it moves the case to the browser that posts it."""

from datetime import timedelta

from tests.web.stage import Browser, FakeGateway
from web.gateway import Unavailable


async def test_opening_the_link_changes_nothing(ada: Browser, eve: Browser, gateway: FakeGateway) -> None:
    reference = await eve.ask("ada@example.com")
    told = len(gateway.told)
    await ada.get(gateway.link(reference))
    assert ada.title == "Go on in this browser?"
    assert "Firefox on Linux" in ada.said
    assert len(gateway.told) == told
    await eve.get(eve.address)
    assert eve.title == "Enter the code"


async def test_the_link_moves_the_case_to_the_browser_that_posts_it(
    ada: Browser, eve: Browser, gateway: FakeGateway
) -> None:
    reference = await eve.ask("ada@example.com")
    link = gateway.link(reference)
    await ada.get(link)
    await ada.post(link)
    assert ada.title == "Choose a new password"
    case = ada.address
    await eve.get(case)
    assert eve.title == "This case is continued elsewhere"
    assert (await eve.client.post(f"{case}/password", data={"new_password": "x" * 12})).status_code == 404
    assert (await eve.client.get(f"{case}/events")).headers["Content-Type"].startswith("text/html")


async def test_the_same_browser_keeps_its_case(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    link = gateway.link(reference)
    await ada.get(link)
    await ada.post(link)
    assert ada.title == "Choose a new password"


async def test_a_used_link_says_so(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    link = gateway.link(reference)
    await ada.get(link)
    await ada.post(link)
    answer = await ada.get(link)
    assert answer.status_code == 410
    assert ada.title == "This link no longer works"
    assert (await ada.post(link, key="again")).status_code == 410


async def test_an_old_link_says_so(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = timedelta(minutes=-31)
    reference = await ada.ask("ada@example.com")
    assert (await ada.get(gateway.link(reference))).status_code == 410


async def test_a_made_up_link_gets_the_page_of_nothing(ada: Browser, eve: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    nothing = await eve.client.get("/case/AAAA-BBBB-CC")
    for address in (f"/link/{reference}.guess", "/link/nothing", f"/link/{reference}", "/link/AAAABBBBCC.x"):
        for answer in (await eve.client.get(address), await eve.client.post(address, data={})):
            assert answer.status_code == 404
            assert answer.text == nothing.text


async def test_a_press_while_temporal_is_away_can_be_repeated(ada: Browser, eve: Browser, gateway: FakeGateway) -> None:
    reference = await eve.ask("ada@example.com")
    link = gateway.link(reference)
    await ada.get(link)
    gateway.trouble = Unavailable("x")
    assert (await ada.post(link)).status_code == 503
    await ada.get(f"/case/{reference}")
    assert ada.title == "We cannot show this page"
    gateway.trouble = None
    await ada.get(link)
    await ada.post(link)
    assert ada.title == "Choose a new password"
