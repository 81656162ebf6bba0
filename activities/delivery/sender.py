"""One message to one contact: logged, written, carried, logged again.

A crash between the carrier's answer and our second log entry sends the message once more, with the same Message-ID
(or text message id); everything else is done once however often it is asked for.
"""

from collections.abc import Mapping

import structlog

from activities.delivery.channels import Carrier, Delayed, Mail, Text, Undeliverable
from activities.delivery.log import DeliveryLog, Entry
from activities.delivery.objections import ObjectionLink, ObjectionScope, token_of
from activities.delivery.render import Renderer
from domain.case import Channel
from storage.engine import Database
from storage.keys import Rings
from storage.people import RowKeys

logger = structlog.get_logger(__name__)


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
    ) -> None:
        self._db, self._rings, self._renderer = db, rings, renderer
        self._mail, self._text = mail, text
        self._log = DeliveryLog(db, row_keys)

    @property
    def public_url(self) -> str:
        """Where links in messages begin; without a slash at its end."""
        return self._renderer.platform.url

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
    ) -> None:
        """Send the message `name` unless it went out already. `name` is one reason and one contact, such as
        `7F3KQ2M9XA.code.1`; nothing personal, for it is in the Message-ID and in logs.

        Raises `Undeliverable` (final, not retryable) or `Delayed` (to be tried again); neither holds the address.
        """
        message_id = f"<{name.replace('/', '.')}@{self._renderer.platform.host}>"
        entry = Entry(name, case, template, channel, address, subject_of_row_key, message_id)
        async with self._db.write() as session:
            row = await self._log.queue(session, entry)
            if row is None:
                return
            link = None
            if objection:
                token, until = await token_of(session, self._rings, name, case=case, account=account, wanted=objection)
                link = ObjectionLink(f"{self.public_url}/not-me/{token}", objection.scope, until)
            attempt, message_id = row.attempts, row.message_id
        log = logger.bind(notice=name, case=case, template=template, channel=str(channel), attempt=attempt)
        try:
            provider_id = await self._carry(entry, message_id, {**context, "case": case, "objection": link})
        except (Delayed, Undeliverable) as failed:
            await self._log.not_handed_over(name, failed.kind, final=failed.non_retryable)
            log.warning("message_not_handed_over", error=failed.kind, final=failed.non_retryable)
            raise
        await self._log.handed_over(name, provider_id)
        log.info("message_handed_over")

    async def _carry(self, entry: Entry, message_id: str, context: Mapping[str, object]) -> str:
        if entry.channel is Channel.SMS:
            return await self._text.carry(Text(entry.address, self._renderer.text(entry.template, context), entry.name))
        letter = self._renderer.letter(entry.template, context)
        headers = {"Reply-To": self._renderer.platform.help}
        return await self._mail.carry(
            Mail(entry.address, letter.subject, letter.text, letter.html, message_id, headers)
        )
