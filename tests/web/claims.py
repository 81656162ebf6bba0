"""How far a claim is on the stage: small steps that the tests of its pages begin with."""

from datetime import timedelta

from development.people import ACCOUNTS
from domain.decisions import ALL, KEEP, Outcome
from tests.web.stage import Browser, FakeGateway

NIA = {"username": "nia", "password_1": "nia-first-2018", "created": "March 2018", "devices": "A tablet"}
PAT = {"username": "pat", "phone": "+44 7700 900003", "created": "March 2025", "recovery_code": "PATP-0001"}
ACCOUNT = {demo.username: demo.ref for demo in ACCOUNTS}


async def makes_claim(
    visitor: Browser, reason: str = "contact", contact: str = "nia.new@example.net", what: str = "I lost the phone."
) -> str:
    """The first form; the reference."""
    await visitor.get(f"/claim?reason={reason}")
    await visitor.post("/claim", contact=contact, what=what)
    return visitor.reference


async def proves(visitor: Browser, gateway: FakeGateway, **first: str) -> str:
    """A claim whose contact is proved by the code."""
    reference = await makes_claim(visitor, **first)
    await visitor.post(f"{visitor.address}/code", code=gateway.code(reference))
    return reference


async def sends(visitor: Browser, gateway: FakeGateway, evidence: dict[str, str] | None = None, **first: str) -> str:
    """A claim that waits for the desk."""
    reference = await proves(visitor, gateway, **first)
    page = visitor.address
    await visitor.post(f"{page}/evidence", **(evidence or NIA))
    await visitor.post(f"{page}/evidence")
    await visitor.get(page)
    return reference


async def approved(
    visitor: Browser, gateway: FakeGateway, plan: str = ALL, evidence: dict[str, str] | None = None, **first: str
) -> str:
    """Two people agree; the cooling-off has begun."""
    reference = await sends(visitor, gateway, evidence, **first)
    page = visitor.address
    await gateway.judged(reference, Outcome.APPROVE, by="sam", plan=plan)
    await gateway.judged(reference, Outcome.APPROVE, by="kim", plan=plan)
    await visitor.get(page)
    return reference


async def handed_back(
    visitor: Browser, gateway: FakeGateway, plan: str = ALL, evidence: dict[str, str] | None = None, **first: str
) -> str:
    """The steps are done, the link is on its way. The clock of the case stays ahead of the page's."""
    reference = await approved(visitor, gateway, plan, evidence, **first)
    page = visitor.address
    await gateway.clock(reference, timedelta(days=31 if plan != KEEP else 4))
    await visitor.get(page)
    return reference
