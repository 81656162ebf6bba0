"""Codes and links: reserve the tries, derive, hand to the sender. Nobody stores a code (design 6)."""

import secrets
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.accounts.resolve import recipient, resolve, username_of
from activities.contract import CodeMade, Codes, CodeToSend, CodeWanted
from activities.delivery.sender import CodeMessage, Sender
from domain.case import Channel
from domain.contact_proof import IDENTIFIER
from domain.errors import TooMany
from storage import budgets, codes, reads
from storage.budgets import DAY, HOUR, Limit
from storage.engine import Database, database_time
from storage.identifiers import Identifier, phone_prefix
from storage.keys import Rings
from storage.models import CodeIssueRow
from storage.people import account_subject, case_subject

log = structlog.get_logger()


@dataclass(frozen=True)
class _Found:
    """What a code is about. `buckets` hold the tries of it; without any, no code is typed at all."""

    accounts: tuple[str, ...]
    mark: str
    buckets: tuple[str, ...]


class DerivedCodes(Codes):
    """A retried activity makes, and sends, the same code: it is an HMAC of case and issue number."""

    def __init__(self, database: Database, rings: Rings, sender: Sender) -> None:
        self._database, self._rings, self._sender = database, rings, sender

    @activity.defn
    async def issue_code(self, wanted: CodeWanted) -> CodeMade:
        """Reserve the tries and make the digests. The row of the issue makes a second run give the same answer."""
        async with self._database.write() as session:
            row = await session.get(CodeIssueRow, (wanted.case, wanted.issue))
            if row is None:
                row = await self._issue(session, wanted)
        return CodeMade(tuple(row.accounts), row.keys, row.digest, row.link_digest)

    async def _issue(self, session: AsyncSession, wanted: CodeWanted) -> CodeIssueRow:
        found = await self._found(session, wanted)
        now = await database_time(session)
        tries = wanted.policy.tries_per_code
        # With the day's tries spent the message carries only the link: no typed code may win then either.
        most = wanted.policy.tries_per_account
        has_code = bool(found.buckets) and await budgets.reserve(session, list(found.buckets), tries, most, now)
        code_mark = found.mark if has_code else secrets.token_hex(16)
        made = _digests(self._rings, wanted, code_mark=code_mark, link_mark=found.mark)
        row = CodeIssueRow(
            case_ref=wanted.case,
            issue=wanted.issue,
            accounts=list(found.accounts),
            keys=made.keys,
            digest=made.code,
            link_digest=made.link,
            buckets=list(found.buckets) if has_code else [],
            window=now.date(),
            reserved=tries if has_code else 0,
            link_only=not has_code,
            silent=await self._is_silent(session, wanted, found, now),
        )
        session.add(row)
        return row

    async def _found(self, session: AsyncSession, wanted: CodeWanted) -> _Found:
        """What the code is about, and what its tries are counted for: the accounts, or whoever reads the contact."""
        named, contact = await self._typed(session, wanted.case, wanted.to.contact)
        if wanted.purpose == "recovery":
            resolved = await resolve(session, self._rings, named, contact)
            return _Found(resolved.accounts, resolved.mark, tuple(f"tries/{ref}" for ref in resolved.accounts))
        if contact is None:
            return _Found((), secrets.token_hex(16), ())
        if wanted.purpose == "hand_back":
            return _Found((), "", ())
        destination = self._rings.digest.digest("typed", contact.kind, contact.normal)
        return _Found((), "", (f"tries/contact/{destination}",))

    async def _is_silent(self, session: AsyncSession, wanted: CodeWanted, found: _Found, now: datetime) -> bool:
        """Whether too many cases were started about an account within the hour: then nothing is sent, silently."""
        earlier = select(col(CodeIssueRow.silent)).where(col(CodeIssueRow.case_ref) == wanted.case)
        if any((await session.execute(earlier)).scalars()):
            return True
        most = wanted.policy.starts_per_account
        limits = tuple(Limit(f"account-starts/{account}", most, HOUR) for account in found.accounts)
        try:
            async with session.begin_nested():
                await budgets.take(session, limits, wanted.case, now)
        except TooMany:
            return True
        return False

    @activity.defn
    async def send_code(self, code: CodeToSend) -> None:
        """Hand the code to the sender, if there is anybody to send it to."""
        async with self._database.read() as session:
            row = await session.get(CodeIssueRow, (code.case, code.issue))
            if row is None:
                raise ApplicationError("no such issue", type="NoSuchIssue", non_retryable=True)
            to, username = await self._recipient(session, code)
        if to is None or row.silent or not await self._is_affordable(code, to):
            return
        issue_key = code.keys.partition("/")[0]
        digits = codes.code(self._rings, code.case, code.issue, code.policy.code_digits, key=issue_key)
        message = CodeMessage(
            case=code.case,
            issue=code.issue,
            channel=code.to.channel,
            address=to.normal,
            subject=account_subject(row.accounts[0]) if row.accounts else case_subject(code.case),
            account=row.accounts[0] if row.accounts else code.account,
            code=None if row.link_only else digits,
            link=codes.link(self._rings, code.case, code.issue, key=issue_key),
            issued_at=code.issued_at,
            policy=code.policy,
            purpose=code.purpose,
            username=username,
        )
        await self._sender.send_code(message)
        log.info("code handed over", case=code.case, issue=code.issue, channel=code.to.channel)

    async def _recipient(self, session: AsyncSession, code: CodeToSend) -> tuple[Identifier | None, str]:
        """Whom the sender may write to, None where nobody is; and the username that a hand-back names."""
        named, contact = await self._typed(session, code.case, code.to.contact)
        match code.purpose:
            case "recovery":
                return await recipient(session, self._rings, named, contact), ""
            case "contact":
                return contact, ""
            case "hand_back":
                username = await username_of(session, self._rings, code.account)
                return (contact if username else None), username

    async def _is_affordable(self, code: CodeToSend, contact: Identifier) -> bool:
        """Whether the day's text messages, in all and to this country, are not used up (SMS pumping)."""
        if code.to.channel is not Channel.SMS:
            return True
        policy = code.policy
        prefix = Limit(f"sms/prefix/{phone_prefix(contact.normal)}", policy.sms_per_prefix, DAY)
        try:
            async with self._database.write() as session:
                now = await database_time(session)
                limits = (Limit("sms/all", policy.sms_per_day, DAY), prefix)
                await budgets.take(session, limits, f"{code.case}/{code.issue}", now)
        except TooMany as spent:
            log.error("text messages of the day are used up", budget=spent.what, case=code.case)
            return False
        return True

    async def _typed(
        self, session: AsyncSession, case: str, contact: str
    ) -> tuple[Identifier | None, Identifier | None]:
        """What was typed into the one box, and the contact; None for what was erased since."""
        named = await reads.typed(session, self._rings, case, IDENTIFIER)  # a claim has none
        return named, named if contact == IDENTIFIER else await reads.typed(session, self._rings, case, contact)


@dataclass(frozen=True)
class _Digests:
    keys: str
    code: str
    link: str


def _digests(rings: Rings, wanted: CodeWanted, *, code_mark: str, link_mark: str) -> _Digests:
    """The digests of code and link. With a mark they equal the digest of nothing that can be typed."""
    issue_key, digest_key = rings.issue.current, rings.digest.current
    digits = codes.code(rings, wanted.case, wanted.issue, wanted.policy.code_digits, key=issue_key)
    token = codes.link(rings, wanted.case, wanted.issue, key=issue_key)
    return _Digests(
        keys=f"{issue_key}/{digest_key}",
        code=codes.code_digest(rings, wanted.case, wanted.issue, digits + code_mark, key=digest_key),
        link=codes.link_digest(rings, wanted.case, token + link_mark, key=digest_key),
    )
