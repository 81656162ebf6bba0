"""Claims at the embedded directory: what it knows of evidence, and the hand-back as steps that can be undone.

Every step is one transaction under the account's gate and answers the same when it is taken again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.accounts import evidence as weighing
from activities.accounts import objections, steps
from activities.accounts.hashing import Hashers
from activities.accounts.sql import begin, may_try
from activities.accounts.steps import At
from activities.contract import (
    Claims,
    ContactLook,
    EvidenceToWeigh,
    HandBack,
    HandBackBegun,
    Proof,
    StepTaken,
    Weighed,
)
from domain.claim_events import ContactSight, Survey
from domain.evidence import Fact, FactKind, Finding
from storage import directory, hand_backs, intake, reads, vault
from storage.engine import Database, database_time
from storage.gate import lock_gate
from storage.identifiers import Identifier, IdentifierKind
from storage.keys import Rings
from storage.models import AccountRow, EvidenceWeighedRow, HandBackRow
from storage.once import insert_once

log = structlog.get_logger()

PASSWORD = "evidence-password"
CODE = "evidence-code"
"""Purposes of vault rows; the name of a row begins with its purpose."""
MOST_HASHES = 50
"""So many of an account's passwords are compared, the newest first: 20 ms each, for each that was typed."""
LEAST_HASHES = 4
"""With fewer, nothing is compared as often, so that the time tells neither an account from none nor its age."""
_SURVEY = TypeAdapter(Survey)
_FACTS = TypeAdapter(tuple[Fact, ...])


class SqlClaims(Claims):
    def __init__(self, database: Database, rings: Rings, hashers: Hashers) -> None:
        self._database, self._rings, self._hashers = database, rings, hashers

    @activity.defn
    async def look_at_contact(self, look: ContactLook) -> ContactSight:
        """Whose the proved contact is, or was until lately; nobody's, for most."""
        async with self._database.read() as session:
            contact = await reads.typed(session, self._rings, look.case, look.contact)
            held = await directory.holders(session, self._rings, contact) if contact else []
            found = weighing.lately(held, look.policy, await database_time(session))
        return ContactSight(tuple(sorted({one.account for one in found})), weighing.disputed_at(found))

    # ---- evidence ----

    @activity.defn
    async def weigh_evidence(self, evidence: EvidenceToWeigh) -> Weighed:
        """Compare what was given. The secrets go with the transaction that keeps the answer."""
        async with self._database.read() as session:
            kept = await _weighed_before(session, evidence)
            if kept.same:
                return kept.same
            given = await weighing.opened(session, self._rings, evidence, kept.names)
            account = await weighing.account_meant(session, self._rings, given, evidence.account)
            passwords = await self._secrets(session, evidence, PASSWORD)
            hashes: list[str | None] = [*await directory.hashes(session, account, MOST_HASHES)]
        hashes += [None] * (LEAST_HASHES - len(hashes))
        fitting = await asyncio.gather(*(self._hashers.fits_any(hashes, one) for one in passwords if one is not None))
        async with self._database.write() as session:
            now = await database_time(session)
            look = await weighing.looked_at(session, self._rings, account, given, evidence.policy, now)
            facts = [*weighing.facts(look, given), *_password_fact(passwords, fitting)]
            facts += await self._code_fact(session, evidence, account)
            weighed = Weighed(look.survey(given.browser), _with_earlier(facts, evidence.files, account, kept.last))
            for name in evidence.secrets:
                await vault.drop(session, name)
            return await _keep(session, evidence, weighed, now)

    async def _secrets(self, session: AsyncSession, evidence: EvidenceToWeigh, purpose: str) -> list[str | None]:
        """What waits in the vault for this purpose; None for what has run out."""
        most = evidence.policy.evidence_passwords if purpose == PASSWORD else 1
        names = [name for name in evidence.secrets if name.partition("/")[0] == purpose][:most]
        ring = self._rings.row
        return [await vault.look(session, ring, name=name, reference=evidence.case, purpose=purpose) for name in names]

    async def _code_fact(self, session: AsyncSession, evidence: EvidenceToWeigh, account: str) -> list[Fact]:
        """A saved recovery code: counted against the account's tries of the day, burnt when it is one."""
        codes = await self._secrets(session, evidence, CODE)
        if not codes:
            return []
        if codes[0] is None:
            return [Fact(FactKind.RECOVERY_CODE, Finding.UNKNOWN)]
        name = next(name for name in evidence.secrets if name.partition("/")[0] == CODE)
        fits = False
        if await may_try(session, Proof(evidence.case, account, name, evidence.policy.tries_per_account)):
            used_by = f"{evidence.case}/{name}"
            fits = await directory.burn_recovery_code(session, self._rings, account, codes[0], case=used_by)
        return [Fact(FactKind.RECOVERY_CODE, Finding.MATCHED if fits else Finding.NOT_MATCHED)]

    # ---- the hand-back ----

    @activity.defn
    async def begin_hand_back(self, hand_back: HandBack) -> HandBackBegun:
        """Look for an objection for the last time, and mark that the effect has begun: one transaction.

        The account is written down as it is, so that it can be rolled back.
        """
        case, account = hand_back.case, hand_back.account
        async with self._database.write() as session:
            gate = await lock_gate(session, account)
            if await session.get(HandBackRow, case):
                return HandBackBegun(begun=True)
            objection = await objections.in_the_way(session, case)
            if objection:
                return HandBackBegun(begun=False, received=objection.id, received_at=objection.received_at)
            now = await database_time(session)
            row = await self._owned(session, account)
            before = await hand_backs.snapshot(session, gate, row)
            session.add(HandBackRow(case_ref=case, account_ref=account, before=before, steps={}, begun_at=now))
            begin(gate, "hand_back", case, now)
            if row:  # the last page names the account
                username = await directory.username(session, self._rings, row)
                named = Identifier(IdentifierKind.USERNAME, username)
                await intake.remember(session, self._rings, case, f"username/{account}", named)
        log.info("hand-back begun", case=case)
        return HandBackBegun(begun=True)

    @activity.defn
    async def take_step(self, hand_back: HandBack) -> StepTaken:
        """One step of a hand-back or of its undoing, once; taken again it changes nothing and answers the same."""
        case, step = hand_back.case, hand_back.step
        if step not in steps.STEPS:
            raise ApplicationError(f"no step of the account system: {step}", type="UnknownStep", non_retryable=True)
        async with self._database.write() as session:
            gate = await lock_gate(session, hand_back.account)
            record = await session.get(HandBackRow, case)
            if record is None:
                raise ApplicationError("the hand-back was not begun", type="NotBegun", non_retryable=True)
            row, now = await self._owned(session, hand_back.account), await database_time(session)
            if row is None:
                return steps.NO_ACCOUNT
            taken = await steps.take(At(session, self._rings, gate, row, record, hand_back, now), step)
        log.info("step taken", case=case, step=str(step), result=taken.result, count=taken.count)
        return taken

    async def _owned(self, session: AsyncSession, ref: str) -> AccountRow | None:
        """The account; None for a stand-in, and where the owner was erased."""
        return await directory.account(session, ref) if await weighing.is_there(session, self._rings, ref) else None


def _password_fact(passwords: Sequence[str | None], fitting: Sequence[bool]) -> list[Fact]:
    """One fact for all of them: which one it was nobody is told."""
    if not passwords:
        return []
    finding = Finding.MATCHED if any(fitting) else Finding.NOT_MATCHED if fitting else Finding.UNKNOWN
    return [Fact(FactKind.PASSWORD, finding, len(passwords))]


@dataclass(frozen=True)
class _Kept:
    """What was answered before in this case: about the `same` evidence, and about the `last` that came earlier."""

    same: Weighed | None
    last: Weighed | None
    names: tuple[str, ...]


async def _weighed_before(session: AsyncSession, evidence: EvidenceToWeigh) -> _Kept:
    found = await session.execute(
        select(EvidenceWeighedRow)
        .where(col(EvidenceWeighedRow.case_ref) == evidence.case)
        .order_by(col(EvidenceWeighedRow.at))
    )
    rows = {row.evidence: _weighed(row) for row in found.scalars()}
    same = rows.pop(evidence.evidence, None)
    return _Kept(same, next(reversed(rows.values()), None), tuple(rows))


def _weighed(row: EvidenceWeighedRow) -> Weighed:
    return Weighed(_SURVEY.validate_python(row.survey), _FACTS.validate_python(row.facts))


async def _keep(session: AsyncSession, evidence: EvidenceToWeigh, weighed: Weighed, now: datetime) -> Weighed:
    """Keep the answer; of two activities at the same moment the first one's counts."""
    row = EvidenceWeighedRow(
        case_ref=evidence.case,
        evidence=evidence.evidence,
        survey=_SURVEY.dump_python(weighed.survey, mode="json"),
        facts=_FACTS.dump_python(weighed.facts, mode="json"),
        at=now,
    )
    if await insert_once(session, row):
        return weighed
    return _weighed(await session.get_one(EvidenceWeighedRow, (evidence.case, evidence.evidence)))


def _with_earlier(facts: Sequence[Fact], files: int, account: str, last: Weighed | None) -> tuple[Fact, ...]:
    """These facts, with what is known of secrets and files that were given earlier and are gone.

    A match stays one. What was compared with another account, or a stand-in, was not compared.
    """
    by_kind = {fact.kind: fact for fact in facts}
    for fact in last.facts if last else ():
        if fact.kind in {FactKind.PASSWORD, FactKind.RECOVERY_CODE}:
            is_same = last is not None and last.survey.account == account
            earlier = fact if is_same else Fact(fact.kind, Finding.UNKNOWN, fact.count)
            by_kind[fact.kind] = _both(by_kind.get(fact.kind), earlier)
        elif fact.kind is FactKind.FILES:
            files += fact.count
    if files:
        by_kind[FactKind.FILES] = Fact(FactKind.FILES, Finding.UNKNOWN, files)
    return tuple(by_kind.values())


def _both(now: Fact | None, earlier: Fact) -> Fact:
    if now is None:
        return earlier
    findings = {now.finding, earlier.finding}
    best = Finding.MATCHED if Finding.MATCHED in findings else now.finding
    return Fact(now.kind, best, now.count + earlier.count)
