"""Claims as the web opens them, and the account system that hears of them: no Temporal, both databases."""

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlmodel import SQLModel, col
from temporalio.testing import ActivityEnvironment

from activities.accounts.claims import SqlClaims
from activities.accounts.sql import SqlAccounts
from activities.contract import ContactLook, EvidenceToWeigh, Freeze, HandBack, NewPassword, Weighed
from development.people import ACCOUNTS
from domain.claim import Claim, Reason, State
from domain.claim_events import ContactSight, Step, Survey
from domain.evidence import FactKind, Finding
from domain.policy import CURRENT_POLICY, Policy
from storage import directory, folding, hand_backs, intake, intake_claim
from storage.directory import Contact
from storage.engine import Database, database_time
from storage.identifiers import identify, identify_contact
from storage.intake import Browser
from storage.intake_claim import CODE_PURPOSE, PASSWORD_PURPOSE, Told
from storage.keys import Rings
from storage.models import AccountContactRow, AccountRow, AccountSessionRow, CaseRow, ReceivedRow
from tests.house import NearHashers

REFS = {account.username: account.ref for account in ACCOUNTS}
PLENTY = dataclasses.replace(CURRENT_POLICY, sends_per_hour=1000, sends_per_day=1000)
UNTIL = datetime(2027, 1, 4, 12, tzinfo=UTC)
"""When probations end."""
ENVIRONMENT = ActivityEnvironment()
numbers = itertools.count(1)


async def everything(database: Database) -> dict[str, list[str]]:
    """Every row of every table."""
    async with database.read() as session:
        return {
            table.name: sorted(repr(tuple(row)) for row in await session.execute(select(table)))
            for table in SQLModel.metadata.sorted_tables
        }


async def run(activity: Any, argument: Any) -> Any:
    return await ENVIRONMENT.run(activity, argument)


async def twice(database: Database, activity: Any, argument: Any) -> Any:
    """What it answers, having run twice; nothing may differ after the second time."""
    first = await run(activity, argument)
    after_first = await everything(database)
    assert await run(activity, argument) == first
    after_second = await everything(database)
    assert {table for table, rows in after_second.items() if rows != after_first[table]} == set()
    return first


class Town:
    """The demo people, claims about their accounts, and the account system."""

    def __init__(self, database: Database, rings: Rings) -> None:
        self.database, self.rings = database, rings
        self.claims = SqlClaims(database, rings, NearHashers())  # type: ignore[arg-type]
        self.accounts = SqlAccounts(database, rings, NearHashers())  # type: ignore[arg-type]

    # ---- what claimants do ----

    async def opens(
        self, contact: str = "ada@new.example.com", *, reason: Reason = Reason.CONTACT, device: str = ""
    ) -> str:
        """A claim whose contact is proved; its reference."""
        told = Told(reason, identify_contact(contact, "GB"), {"what": "I lost it"})
        browser = Browser(f"browser-of-a-claimant-{next(numbers)}", "192.0.2.1/32", device)
        async with self.database.write() as session:
            opened = await intake_claim.open_claim(
                session, self.rings, told, browser, key="key", policy=PLENTY, starts_per_network=1000
            )
        return opened.reference

    async def looks(self, case: str) -> ContactSight:
        found = await run(self.claims.look_at_contact, ContactLook(case, intake_claim.CONTACT, CURRENT_POLICY))
        assert isinstance(found, ContactSight)
        return found

    async def gives(
        self,
        case: str,
        *,
        name: str = "given-1",
        known: str = "",
        files: int = 0,
        policy: Policy = PLENTY,
        **given: Any,
    ) -> EvidenceToWeigh:
        """What the claimant typed, kept as the web keeps it. `passwords` and `code` go to the vault."""
        passwords, code = given.pop("passwords", ()), given.pop("code", "")
        secrets = {(PASSWORD_PURPOSE, f"password_{number}"): one for number, one in enumerate(passwords, start=1)}
        secrets |= {(CODE_PURPOSE, "recovery_code"): code}
        async with self.database.write() as session:
            await intake_claim.save_evidence(session, self.rings, case, name, given)
            await intake_claim.save_secrets(session, self.rings, case, name, secrets)
            names = await intake_claim.secrets_of(session, case, name)
        every = tuple(one for purpose in names.values() for one in purpose)
        return EvidenceToWeigh(case, known, intake_claim.CONTACT, name, every, files, policy)

    async def weighs(self, evidence: EvidenceToWeigh) -> Weighed:
        found = await run(self.claims.weigh_evidence, evidence)
        assert isinstance(found, Weighed)
        return found

    async def recovers(self, typed: str, account: str, password: str = "quiet harbour lamp") -> NewPassword:
        """A recovery that has come to its last step, by the contact that was typed."""
        async with self.database.write() as session:
            opened = await intake.open_recovery(
                session,
                self.rings,
                identify(typed, "GB"),
                Browser(f"browser-that-recovers-{next(numbers)}"),
                key="key",
                policy=PLENTY,
                starts_per_network=1000,
            )
            token = f"{next(numbers):032}"
            secret = await intake.seal_secret(session, self.rings, opened.reference, "password", password, token=token)
            now = await database_time(session)
        return NewPassword(opened.reference, REFS[account], secret, now)

    # ---- what has happened meanwhile ----

    async def stands(self, case: str, state: State, account: str = "ada", **changes: Any) -> Claim:
        """The claim is in this state, as its projection has it."""
        async with self.database.write() as session:
            row = await session.get_one(CaseRow, case)
            found = folding.load_case(row.kind, row.snapshot)
            assert isinstance(found, Claim)
            ref = REFS.get(account, account)
            claim = dataclasses.replace(found, state=state, account=ref, opened_at=row.opened_at, **changes)
            row.snapshot, row.state, row.account_ref = folding.dump_case(claim), state, ref
        return claim

    async def objects(
        self, case: str, name: str = "objection/1", *, may_object: bool = True, answered: bool = False
    ) -> str:
        async with self.database.write() as session:
            now = await database_time(session)
            session.add(
                ReceivedRow(
                    id=name,
                    case_ref=case,
                    kind="objection",
                    received_at=now,
                    data={"may_object": may_object},
                    answered_at=now if answered else None,
                )
            )
        return name

    async def takes_off(self, account: str, address: str, *, days_ago: float, by: str = "") -> None:
        """Somebody who was in the account took a contact off it."""
        async with self.database.write() as session:
            then = await database_time(session) - timedelta(days=days_ago)
            await session.execute(
                update(AccountContactRow).where(*self._row(account, address)).values(removed_at=then, removed_by=by)
            )

    async def puts_in(self, account: str, address: str, *, days_ago: float = 0) -> None:
        """Somebody who was in the account added a contact."""
        contact = identify_contact(address, "GB")
        async with self.database.write() as session:
            row = await session.get_one(AccountRow, REFS[account])
            now = await database_time(session)
            await hand_backs._put_in(session, self.rings, row, contact, case="", now=now - timedelta(days=days_ago))

    def _row(self, account: str, address: str) -> tuple[Any, ...]:
        wanted = directory.contact_index(self.rings, identify_contact(address, "GB"))
        return col(AccountContactRow.account_ref) == REFS[account], col(AccountContactRow.index).in_(wanted)

    async def signs_in(self, account: str, times: int = 1, device: str = "Firefox on Linux") -> None:
        async with self.database.write() as session:
            now = await database_time(session)
            for _ in range(times):
                await directory.open_session(session, self.rings, REFS[account], device=device, now=now)

    # ---- the hand-back ----

    def hand_back(self, case: str, plan: str, account: str = "ada", step: Step | None = None) -> HandBack:
        return HandBack(case, REFS.get(account, account), intake_claim.CONTACT, plan, CURRENT_POLICY, step, UNTIL)

    async def begins(self, case: str, plan: str, account: str = "ada") -> None:
        begun = await run(self.claims.begin_hand_back, self.hand_back(case, plan, account))
        assert begun.begun

    async def step(self, case: str, step: Step, plan: str, account: str = "ada") -> tuple[str, int]:
        """One step, taken twice; what the account system answered."""
        taken = await twice(self.database, self.claims.take_step, self.hand_back(case, plan, account, step))
        return taken.result, taken.count

    async def hands_back(self, case: str, plan: str, account: str = "ada") -> None:
        await self.begins(case, plan, account)
        for step in (Step.LIFT_FREEZE, Step.CHANGE_CONTACTS, Step.END_SESSIONS):
            await self.step(case, step, plan, account)

    async def undoes(self, case: str, plan: str, account: str = "ada") -> None:
        for step in (Step.RESTORE_CONTACTS, Step.END_SESSIONS, Step.RESTORE_FREEZE):
            await self.step(case, step, plan, account)

    async def freezes(self, case: str, account: str = "ada", *, needed: bool = False) -> bool:
        freeze = Freeze(case, REFS.get(account, account), "", CURRENT_POLICY, needed=needed)
        return bool((await run(self.accounts.freeze_account, freeze)).frozen)

    # ---- what there is ----

    async def contacts(self, account: str) -> list[str]:
        return [contact.address for contact in await self.contact_rows(account)]

    async def contact_rows(self, account: str) -> list[Contact]:
        async with self.database.read() as session:
            return await directory.contacts(session, self.rings, REFS[account])

    async def former(self, account: str) -> list[str]:
        async with self.database.read() as session:
            return [one.address for one in await directory.former_contacts(session, self.rings, REFS[account])]

    async def contact_id(self, account: str, address: str) -> str:
        return next(one.id for one in await self.contact_rows(account) if one.address == address)

    async def account(self, name: str) -> AccountRow:
        async with self.database.read() as session:
            return await session.get_one(AccountRow, REFS[name])

    async def bar(self, name: str) -> str:
        row = await self.account(name)
        async with self.database.read() as session:
            return directory.bar(row, await database_time(session))[0]

    async def alive(self, account: str) -> int:
        mine = col(AccountSessionRow.account_ref) == REFS[account], col(AccountSessionRow.ended_at).is_(None)
        async with self.database.read() as session:
            return len((await session.execute(select(AccountSessionRow).where(*mine))).all())

    async def fits(self, account: str, password: str) -> bool:
        async with self.database.read() as session:
            return directory.fits(await directory.current_hash(session, REFS[account]), password)

    async def count(self, table: type[SQLModel]) -> int:
        async with self.database.read() as session:
            return len((await session.execute(select(table))).all())


def findings(weighed: Weighed) -> dict[FactKind, Finding]:
    return {fact.kind: fact.finding for fact in weighed.facts}


def nobodys(survey: Survey) -> bool:
    """Whether it is that of a stand-in: an account like any other, of which nothing is known."""
    return survey == Survey(survey.account) and survey.account not in REFS.values()
