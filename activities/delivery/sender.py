"""One message to one contact: logged, written, carried, logged again.

A crash between the carrier's answer and our second log entry sends the message once more, with the same Message-ID
(or text message id); everything else is done once however often it is asked for.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.common import MetricMeter

from activities.contract import Purpose
from activities.delivery.channels import Carrier, Delayed, Mail, Text, Undeliverable
from activities.delivery.log import DeliveryLog, Entry
from activities.delivery.objections import ObjectionLink, ObjectionScope, token_of
from activities.delivery.render import Renderer
from activities.delivery.tally import Tally
from domain.case import Channel
from domain.policy import Policy
from storage import access_links
from storage.engine import Database
from storage.keys import Rings
from storage.people import RowKeys

log = structlog.get_logger()


@dataclass(frozen=True)
class CodeMessage:
    """Code number `issue` of a case on its way to one contact; `code` None: the message carries only the link.

    `link` is the token of the mailed link, `subject` the row-key subject that seals the address; `username` is named
    by a message of the purpose `hand_back` only. Nothing of this leaves the worker but in the message.
    """

    case: str
    issue: int
    channel: Channel
    address: str
    subject: str
    account: str
    code: str | None
    link: str
    issued_at: datetime
    policy: Policy
    purpose: Purpose = "recovery"
    username: str = ""


TEMPLATES: dict[Purpose, str] = {"recovery": "code", "contact": "claim-code", "hand_back": "hand-back-link"}


@dataclass(frozen=True)
class Way:
    """A one-time link into a case, as a template sees it."""

    url: str
    until: datetime


class Sender:
    """What an activity needs to tell somebody something. Built once per worker, by its entry point."""

    def __init__(
        self,
        db: Database,
        rings: Rings,
        row_keys: RowKeys,
        renderer: Renderer,
        *,
        mail: Carrier[Mail],
        text: Carrier[Text],
        meter: MetricMeter = MetricMeter.noop,
    ) -> None:
        self._db, self._rings, self._renderer = db, rings, renderer
        self._mail, self._text = mail, text
        self._tally = Tally(meter)
        self._url = renderer.platform.url
        self._log = DeliveryLog(db, row_keys)

    async def send_code(self, message: CodeMessage) -> None:
        """Send a code and its link once. In a recovery its "this was not me" ends that case only.

        That of a claim needs none: whoever leaves it alone has given nobody anything.
        """
        stop = ObjectionScope("case", message.issued_at + message.policy.objection_lifetime)
        await self.send(
            name=f"{message.case}.code.{message.issue}",
            case=message.case,
            template=TEMPLATES[message.purpose],
            channel=message.channel,
            address=message.address,
            subject_of_row_key=message.subject,
            context={
                "issue": message.issue,
                "code": message.code,
                "link": f"{self._url}/link/{message.case}.{message.link}",
                "issued_at": message.issued_at,
                "policy": message.policy,
                "username": message.username,
            },
            objection=stop if message.purpose == "recovery" else None,
            account=message.account,
        )

    async def send(
        self,
        *,
        name: str,
        case: str,
        template: str,
        channel: Channel,
        address: str,
        subject_of_row_key: str,
        context: Mapping[str, object],
        objection: ObjectionScope | None,
        account: str,
        way_back: datetime | None = None,
    ) -> None:
        """Send the message `name` unless it went out already. `name` is one reason and one contact, such as
        `7F3KQ2M9XA.code.1`; nothing personal, for it is in the Message-ID and in logs. With `way_back`, the time of
        what it tells, it carries a one-time link into the case.

        Raises `Undeliverable` (final, not retryable) or `Delayed` (to be tried again); neither holds the address.
        """
        message_id = f"<{name.replace('/', '.')}@{self._renderer.platform.host}>"
        entry = Entry(name, case, template, channel, address, subject_of_row_key, message_id)
        async with self._db.write() as session:
            row = await self._log.queue(session, entry)
            if row is None:
                return
            link = await self._link(session, entry, objection, account)
            way = await self._way(session, entry, way_back)
        about = log.bind(notice=name, case=case, template=template, channel=str(channel), attempt=row.attempts)
        began = time.perf_counter()
        try:
            links = {"objection": link, "way": way}
            provider_id = await self._carry(entry, row.message_id, {**context, "case": case, **links})
        except (Delayed, Undeliverable) as failed:
            await self._log.not_handed_over(name, failed.kind, final=failed.non_retryable)
            about.warning("message not handed over", error=failed.kind, final=failed.non_retryable)
            self._tally.count(entry, "undeliverable" if failed.non_retryable else "delayed", began)
            raise
        await self._log.handed_over(name, provider_id)
        about.info("message handed over")
        self._tally.count(entry, "handed_over", began)

    async def _link(
        self, session: AsyncSession, entry: Entry, wanted: ObjectionScope | None, account: str
    ) -> ObjectionLink | None:
        if wanted is None:
            return None
        found = await token_of(session, self._rings, entry.name, case=entry.case, account=account, wanted=wanted)
        token, until = found
        return ObjectionLink(f"{self._url}/not-me/{token}", wanted.scope, until, wanted.may_object)

    async def _way(self, session: AsyncSession, entry: Entry, at: datetime | None) -> Way | None:
        if at is None:
            return None
        token, until = await access_links.make(session, self._rings, entry.name, entry.case, at=at)
        return Way(f"{self._url}/access/{token}", until)

    async def _carry(self, entry: Entry, message_id: str, context: Mapping[str, object]) -> str:
        if entry.channel is Channel.SMS:
            return await self._text.carry(Text(entry.address, self._renderer.text(entry.template, context), entry.name))
        letter = self._renderer.letter(entry.template, context)
        headers = {"Reply-To": self._renderer.platform.help}
        return await self._mail.carry(
            Mail(entry.address, letter.subject, letter.text, letter.html, message_id, headers)
        )
