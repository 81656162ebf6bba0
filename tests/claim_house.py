"""A house in which claims are made: what a claimant, the desk and an owner do, on top of `tests/house.py`."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from domain import claim_events as events
from domain.case import Answer, Kind
from domain.claim import Claim, Reason, State
from domain.decisions import ALL, Decision, Outcome, reasons
from domain.policy import CURRENT_POLICY, Policy
from storage import directory, intake, intake_claim
from storage.identifiers import identify, identify_contact
from storage.intake import Browser, Opened
from storage.models import AccountContactRow, AccountRow, NoticeRow, ReceivedRow
from tests.house import House, eventually, wrong

CLAIM = Kind.CLAIM
LAPTOP = "nia-laptop"
KNOWN = {"username": "nia", "created": "2018-04", "devices": "the laptop in the kitchen"}


class ClaimHouse:
    """`house` is the house beside; each method is what one person does about one claim."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._keys = itertools.count(1)

    # ---- the claimant ----

    async def opens(
        self,
        contact: str = "nia.new@example.org",
        *,
        reason: Reason = Reason.CONTACT,
        browser: str = LAPTOP,
        policy: Policy = CURRENT_POLICY,
        start: bool = True,
    ) -> Opened:
        told = intake_claim.Told(reason, identify_contact(contact, "GB"), {"what": "I lost my phone and my mailbox."})
        async with self.house.database.write() as session:
            opened = await intake_claim.open_claim(
                session,
                self.house.rings,
                told,
                Browser(browser, "192.0.2.1/32", "Firefox on Linux"),
                key=f"claim-key-{next(self._keys)}",
                policy=policy,
                starts_per_network=1000,
            )
        if start:
            assert isinstance(opened.case, Claim)
            await self.house.gateway.start(opened.case)
        return opened

    async def tell(self, opened: Opened, command: Any, update_id: str = "") -> Answer:
        name = update_id or f"claim-update-{next(self._keys)}"
        return await self.house.gateway.tell(opened.reference, command, update_id=name, kind=CLAIM)

    async def submit(self, opened: Opened, code: str | None, issue: int = 1) -> Answer:
        digest = self.house.rings.digest
        case = await self.case(opened)
        typed = intake.typed_code(self.house.rings, case, issue, code or "")
        return await self.tell(opened, events.SubmitCode(digest.digest("access", opened.secret), issue, typed))

    async def proves(self, opened: Opened) -> None:
        await self.submit(opened, (await self.house.message(opened.reference)).code)

    async def gives(self, opened: Opened, *, password: str = "nia-first-2018", **texts: str) -> Answer:
        """Evidence, as the web keeps it: texts sealed, a password in the vault."""
        case = await self.case(opened)
        evidence, rings = intake_claim.next_evidence(case), self.house.rings
        async with self.house.database.write() as session:
            await intake_claim.save_evidence(session, rings, opened.reference, evidence, texts or KNOWN)
            purpose = intake_claim.PASSWORD_PURPOSE
            typed = {(purpose, "password_1"): password}
            await intake_claim.save_secrets(session, rings, opened.reference, evidence, typed)
            names = await intake_claim.secrets_of(session, opened.reference, evidence)
        secrets = tuple(name for found in names.values() for name in found)
        return await self.tell(opened, events.GiveEvidence(self.house.holder(opened), evidence, secrets))

    async def uses_link(self, opened: Opened, token: str, browser: str = LAPTOP) -> Opened:
        """Post the mailed link from this browser, which holds the claim afterwards."""
        async with self.house.database.write() as session:
            secret, by = await intake.browser_for_link(
                session, self.house.rings, opened.reference, Browser(browser), key=f"link-{next(self._keys)}"
            )
        digest = intake.link_token(self.house.rings, await self.case(opened), token)
        await self.tell(opened, events.UseLink(by, digest))
        return Opened(opened.reference, secret, True, opened.case)

    async def sets_password(self, opened: Opened, password: str) -> Answer:
        sealed = await self.house.seal(opened, "password", password)
        return await self.tell(opened, events.SetPassword(self.house.holder(opened), sealed))

    async def says(self, opened: Opened, text: str = "message-of-nia") -> Answer:
        return await self.tell(opened, events.Reply(self.house.holder(opened), text))

    async def in_review(self, contact: str = "nia.new@example.org", **options: Any) -> Opened:
        """A claim with evidence."""
        texts = options.pop("texts", {})
        opened = await self.opens(contact, **options)
        await self.proves(opened)
        await self.gives(opened, **texts)
        return opened

    # ---- the desk ----

    async def signs(
        self,
        opened: Opened,
        agent: str,
        outcome: Outcome,
        *,
        plan: str = "",
        items: tuple[str, ...] = (),
        reason: str = "",
        version: int = 0,
    ) -> Decision:
        """A decision as the desk makes it, with its row and its proof; not sent yet."""
        case = await self.case(opened)
        async with self.house.database.write() as session:
            return await intake.receive_decision(
                session,
                self.house.rings,
                reference=opened.reference,
                version=version or case.version,
                outcome=outcome,
                reason=reason or reasons(CLAIM, outcome)[0],
                agent=agent,
                key=f"decision-{next(self._keys)}",
                items=items,
                plan=plan,
            )

    async def decides(self, opened: Opened, agent: str, outcome: Outcome, **options: Any) -> Decision:
        """Sign and send; back once the claim has answered."""
        decision = await self.signs(opened, agent, outcome, **options)
        await self.house.gateway.decide(decision, kind=CLAIM)
        await eventually(lambda: self._answered(decision.id), bool)
        return decision

    async def _answered(self, name: str) -> bool:
        async with self.house.database.read() as session:
            row = await session.get(ReceivedRow, name)
        return row is not None and row.answered_at is not None

    async def approved(self, opened: Opened, plan: str = ALL) -> Claim:
        await self.decides(opened, "sam", Outcome.APPROVE, plan=plan)
        if (await self.case(opened)).state is State.AWAITING_SECOND_APPROVAL:
            await self.decides(opened, "kim", Outcome.APPROVE)
        return await self.until(opened, State.COOLING_OFF)

    async def handed_back(self, opened: Opened, plan: str = ALL) -> Claim:
        held = await self.approved(opened, plan)
        assert held.hold_until
        assert held.since
        await self.skip(opened, held.hold_until - held.since)
        return await self.until(opened, State.PROBATION)

    async def last_event(self, opened: Opened) -> str:
        return (await self.house.kinds(opened.reference))[-1]

    # ---- owners ----

    async def objects(self, opened: Opened, template: str, address: str = "") -> None:
        """Press "stop this" in a message of this kind, and tell the claim."""
        received = await self.press(opened, template, address)
        await self.house.gateway.object(opened.reference, received, kind=CLAIM)

    async def press(self, opened: Opened, template: str, address: str = "") -> str:
        """What the web writes down before it tells anybody; the id of the row."""
        link = await self.house.objection_link(template, opened.reference)
        return (await self.house.press(link, f"owner-{address}-{next(self._keys)}")).id

    # ---- what is seen ----

    async def case(self, opened: Opened) -> Claim:
        return await self.house.claim(opened.reference)

    async def until(self, opened: Opened, *states: State) -> Claim:
        return await self.until_case(opened, lambda case: case.state in states)

    async def until_case(self, opened: Opened, holds: Callable[[Claim], object]) -> Claim:
        return await eventually(lambda: self.case(opened), holds)

    async def skip(self, opened: Opened, length: timedelta) -> None:
        await self.house.skip(opened.reference, length, CLAIM)

    async def account(self, username: str) -> AccountRow:
        async with self.house.database.read() as session:
            (ref,) = await directory.owners(session, self.house.rings, identify(username, "GB"))
            return await session.get_one(AccountRow, ref)

    async def contacts(self, username: str) -> list[str]:
        """The addresses that the account has now."""
        async with self.house.database.read() as session:
            (ref,) = await directory.owners(session, self.house.rings, identify(username, "GB"))
            return [contact.address for contact in await directory.contacts(session, self.house.rings, ref)]

    async def contact_ids(self, username: str) -> dict[str, str]:
        """Opaque id by address."""
        async with self.house.database.read() as session:
            (ref,) = await directory.owners(session, self.house.rings, identify(username, "GB"))
            return {one.address: one.id for one in await directory.contacts(session, self.house.rings, ref)}

    async def contact_rows(self, username: str) -> list[AccountContactRow]:
        account = await self.account(username)
        async with self.house.database.read() as session:
            found = await session.execute(
                select(AccountContactRow).where(col(AccountContactRow.account_ref) == account.ref)
            )
            return list(found.scalars())

    async def notices(self, opened: Opened, template: str) -> list[NoticeRow]:
        async with self.house.database.read() as session:
            found = await session.execute(
                select(NoticeRow).where(
                    col(NoticeRow.case_ref) == opened.reference, col(NoticeRow.template) == template
                )
            )
            return list(found.scalars())


__all__ = ["CLAIM", "KNOWN", "ClaimHouse", "wrong"]
