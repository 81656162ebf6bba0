"""The account adapter of the embedded directory. What it does is what `/dev/login` shows."""

from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.accounts import objections
from activities.accounts.hashing import Hashers
from activities.contract import Accounts, Freeze, FreezeResult, Look, NewPassword, PasswordResult, Proof
from domain.case import Kind, workflow_id
from domain.errors import TooMany
from domain.recovery import Sight, Standing
from storage import budgets, directory, intake, vault
from storage.budgets import DAY, Limit
from storage.engine import Database, database_time
from storage.gate import lock_gate
from storage.identifiers import Identifier, IdentifierKind
from storage.keys import Rings
from storage.models import AccountGateRow, AccountRow, CaseRow

log = structlog.get_logger()


class SqlAccounts(Accounts):
    def __init__(self, database: Database, rings: Rings, hashers: Hashers) -> None:
        self._database, self._rings, self._hashers = database, rings, hashers

    @activity.defn
    async def look_at_accounts(self, look: Look) -> tuple[Sight, ...]:
        """How each account stands. Its username is kept with the case, sealed, for the pages after the proof."""
        async with self._database.write() as session:
            now = await database_time(session)
            return tuple([await self._look(session, look.case, account, now) for account in look.accounts])

    async def _look(self, session: AsyncSession, case: str, account: str, now: datetime) -> Sight:
        row = await directory.account(session, account)
        username = await directory.username(session, self._rings, row) if row else ""
        if row is None or not username:  # an owner who was erased cannot come back
            return Sight(account, Standing.GONE)
        named = Identifier(IdentifierKind.USERNAME, username)
        await intake.remember(session, self._rings, case, f"username/{account}", named)
        return _sight(row, now)

    @activity.defn
    async def check_recovery_code(self, proof: Proof) -> bool:
        """Burn a saved recovery code. The vault row goes with it; a second run finds the code burnt by this case."""
        async with self._database.write() as session:
            code = await vault.look(
                session, self._rings.row, name=proof.secret, reference=proof.case, purpose="second-proof"
            )
            used_by = f"{proof.case}/{proof.secret}"
            if code is None:
                return await directory.burnt_by(session, proof.account, case=used_by)
            await vault.drop(session, proof.secret)
            if not await may_try(session, proof):
                return False
            return await directory.burn_recovery_code(session, self._rings, proof.account, code, case=used_by)

    @activity.defn
    async def apply_password(self, new: NewPassword) -> PasswordResult:
        """Set the password and end all sessions, in one transaction under the account's gate.

        Objections that came in before, and recoveries of the same account that were quicker, win. The password
        stays in the vault until the result was recorded, so a kill in between loses nothing.
        """
        async with self._database.read() as session:
            password = await vault.look(
                session, self._rings.row, name=new.secret, reference=new.case, purpose="password"
            )
        hashed = await self._hashers.hash(password) if password is not None else None
        async with self._database.write() as session:
            gate = await lock_gate(session, new.account)
            now = await database_time(session)
            if not await directory.password_was_set_by(session, new.account, new.case):
                barred = await self._what_forbids(session, new, now)
                if barred or hashed is None:
                    return barred or PasswordResult("lost")
                await directory.set_password(session, new.account, hashed, case=new.case, now=now)
                await objections.raise_by_recovery(session, self._rings, new, now)
            begin(gate, "password", new.case, now)
            sessions = await directory.end_sessions(session, new.account, by=new.case, now=now)
            others = await _other_recoveries(session, new)
            raised = await objections.raised_by_recovery(session, new)
        log.info("password applied", case=new.case, sessions=sessions, objections=len(raised))
        return PasswordResult("applied", sessions=sessions, superseded=others, objections=raised)

    async def _what_forbids(self, session: AsyncSession, new: NewPassword, now: datetime) -> PasswordResult | None:
        """Why the password may not be set; None if it may. Only for a case that has not set it already."""
        objection = await objections.in_the_way(session, new.case)
        if objection:
            return PasswordResult("objected", received=objection.id, received_at=objection.received_at)
        if await directory.password_set_since(session, new.account, new.opened_at):
            return PasswordResult("superseded")
        row = await directory.account(session, new.account)
        is_there = row is not None and await directory.username(session, self._rings, row) != ""
        sight = _sight(row, now) if row and is_there else Sight(new.account, Standing.GONE)
        if sight.standing not in {Standing.ACTIVE, Standing.SECOND_FACTOR}:
            return PasswordResult("barred", sight=sight)
        gone = await vault.look(session, self._rings.row, name=new.secret, reference=new.case, purpose="password")
        return PasswordResult("lost") if gone is None else None

    @activity.defn
    async def freeze_account(self, freeze: Freeze) -> FreezeResult:
        """Freeze and end all sessions, unless an objection did so within the policy's interval.

        One that is needed is never withheld, has no end, and leaves the owner their automatic one. Asked for by the
        case that froze the account already, it takes that freeze's end away.
        """
        async with self._database.write() as session:
            gate = await lock_gate(session, freeze.account)
            now = await database_time(session)
            row = await directory.account(session, freeze.account)
            if not freeze.needed and gate.frozen_by != freeze.case and _was_lately_frozen(gate, freeze, now):
                return FreezeResult(frozen=False)
            if not _is_frozen_enough(gate, row, freeze, now):
                until = None if freeze.needed else now + freeze.policy.freeze_lifetime
                await directory.freeze(session, freeze.account, now=now, until=until)
                gate.frozen_by = freeze.case
                gate.frozen_by_objection_at = gate.frozen_by_objection_at if freeze.needed else now
                begin(gate, "freeze", freeze.case, now)
            ended = await directory.end_sessions(session, freeze.account, by=freeze.case, now=now)
        return FreezeResult(frozen=True, sessions=ended)

    @activity.defn
    async def end_freeze(self, freeze: Freeze) -> bool:
        """The end of a freeze of this case, and whether there was one; a freeze by anything else stays.

        Asked again it answers the same, as long as nothing else began at this account.
        """
        async with self._database.write() as session:
            gate = await lock_gate(session, freeze.account)
            is_mine = gate.frozen_by == freeze.case
            if is_mine:
                await directory.unfreeze(session, freeze.account)
                gate.frozen_by = ""
                gate.effect = "" if gate.effect == "freeze" else gate.effect
            was_mine = gate.effect == "" and gate.case_ref == freeze.case
        return is_mine or was_mine


def _was_lately_frozen(gate: AccountGateRow, freeze: Freeze, now: datetime) -> bool:
    last = gate.frozen_by_objection_at
    return last is not None and now - last < freeze.policy.freeze_interval


def _is_frozen_enough(gate: AccountGateRow, row: AccountRow | None, freeze: Freeze, now: datetime) -> bool:
    """A freeze of the same case is enough, unless it has an end and must not; so is any that holds now.

    Otherwise a second case, maybe the thief's, would give an end to the freeze that another one needs.
    """
    if gate.frozen_by == freeze.case:
        return not (freeze.needed and row and row.frozen_until)
    return not freeze.needed and row is not None and directory.bar(row, now)[0] == "frozen"


async def may_try(session: AsyncSession, proof: Proof) -> bool:
    """Count the try for the account, whatever case it comes from. With the day's tries spent no code fits, silently."""
    limit = Limit(f"proofs/{proof.account}", proof.tries, DAY)
    try:
        async with session.begin_nested():
            await budgets.take(session, (limit,), proof.secret, await database_time(session))
    except TooMany:
        return False
    return True


def begin(gate: AccountGateRow, effect: str, case: str, now: datetime) -> None:
    """Mark the effect as begun: from now on the web refuses what would have stopped it, with the way on."""
    if gate.effect != effect or gate.case_ref != case:
        gate.effect, gate.case_ref, gate.begun_at = effect, case, now


def _sight(row: AccountRow, now: datetime) -> Sight:
    bar, until = directory.bar(row, now)
    if bar:
        return Sight(row.ref, Standing(bar), until)
    return Sight(row.ref, Standing.SECOND_FACTOR if row.second_factor else Standing.ACTIVE)


async def _other_recoveries(session: AsyncSession, new: NewPassword) -> tuple[str, ...]:
    """Workflow ids of the account's other open recoveries; those with several accounts find out at their own gate."""
    found = await session.execute(
        select(col(CaseRow.reference)).where(
            col(CaseRow.account_ref) == new.account,
            col(CaseRow.kind) == Kind.RECOVERY,
            col(CaseRow.closed_at).is_(None),
            col(CaseRow.reference) != new.case,
        )
    )
    return tuple(workflow_id(Kind.RECOVERY, reference) for reference in sorted(found.scalars()))
