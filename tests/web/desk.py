"""People at the desk, and a case that has come to them."""

from typing import Any

from development.people import DESK_PASSWORD
from domain.case import grouped
from tests.web.stage import Browser, browser

WRONG_CODE = "000000"


async def at_the_desk(app: Any, name: str = "sam") -> Browser:
    """An agent who has signed in."""
    agent = browser(app, address="192.0.2.10")
    await agent.get("/desk/sign-in")
    answer = await agent.post("/desk/sign-in", name=name, password=DESK_PASSWORD, totp="")
    assert answer.status_code == 200, agent.said
    assert agent.address == "/desk"
    return agent


def case_page(reference: str) -> str:
    """The address of a case at the desk, as its own forms have it."""
    return f"/desk/cases/{grouped(reference)}"


async def asks_for_help(claimant: Browser, identifier: str = "ada@example.com") -> str:
    """All codes of the case were tried in vain (the policy of these tests has one); its address at the desk."""
    await uses_up(claimant, identifier)
    await claimant.post(f"{claimant.address}/help")
    return claimant.address.replace("/case/", "/desk/cases/")


async def uses_up(claimant: Browser, identifier: str = "ada@example.com") -> str:
    """As `asks_for_help`, without asking."""
    await claimant.ask(identifier)
    for _ in range(5):
        await claimant.post(f"{claimant.address}/code", code=WRONG_CODE)
        claimant.address = claimant.address.removesuffix("/code")
    return claimant.address.replace("/case/", "/desk/cases/")
