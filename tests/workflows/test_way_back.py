"""The way back to a claim, from the page that tells nothing to the mail that tells everything."""

from sqlalchemy import func, select

from storage import access_links, finding
from storage.finding import Asked
from storage.identifiers import identify
from storage.models import AccessLinkRow
from tests.claim_house import ClaimHouse
from tests.house import on_sqlite

CONTACT = "nia.new@example.org"


async def ask(house, reference: str, contact: str, name: str) -> None:
    async with house.database.write() as session:
        await finding.ask(session, house.rings, name, Asked(reference, identify(contact, "GB")))
    for _ in range(2):  # the same form sent twice
        await house.gateway.find(name)
    await house.client.get_workflow_handle(f"find/{name}").result()


async def test_who_proved_the_contact_gets_a_link_that_leads_into_the_claim(house):
    opened = await ClaimHouse(house).in_review(CONTACT)
    await house.until_told("claim-received")
    await ask(house, opened.reference, CONTACT, "request-1")
    assert house.outbox.told("way-back") == [CONTACT]
    text = house.outbox.mail.taken[-1].text
    async with house.database.read() as session:
        link = await access_links.find(session, house.rings, text.partition("/access/")[2].split()[0])
    assert link.case_ref == opened.reference


@on_sqlite
async def test_nobody_else_gets_anything_and_the_workflow_ends_alike(house):
    opened = await ClaimHouse(house).in_review(CONTACT)
    await house.until_told("claim-received")
    async with house.database.read() as session:
        before = (await session.execute(select(func.count()).select_from(AccessLinkRow))).scalar_one()
    await ask(house, opened.reference, "eve@example.net", "request-1")
    await ask(house, "7F3KQ2M9XB", CONTACT, "request-2")
    assert house.outbox.told("way-back") == []
    async with house.database.read() as session:
        assert (await session.execute(select(func.count()).select_from(AccessLinkRow))).scalar_one() == before
