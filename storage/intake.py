"""What the web may write: opening rows, what people typed, access, limits, secrets, objections, decisions.

A case itself it never writes. Every function takes the open transaction of its caller, and the same request made
twice (same browser, same form key) changes nothing more and gives the same names and secrets.
"""

import base64
import secrets as random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain import claim
from domain.case import ALPHABET, REFERENCE_LENGTH, Channel, Kind
from domain.claim import Claim
from domain.contact_proof import IDENTIFIER, Destination
from domain.decisions import Decision
from domain.policy import Policy
from domain.recovery import AskedBy, Recovery
from storage import budgets, codes, folding, vault
from storage.budgets import DAY, HOUR, Limit
from storage.engine import database_time
from storage.gate import lock_gate
from storage.identifiers import Identifier, IdentifierKind
from storage.keys import Rings
from storage.models import CaseAccessRow, CasePersonRow, CaseRow, HandBackRow, ObjectionLinkRow, ReceivedRow
from storage.once import insert_once
from storage.people import RowKeys, case_subject

SECRET_BYTES = 16


@dataclass(frozen=True)
class Browser:
    """Who asks: the browser's own cookie, its network, its kind, and whether it recovered an account before.

    `network` is a prefix such as `203.0.113.7/32`; only a keyed digest of it is stored.
    """

    cookie: str
    network: str = ""
    device: str = ""
    is_known: bool = False


@dataclass(frozen=True)
class Opened:
    """A case that this browser holds; `secret` is for its cookie. `is_new` is False for a form sent twice."""

    reference: str
    secret: str
    is_new: bool
    case: folding.Case


async def open_recovery(
    session: AsyncSession,
    rings: Rings,
    identifier: Identifier,
    browser: Browser,
    *,
    key: str,
    policy: Policy,
    starts_per_network: int,
) -> Opened:
    """The opening row of a recovery. No account is looked at: the answer is the same whoever is named.

    Raises `TooMany` when the network started too many cases, or too many codes went to what was typed.
    """
    opening_key = rings.digest.digest("opening", browser.cookie, key, identifier.kind, identifier.normal)
    if found := await opened_before(session, rings, opening_key, browser, key):
        return found
    now = await database_time(session)
    network = rings.digest.digest("network", browser.network)
    await budgets.take(session, (Limit(f"starts/{network}", starts_per_network, HOUR),), opening_key, now)
    if identifier.kind is not IdentifierKind.USERNAME:
        await count_send(session, rings, identifier, browser, token=opening_key, policy=policy)
    reference = await new_reference(session)
    secret = case_secret(rings, reference, browser.cookie, key)
    holder = rings.digest.digest("access", secret)
    case = Recovery(reference=reference, asked_by=AskedBy(identifier.kind.value), holder=holder, policy=policy)
    if not await insert_once(session, opening_row(case, opening_key, now)):
        return await open_recovery(  # the same form was a moment quicker: its case is found now
            session, rings, identifier, browser, key=key, policy=policy, starts_per_network=starts_per_network
        )
    session.add(CaseAccessRow(digest=holder, case_ref=reference, made_at=now, key=rings.digest.current))
    await remember(session, rings, reference, IDENTIFIER, identifier)
    if browser.device:
        await remember_device(session, rings, reference, browser.device)
    return Opened(reference, secret, True, case)


async def opened_before(
    session: AsyncSession, rings: Rings, opening_key: str, browser: Browser, key: str
) -> Opened | None:
    """The case that this form has opened already, if it was sent before."""
    found = await session.execute(select(CaseRow).where(col(CaseRow.opening_key) == opening_key))
    row = found.scalar_one_or_none()
    if row is None:
        return None
    secret = case_secret(rings, row.reference, browser.cookie, key)
    return Opened(row.reference, secret, False, folding.load_case(row.kind, row.opening))


async def mark_started(session: AsyncSession, reference: str) -> None:
    """Temporal has the case; the reconciler need not look at it."""
    now = await database_time(session)
    await session.execute(update(CaseRow).where(col(CaseRow.reference) == reference).values(started_at=now))


async def mark_delivered(session: AsyncSession, received: str) -> None:
    """Temporal has the signal; the reconciler need not send it again."""
    now = await database_time(session)
    await session.execute(update(ReceivedRow).where(col(ReceivedRow.id) == received).values(delivered_at=now))


def update_id(rings: Rings, reference: str, route: str, key: str, *body: str) -> str:
    """The id of an update: a keyed digest of case, route, form key and body (never a password), design 4.3."""
    return rings.digest.digest("update", reference, route, key, *body)


async def remember(session: AsyncSession, rings: Rings, reference: str, name: str, identifier: Identifier) -> None:
    """Keep what somebody typed, sealed under the key of the case's claimant."""
    if await session.get(CasePersonRow, (reference, name)) is None:
        sealed = await RowKeys(rings.row).seal(session, case_subject(reference), identifier.normal)
        digest = rings.digest.digest("typed", identifier.kind, identifier.normal)
        kind = identifier.kind.value
        row = CasePersonRow(case_ref=reference, name=name, kind=kind, sealed=sealed, digest=digest)
        await insert_once(session, row)


async def add_contact(
    session: AsyncSession,
    rings: Rings,
    reference: str,
    identifier: Identifier,
    browser: Browser,
    *,
    token: str,
    policy: Policy,
) -> Destination:
    """A contact that the claimant typed, and the code that will go there, counted. `token` is the update id.

    Raises `TooMany` when too many codes went there.
    """
    await count_send(session, rings, identifier, browser, token=token, policy=policy)
    name = f"contact/{token[:20]}"
    await remember(session, rings, reference, name, identifier)
    return Destination(channel_of(identifier), name)


def channel_of(identifier: Identifier) -> Channel:
    return Channel.SMS if identifier.kind is IdentifierKind.PHONE else Channel.EMAIL


async def count_send(
    session: AsyncSession, rings: Rings, identifier: Identifier, browser: Browser, *, token: str, policy: Policy
) -> None:
    """Count one message to what was typed. It depends on nothing but the text typed and the browser (design 6)."""
    now = await database_time(session)
    destination = rings.digest.digest("typed", identifier.kind, identifier.normal)
    kept = 0 if browser.is_known else policy.sends_kept
    hourly = Limit(f"sends/{destination}/hour", policy.sends_per_hour, HOUR)
    daily = Limit(f"sends/{destination}/day", policy.sends_per_day - kept, DAY)
    await budgets.take(session, (hourly, daily), token, now)


def secret_name(purpose: str, token: str) -> str:
    """The name of a secret's row in the vault. `token` is the update id."""
    return f"{purpose}/{token[:32]}"


async def seal_secret(
    session: AsyncSession, rings: Rings, reference: str, purpose: str, secret: str, *, token: str
) -> str:
    """Put a password or a recovery code into the vault; the name of its row. `token` is the update id."""
    name = secret_name(purpose, token)
    now = await database_time(session)
    await vault.put(session, rings.row, name=name, reference=reference, purpose=purpose, secret=secret, now=now)
    return name


async def browser_for_link(
    session: AsyncSession, rings: Rings, reference: str, browser: Browser, *, key: str
) -> tuple[str, str]:
    """A case secret for the browser that is about to post the mailed link, and its digest (`UseLink.by`).

    It opens nothing until the workflow accepts the link: recording that makes it the holder.
    """
    secret = case_secret(rings, reference, browser.cookie, key)
    digest = rings.digest.digest("access", secret)
    if await session.get(CaseAccessRow, digest) is None:
        now = await database_time(session)
        key_id = rings.digest.current
        row = CaseAccessRow(digest=digest, case_ref=reference, made_at=now, key=key_id, pending=True)
        await insert_once(session, row)
    return secret, digest


def typed_code(rings: Rings, case: folding.Case, issue: int, typed: str) -> str:
    """What becomes of a typed code, a wrong one too, before it goes anywhere: a keyed digest of its digits."""
    digits = "".join(letter for letter in typed if letter.isdigit())
    return codes.code_digest(rings, case.reference, issue, digits, key=_digest_key(rings, case))


def link_token(rings: Rings, case: folding.Case, token: str) -> str:
    """What becomes of the token of a mailed link."""
    return codes.link_digest(rings, case.reference, token, key=_digest_key(rings, case))


def _digest_key(rings: Rings, case: folding.Case) -> str:
    """The key that the newest code was digested with, so that a rotation in between spoils nothing."""
    name = case.issue.keys.partition("/")[2] if case.issue else ""
    return name if name in rings.digest.keys else rings.digest.current


def decision_id(rings: Rings, *, reference: str, agent: str, key: str) -> str:
    """The name of a decision: the same form sent twice by the same agent is one decision."""
    return f"decision/{rings.digest.digest('decision', reference, agent, key)[:24]}"


async def receive_decision(
    session: AsyncSession,
    rings: Rings,
    *,
    reference: str,
    version: int,
    outcome: str,
    reason: str,
    agent: str,
    key: str,
    text: str = "",
    items: tuple[str, ...] = (),
    plan: str = "",
) -> Decision:
    """The row of a decision, with the database's time, and the proved signal that goes with it."""
    now = await database_time(session)
    name = decision_id(rings, reference=reference, agent=agent, key=key)
    decision = Decision(reference, version, name, outcome, reason, agent, now, "", text, items, plan)
    proved = replace(decision, proof=rings.decision.sign(decision.proved_text()))
    data = {**proved.__dict__, "at": now.isoformat(), "items": list(items)}
    row = ReceivedRow(id=name, case_ref=reference, kind="decision", received_at=now, data=data)
    if await insert_once(session, row):
        return proved
    found = await session.get_one(ReceivedRow, name)
    at, asked = datetime.fromisoformat(found.data["at"]), tuple(found.data.get("items", ()))
    return Decision(**{**found.data, "at": at, "items": asked})


@dataclass(frozen=True)
class ObjectionReceived:
    """An objection that was just pressed.

    `case` is the case that hears of it: the one that the link is about for the scopes `case` and `claim`, a new
    claim for the scope `account` (then `opened` holds it and its secret).
    """

    id: str
    scope: str
    case: str
    opened: Opened | None = None


class LinkUsed(Exception):
    """The link was used before; `claim` is what it opened, if anything."""

    def __init__(self, claim: str | None) -> None:
        super().__init__("used")
        self.claim = claim


class LinkExpired(Exception):
    """The link is older than the policy allows."""


class TooYoung(Exception):
    """The contact is younger than what is disputed: it is told, and stops nothing."""


class HandBackBegun(Exception):
    """The hand-back has begun and is not done yet: in a moment it can be stopped in its probation."""


class ClaimIsOver(Exception):
    """There is nothing left to stop: `state` is how the claim ended, or "contested" if it was stopped already."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


async def receive_objection(
    session: AsyncSession, rings: Rings, link: ObjectionLinkRow, browser: Browser, *, key: str, policy: Policy
) -> ObjectionReceived:
    """Use a "this was not me" link: single use, bound to one message. Raises `LinkUsed` or `LinkExpired`.

    For the scope `claim` also `TooYoung`, `HandBackBegun` or `ClaimIsOver`: then the link stays unused. The same form
    sent twice gets the same answer; any other press is a second use.
    """
    link = await _locked(session, link)
    now = await database_time(session)
    name = f"objection/{rings.digest.digest('objection', link.digest, browser.cookie, key)[:24]}"
    again = await session.get(ReceivedRow, name) is not None
    if not again and link.used_at is not None:
        raise LinkUsed(link.claim_ref)
    if not again and now >= link.expires_at:
        raise LinkExpired
    if link.scope == "claim" and not again:
        await _check_claim(session, link)
    opened = None
    if link.scope == "account":
        opened = await _open_claim(session, rings, link, browser, name, key=key, policy=policy, now=now)
    case = opened.reference if opened else link.case_ref
    if not again:
        data = {"scope": link.scope, "notice": link.notice, "may_object": link.may_object}
        session.add(ReceivedRow(id=name, case_ref=case, kind="objection", received_at=now, data=data))
        values = {"used_at": now, "claim_ref": case if opened else None}
        await session.execute(
            update(ObjectionLinkRow).where(col(ObjectionLinkRow.digest) == link.digest).values(**values)
        )
    return ObjectionReceived(name, link.scope, case, opened)


async def _locked(session: AsyncSession, link: ObjectionLinkRow) -> ObjectionLinkRow:
    """The link as it is now. Of several presses at once the first one uses it, and the others wait to see that."""
    statement = select(ObjectionLinkRow).where(col(ObjectionLinkRow.digest) == link.digest).with_for_update()
    found = await session.execute(statement, execution_options={"populate_existing": True})
    return found.scalar_one()


async def _check_claim(session: AsyncSession, link: ObjectionLinkRow) -> None:
    """Whether this objection still stops something.

    The gate is locked before the claim is looked at: the activity that begins a hand-back looks for objections and
    marks the beginning under the same lock, so of the two one sees the other (design 3).
    """
    if not link.may_object:
        raise TooYoung
    await lock_gate(session, link.account_ref)
    row = await session.get_one(CaseRow, link.case_ref, populate_existing=True)
    if row.closed_at is not None or row.state == claim.State.CONTESTED:
        raise ClaimIsOver(row.state)
    has_begun = await session.get(HandBackRow, link.case_ref) is not None
    if has_begun and row.state != claim.State.PROBATION:
        raise HandBackBegun


async def _open_claim(
    session: AsyncSession,
    rings: Rings,
    link: ObjectionLinkRow,
    browser: Browser,
    objection: str,
    *,
    key: str,
    policy: Policy,
    now: datetime,
) -> Opened:
    opening_key = rings.digest.digest("claim-by-objection", link.digest)
    found = (await session.execute(select(CaseRow).where(col(CaseRow.opening_key) == opening_key))).scalar_one_or_none()
    reference = found.reference if found else await new_reference(session)
    secret = case_secret(rings, reference, browser.cookie, key)
    if found is not None:
        return Opened(reference, secret, False, folding.load_case(found.kind, found.opening))
    holder = rings.digest.digest("access", secret)
    case = Claim(reference=reference, holder=holder, account=link.account_ref, objection=objection, policy=policy)
    session.add(opening_row(case, opening_key, now))
    await session.flush()
    session.add(CaseAccessRow(digest=holder, case_ref=reference, made_at=now, key=rings.digest.current))
    return Opened(reference, secret, True, case)


def opening_row(case: folding.Case, opening_key: str, now: datetime) -> CaseRow:
    """What stands in SQL before Temporal is asked to start the case."""
    dumped = folding.dump_case(case)
    return CaseRow(
        reference=case.reference,
        kind=Kind(case.kind),
        account_ref=case.account,
        reason=case.reason if isinstance(case, Claim) else "forgotten",
        state=case.state,
        waiting_on=folding.waiting_on(case),
        opened_at=now,
        due_at=now + (timedelta(0) if isinstance(case, Claim) else case.policy.case_lifetime),
        policy_version=case.policy.version,
        opening_key=opening_key,
        opening=dumped,
        snapshot=dumped,
    )


async def new_reference(session: AsyncSession) -> str:
    """Ten random characters, unique in SQL. 50 bits: a clash is a one in a million event at a million cases."""
    while True:
        reference = "".join(random.choice(ALPHABET) for _ in range(REFERENCE_LENGTH))
        if await session.get(CaseRow, reference) is None:
            return reference


def case_secret(rings: Rings, reference: str, cookie: str, key: str) -> str:
    """128 bits that this browser's request alone leads to, so that a repeated request gets the same secret."""
    derived = rings.digest.derive("case-secret", reference, cookie, key, key=rings.digest.current)
    return base64.urlsafe_b64encode(derived[:SECRET_BYTES]).decode().rstrip("=")


async def remember_device(session: AsyncSession, rings: Rings, reference: str, device: str) -> None:
    """Keep the kind of browser that opened the case, sealed."""
    sealed = await RowKeys(rings.row).seal(session, case_subject(reference), device)
    session.add(CasePersonRow(case_ref=reference, name="device", kind="device", sealed=sealed, digest=""))
