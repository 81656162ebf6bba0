"""The steps of a hand-back and of its undoing, as the embedded directory takes them (design 7).

Each is taken in one transaction under the account's gate. What it answered is kept, so that a step that is taken again
changes nothing more and answers the same.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.exceptions import ApplicationError

from activities.contract import HandBack, StepTaken
from domain.claim_events import Step
from domain.decisions import KEEP
from storage import directory, hand_backs, reads
from storage.keys import Rings
from storage.models import AccountGateRow, AccountRow, CaseRow, HandBackRow

NO_ACCOUNT = StepTaken("no_account")
"""The answer about a stand-in, and about an account whose owner was erased."""


@dataclass(frozen=True)
class At:
    """A step in its transaction: the gate is held, `record` says what the account was like before."""

    session: AsyncSession
    rings: Rings
    gate: AccountGateRow
    account: AccountRow
    record: HandBackRow
    wanted: HandBack
    now: datetime

    @property
    def case(self) -> str:
        return self.wanted.case


async def take(at: At, step: Step) -> StepTaken:
    """Take the step, or answer what it answered before."""
    if step is Step.END_SESSIONS:
        return await _end_sessions(at)
    if step in at.record.steps:
        return StepTaken(*at.record.steps[step])
    return _kept(at, step, await _TAKING[step](at))


def _kept(at: At, name: str, taken: StepTaken) -> StepTaken:
    at.record.steps = {**at.record.steps, name: [taken.result, taken.count]}
    return taken


async def _lift_freeze(at: At) -> StepTaken:
    """Open the account, unless another open case shuts it: whoever asked for that has not been heard yet."""
    if directory.bar(at.account, at.now)[0] != "frozen":
        return StepTaken("not_frozen")
    if at.gate.frozen_by != at.case and await _is_open(at.session, at.gate.frozen_by):
        return StepTaken("kept")
    _open(at)
    return StepTaken("lifted", 1)


async def _change_contacts(at: At) -> StepTaken:
    """Put the proved contact in; from here on risky changes are held until the probation ends."""
    at.account.probation_until = at.wanted.probation_until
    if at.wanted.plan == KEEP:
        return StepTaken("kept")
    proved = await reads.typed(at.session, at.rings, at.case, at.wanted.contact)
    if proved is None:
        raise ApplicationError("the proved contact was erased", type="Erased", non_retryable=True)
    result, count = await hand_backs.change_contacts(
        at.session, at.rings, at.account, proved, plan=at.wanted.plan, case=at.case, now=at.now
    )
    return StepTaken(result, count)


async def _end_sessions(at: At) -> StepTaken:
    """End what is alive, however often: the count grows only by what was. The undoing counts for itself."""
    name = f"{Step.END_SESSIONS}_again" if Step.RESTORE_CONTACTS in at.record.steps else str(Step.END_SESSIONS)
    _, before = at.record.steps.get(name, ["ended", 0])
    ended = await directory.end_live_sessions(at.session, at.account.ref, by=at.case, now=at.now)
    return _kept(at, name, StepTaken("ended", before + ended))


async def _restore_contacts(at: At) -> StepTaken:
    changed = await hand_backs.restore_contacts(
        at.session, at.account, at.record.before, case=at.case, begun_at=at.record.begun_at, now=at.now
    )
    return StepTaken("restored", changed)


async def _restore_freeze(at: At) -> StepTaken:
    """As it was before. This claim's own freeze goes with the claim; another case's holds while that case is open."""
    recorded = at.record.before["frozen_by"]
    holder = at.gate.frozen_by
    if holder not in {at.case, recorded} and await _is_open(at.session, holder):
        return StepTaken("kept", 1)
    is_over = recorded == at.case or (recorded != "" and not await _is_open(at.session, recorded))
    if is_over or not at.record.before["frozen_at"]:
        _open(at)
        return StepTaken("not_frozen")
    hand_backs.restore_freeze(at.gate, at.account, at.record.before)
    return StepTaken("frozen", 1)


_TAKING: dict[Step, Callable[[At], Awaitable[StepTaken]]] = {
    Step.LIFT_FREEZE: _lift_freeze,
    Step.CHANGE_CONTACTS: _change_contacts,
    Step.RESTORE_CONTACTS: _restore_contacts,
    Step.RESTORE_FREEZE: _restore_freeze,
}
STEPS = frozenset({*_TAKING, Step.END_SESSIONS})
"""What the account system does itself; the link is for the sender."""


def _open(at: At) -> None:
    at.account.frozen_at = at.account.frozen_until = None
    at.gate.frozen_by = ""


async def _is_open(session: AsyncSession, reference: str) -> bool:
    row = await session.get(CaseRow, reference) if reference else None
    return row is not None and row.closed_at is None
