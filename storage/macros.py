"""Words that agents use again and again, by outcome, reason and language. Leads write them, everybody at the desk
uses them; what is sent is the text as it then stood, so a macro that changes later changes nothing that was said.
"""

import re
import secrets
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.engine import database_time
from storage.models import MacroRow

PLACEHOLDERS: Mapping[str, str] = {
    "reference": "reference of the case",
    "platform": "name of the platform",
    "agent": "your name",
    "due": "until when the answer is wanted, or the cooling-off lasts",
    "items": "what is asked for",
    "help": "help address of the platform",
}
"""What a macro may hold, and what stands there when it is used."""
_PLACEHOLDER = re.compile(r"\{([^{}\n]*)\}")
MESSAGE = "message"
"""Stands for an outcome in macros for messages that decide nothing."""


def unknown_placeholders(text: str) -> list[str]:
    """Names in braces that mean nothing, in the order in which they stand."""
    return [name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with what it holds in braces replaced; what has no value stays as it is, so that nobody sends a gap.

    Values are put in as they are: a brace in one of them is not read again.
    """
    return _PLACEHOLDER.sub(lambda found: values.get(found[1]) or found[0], text)


async def every(session: AsyncSession) -> Sequence[MacroRow]:
    """All macros, by outcome, language and title."""
    order = col(MacroRow.outcome), col(MacroRow.language), col(MacroRow.title), col(MacroRow.name)
    return (await session.execute(select(MacroRow).order_by(*order))).scalars().all()


async def fitting(session: AsyncSession, outcomes: Sequence[str]) -> Sequence[MacroRow]:
    """Those for these outcomes, and those for any."""
    wanted = or_(col(MacroRow.outcome).in_(list(outcomes)), col(MacroRow.outcome) == "")
    order = col(MacroRow.outcome), col(MacroRow.language), col(MacroRow.title), col(MacroRow.name)
    return (await session.execute(select(MacroRow).where(wanted).order_by(*order))).scalars().all()


async def macro(session: AsyncSession, name: str) -> MacroRow | None:
    return await session.get(MacroRow, name)


async def save(
    session: AsyncSession,
    *,
    name: str,
    title: str,
    outcome: str,
    reason: str,
    language: str,
    text: str,
    agent: str,
) -> MacroRow:
    """A new macro, or new words for the one of this name."""
    now = await database_time(session)
    row = await session.get(MacroRow, name)
    if row is None:
        row = MacroRow(name=name, title=title, text=text, changed_at=now)
        session.add(row)
    row.title, row.outcome, row.reason, row.language, row.text = title, outcome, reason, language, text
    row.changed_by, row.changed_at = agent, now
    return row


def new_name() -> str:
    return secrets.token_hex(8)


async def remove(session: AsyncSession, name: str) -> None:
    await session.execute(delete(MacroRow).where(col(MacroRow.name) == name))
