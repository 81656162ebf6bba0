"""Who decided is proved, not claimed: the keyed proof, the row with the time, the role as it is now (design 3)."""

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.contract import Decisions, Objection, ObjectionFound, Objections
from domain.decisions import DECIDERS, Decision, Doubt, Verdict
from storage import reads
from storage.engine import Database, database_time
from storage.keys import Rings
from storage.models import AgentRow, CaseRow, MessageRow, ReceivedRow


class ProvedDecisions(Decisions):
    def __init__(self, database: Database, rings: Rings) -> None:
        self._database, self._rings = database, rings

    @activity.defn
    async def check_decision(self, decision: Decision) -> Verdict:
        """Anybody who can write to the namespace can send a signal; only desk and CLI can make the proof."""
        async with self._database.read() as session:
            if not self._rings.decision.is_signed(decision.proved_text(), decision.proof):
                # Before anything of it is looked up: a forged signal may hold what no database takes.
                return Verdict(await database_time(session), Doubt.UNPROVEN)
            row = await session.get(ReceivedRow, decision.id)
            received = row.received_at if row else await database_time(session)
            agent = await session.get(AgentRow, decision.agent)
            return Verdict(received, await _doubt(session, decision, agent), agent.role if agent else "")


async def _doubt(session: AsyncSession, decision: Decision, agent: AgentRow | None) -> Doubt | None:
    if agent is None or not agent.is_active or agent.role not in DECIDERS:
        return Doubt.ROLE
    case = await session.get(CaseRow, decision.case)
    if case is not None and reads.is_about(case, agent.own_accounts):
        return Doubt.OWN_ACCOUNT
    return None if await _has_its_text(session, decision) else Doubt.NO_TEXT


async def _has_its_text(session: AsyncSession, decision: Decision) -> bool:
    """It has to be there, and of this agent. Who reads it the row says itself: words to a second person stay here."""
    if not decision.text:
        return True
    row = await session.get(MessageRow, decision.text)
    return row is not None and (row.case_ref, row.author) == (decision.case, decision.agent)


class ReceivedObjections(Objections):
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def check_objection(self, objection: Objection) -> ObjectionFound:
        """An objection counts only if its row is there: the web makes it when a valid link was pressed."""
        async with self._database.read() as session:
            row = await session.get(ReceivedRow, objection.received)
            now = await database_time(session)
        valid = row is not None and row.kind == "objection" and row.case_ref == objection.case
        may_object = row is not None and bool(row.data.get("may_object", True))
        return ObjectionFound(row.received_at if row and valid else now, valid, may_object)
