"""The people of the desk: who they are and what role they have."""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.directory import HASHER
from storage.models import AgentRow


class Role(StrEnum):
    """Who may do what at the desk; the table's check knows the same words."""

    AGENT = "agent"
    APPROVER = "approver"
    LEAD = "lead"
    AUDITOR = "auditor"
    ADMIN = "admin"


class NameTaken(Exception):
    """There is an agent of this name already."""


async def add_agent(session: AsyncSession, *, name: str, display_name: str, role: Role, password: str) -> None:
    """A new person at the desk. Raises `NameTaken`."""
    if await session.get(AgentRow, name) is not None:
        raise NameTaken(name)
    hashed = HASHER.hash(password)
    session.add(AgentRow(name=name, display_name=display_name, role=role, password_hash=hashed, own_accounts=[]))


async def all_agents(session: AsyncSession) -> Sequence[AgentRow]:
    """Everybody, those who have left too, by name."""
    return (await session.execute(select(AgentRow).order_by(col(AgentRow.name)))).scalars().all()


async def names(session: AsyncSession) -> dict[str, str]:
    """How people call each agent, by name; those who have left too."""
    found = await session.execute(select(col(AgentRow.name), col(AgentRow.display_name)).order_by(col(AgentRow.name)))
    return {row.name: row.display_name for row in found.all()}
