"""Who asks for the way back to a case gets it at the contact that the case proved, and nowhere else."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.contract import Find, FindRequest
from activities.delivery.sender import Sender
from domain.case import Channel
from domain.claim import Claim
from domain.errors import TooMany
from storage import budgets, finding, intake, reads
from storage.budgets import DAY, Limit
from storage.engine import Database, database_time
from storage.finding import Asked, Kept
from storage.identifiers import phone_prefix
from storage.intake import Browser
from storage.keys import Rings
from storage.people import case_subject

log = structlog.get_logger()


class SentWaysBack(Find):
    def __init__(self, database: Database, rings: Rings, sender: Sender) -> None:
        self._database, self._rings, self._sender = database, rings, sender

    @activity.defn
    async def send_way_back(self, request: FindRequest) -> None:
        async with self._database.read() as session:
            kept = await finding.kept(session, self._rings, request.id)
            case = await self._case(session, kept.asked) if kept else None
        if kept is None or case is None or not await self._may_send(request, kept.asked, case):
            return
        await self._send(request, kept, case)
        async with self._database.write() as session:
            await finding.mark_sent(session, request.id)

    async def _case(self, session: AsyncSession, asked: Asked) -> Claim | None:
        """The claim of this reference, if the contact that it proved is the one that was typed."""
        row = await reads.case_row(session, asked.reference)
        case = reads.case_of(row) if row else None
        if not isinstance(case, Claim) or case.contact is None:
            return None
        proved = await reads.typed(session, self._rings, case.reference, case.contact.contact)
        return case if proved == asked.contact else None

    async def _may_send(self, request: FindRequest, asked: Asked, case: Claim) -> bool:
        """Whether neither this contact nor the day has had too many messages; a request counts once."""
        token, policy = f"find/{request.id}", case.policy
        try:
            async with self._database.write() as session:
                await intake.count_send(session, self._rings, asked.contact, Browser(""), token=token, policy=policy)
                if intake.channel_of(asked.contact) is Channel.SMS:
                    prefix = Limit(f"sms/prefix/{phone_prefix(asked.contact.normal)}", policy.sms_per_prefix, DAY)
                    limits = (Limit("sms/all", policy.sms_per_day, DAY), prefix)
                    await budgets.take(session, limits, token, await database_time(session))
        except TooMany as spent:
            log.warning("way back not sent", budget=spent.what, case=case.reference)
            return False
        return True

    async def _send(self, request: FindRequest, kept: Kept, case: Claim) -> None:
        await self._sender.send(
            name=f"{case.reference}.way-back.{request.id[:16]}",
            case=case.reference,
            template="way-back",
            channel=intake.channel_of(kept.asked.contact),
            address=kept.asked.contact.normal,
            subject_of_row_key=case_subject(case.reference),
            context={"asked_at": kept.at, "policy": case.policy},
            objection=None,
            account=case.account,
            way_back=kept.at,
        )
        log.info("way back sent", case=case.reference)
