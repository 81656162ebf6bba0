"""What the web may write of a claim: its opening row, what the claimant gives, requests for the way back.

As in `storage/intake.py` every function takes the open transaction of its caller, and the same request made twice
changes nothing more. What is personal is sealed under the row key of the case; passwords go to the vault.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.claim import Claim, Reason
from domain.contact_proof import Destination
from domain.policy import Policy
from storage import budgets, intake, vault
from storage.budgets import HOUR, Limit
from storage.engine import database_time
from storage.identifiers import Identifier
from storage.intake import Browser, Opened
from storage.keys import Rings
from storage.models import CaseAccessRow, EvidenceItemRow, VaultRow
from storage.once import insert_once
from storage.people import RowKeys, case_subject

OPENING = "opening"
"""The evidence that was given with the first form."""
CONTACT = "contact/opening"
"""The name of the contact that was typed into the first form."""
PASSWORD_PURPOSE = "evidence-password"
CODE_PURPOSE = "evidence-code"


@dataclass(frozen=True)
class Told:
    """What the first form says: `contact` is where the claimant can be reached, `texts` are sealed (kind: text)."""

    reason: Reason
    contact: Identifier
    texts: Mapping[str, str]


async def open_claim(
    session: AsyncSession,
    rings: Rings,
    told: Told,
    browser: Browser,
    *,
    key: str,
    policy: Policy,
    starts_per_network: int,
) -> Opened:
    """The opening row of a claim. No account is looked at: a claim for nobody is opened alike.

    Raises `TooMany` when the network started too many cases, or too many codes went to the contact.
    """
    contact = told.contact
    opening_key = rings.digest.digest("opening-claim", browser.cookie, key, told.reason, contact.kind, contact.normal)
    if found := await intake.opened_before(session, rings, opening_key, browser, key):
        return found
    now = await database_time(session)
    network = rings.digest.digest("network", browser.network)
    await budgets.take(session, (Limit(f"starts/{network}", starts_per_network, HOUR),), opening_key, now)
    await intake.count_send(session, rings, contact, browser, token=opening_key, policy=policy)
    reference = await intake.new_reference(session)
    secret = intake.case_secret(rings, reference, browser.cookie, key)
    holder = rings.digest.digest("access", secret)
    to = Destination(intake.channel_of(contact), CONTACT)
    case = Claim(reference=reference, reason=told.reason, holder=holder, to=to, policy=policy)
    if not await insert_once(session, intake.opening_row(case, opening_key, now)):
        return await open_claim(  # the same form was a moment quicker: its case is found now
            session, rings, told, browser, key=key, policy=policy, starts_per_network=starts_per_network
        )
    session.add(CaseAccessRow(digest=holder, case_ref=reference, made_at=now, key=rings.digest.current))
    await intake.remember(session, rings, reference, CONTACT, contact)
    await save_evidence(session, rings, reference, OPENING, told.texts)
    if browser.device:
        await intake.remember_device(session, rings, reference, browser.device)
    return Opened(reference, secret, True, case)


def next_evidence(case: Claim) -> str:
    """The name of what the claimant gives next: `given-1`, `given-2`, ... An event names it once it was sent."""
    number = case.evidence.removeprefix("given-")
    return f"given-{int(number) + 1 if number.isdecimal() else 1}"


async def save_evidence(
    session: AsyncSession, rings: Rings, reference: str, evidence: str, texts: Mapping[str, str]
) -> None:
    """Keep these texts by kind, sealed; an empty one is taken out. It counts once the case is told of it."""
    now, subject = await database_time(session), case_subject(reference)
    for kind, text in texts.items():
        row = await session.get(EvidenceItemRow, (reference, evidence, kind))
        if row is not None and not text:
            await session.delete(row)
        elif text:
            sealed = await RowKeys(rings.row).seal(session, subject, text)
            await session.merge(
                EvidenceItemRow(case_ref=reference, evidence=evidence, kind=kind, sealed=sealed, at=now)
            )


async def save_secrets(
    session: AsyncSession, rings: Rings, reference: str, evidence: str, secrets: Mapping[tuple[str, str], str]
) -> None:
    """Put what was typed into the vault, by (purpose, slot). What is empty stays as it was; a new one replaces."""
    now = await database_time(session)
    for (purpose, slot), secret in secrets.items():
        if not secret:
            continue
        name = _secret(reference, evidence, purpose, slot)
        await vault.drop(session, name)
        await vault.put(session, rings.row, name=name, reference=reference, purpose=purpose, secret=secret, now=now)


async def has_texts(session: AsyncSession, reference: str, evidence: str) -> bool:
    """Whether anything that can be written down was given at this time."""
    mine = col(EvidenceItemRow.case_ref) == reference, col(EvidenceItemRow.evidence) == evidence
    return (await session.execute(select(col(EvidenceItemRow.kind)).where(*mine).limit(1))).first() is not None


def _secret(reference: str, evidence: str, purpose: str, slot: str) -> str:
    return f"{purpose}/{reference}/{evidence}/{slot}"


async def secrets_of(session: AsyncSession, reference: str, evidence: str) -> dict[str, tuple[str, ...]]:
    """Names of the vault rows that belong to this evidence, by purpose; what has run out is not among them."""
    now = await database_time(session)
    found = await session.execute(
        select(col(VaultRow.purpose), col(VaultRow.name))
        .where(col(VaultRow.case_ref) == reference, col(VaultRow.expires_at) > now)
        .order_by(col(VaultRow.name))
    )
    names: dict[str, tuple[str, ...]] = {}
    for purpose, name in found.all():
        if name.startswith(f"{purpose}/{reference}/{evidence}/"):
            names[purpose] = (*names.get(purpose, ()), name)
    return names


async def forget_secrets(session: AsyncSession, reference: str, evidence: str) -> None:
    """The claimant takes passwords and recovery codes back before anything is sent."""
    for names in (await secrets_of(session, reference, evidence)).values():
        await session.execute(delete(VaultRow).where(col(VaultRow.name).in_(names)))
