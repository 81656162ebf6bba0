"""What has happened in a case and around it: events, messages, what came in and is not answered, other cases."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from domain.case import Audience, Party
from domain.claim import Claim
from domain.decisions import Outcome
from storage import agents, decided, reads
from storage.decided import Decided
from storage.models import CaseRow, NoticeRow, ReceivedRow
from storage.reads import Entry
from web import words
from web.desk.timeline import Coming, Line, coming, line_of
from web.services import Services
from web.words import Said


@dataclass(frozen=True)
class Pending:
    """Something that came in for the case, and that the case has not answered yet."""

    who: str
    what: str
    at: datetime
    is_delivered: bool


@dataclass(frozen=True)
class Log:
    """What happened, what was sent, what is under way, and the account's other cases with what was decided there."""

    names: Mapping[str, str]
    """Agents as people call them."""
    entries: list[Entry]
    lines: list[Line]
    coming: list[Coming]
    notices: list[NoticeRow]
    pending: list[Pending]
    linked: list[tuple[CaseRow, Said]]
    decided: list[Decided]

    @property
    def just_refused(self) -> Line | None:
        """The decision that was refused, if nothing has happened since but what the machine did because of it."""
        return self._last("decision_refused")

    @property
    def just_recorded(self) -> Line | None:
        """The decision that was taken, as long as only what follows from it has happened since."""
        return self._last("decision_recorded")

    def answer_to(self, agent: str) -> tuple[bool, Line] | None:
        """What the case answered to the newest decision of this agent: whether it was taken, and its line."""
        for entry, line in zip(reversed(self.entries), reversed(self.lines), strict=True):
            kind = entry.event.kind
            if kind in {"decision_recorded", "decision_refused"} and getattr(entry.event, "agent", "") == agent:
                return kind == "decision_recorded", line
        return None

    def _last(self, kind: str) -> Line | None:
        for entry, line in zip(reversed(self.entries), reversed(self.lines), strict=True):
            if entry.event.kind == kind:
                return line
            if entry.actor != Party.MACHINE:
                return None
        return None

    def after(self, number: int) -> list[Line]:
        """What has happened since this event; nothing for a page that does not say what it showed."""
        entries = zip(self.entries, self.lines, strict=True)
        return [line for entry, line in entries if entry.number > number >= 0]


async def log_of(services: Services, row: CaseRow) -> Log:
    async with services.database.read() as session:
        names = {agent.name: agent.display_name for agent in await agents.all_agents(session)}
        entries = await reads.timeline(session, row, set(Audience))
        linked = await reads.linked_cases(session, row)
        return Log(
            names=names,
            entries=entries,
            lines=[line_of(entry, names) for entry in entries],
            coming=coming(reads.case_of(row)),
            notices=list(await reads.notices(session, row.reference)),
            pending=[pending_of(one, names) for one in await _unanswered(session, row)],
            linked=[(other, words.state(other.kind, other.state)) for other in linked],
            decided=await decided.decided(session, [other.reference for other in linked]),
        )


async def _unanswered(session: AsyncSession, row: CaseRow) -> Sequence[ReceivedRow]:
    """A claim is itself the answer to the objection that opened it, and a closed case answers nothing more."""
    if row.closed_at:
        return []
    case = reads.case_of(row)
    answered = case.objection if isinstance(case, Claim) and row.number else ""
    return [one for one in await reads.unanswered(session, row.reference) if one.id != answered]


def pending_of(received: ReceivedRow, names: Mapping[str, str]) -> Pending:
    is_delivered = received.delivered_at is not None
    if received.kind != "decision":
        return Pending("The owner", "said “this was not me”", received.received_at, is_delivered)
    agent, outcome = str(received.data.get("agent", "")), str(received.data.get("outcome", ""))
    what = words.OUTCOMES[Outcome(outcome)] if outcome in set(Outcome) else "decided"
    return Pending(names.get(agent, agent), what, received.received_at, is_delivered)


def mark(row: CaseRow, log: Log, now: datetime, *more: object) -> str:
    """A short name for everything that the page shows; another one each minute, for the times on it."""
    shown = (
        row.number,
        [(notice.name, notice.state, notice.attempts) for notice in log.notices],
        log.pending,
        [(other.reference, other.state) for other, _ in log.linked],
        now.replace(second=0, microsecond=0),
        *more,
    )
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
