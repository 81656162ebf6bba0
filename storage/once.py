"""Insert a row unless it is there. The same form may come twice at the same moment: PostgreSQL lets both try."""

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel


async def insert_once(session: AsyncSession, row: SQLModel) -> bool:
    """Add the row, unless one of its unique values is taken; whether it was added.

    Waits for a transaction that is adding the same row just now. The row does not become part of the session.
    """
    values = {name: value for name, value in row.model_dump().items() if name not in made_by_the_database(type(row))}
    statement = insert_into(session, type(row)).values(**values).on_conflict_do_nothing()
    added = await session.execute(statement.returning(*inspect(type(row)).primary_key))
    return added.first() is not None


def made_by_the_database(table: type[SQLModel]) -> set[str]:
    """Columns that nobody may write."""
    return {column.name for column in inspect(table).columns if column.computed is not None}


def insert_into(session: AsyncSession, table: type[SQLModel]) -> Any:
    """`INSERT ... ON CONFLICT` is spelled alike by both databases, but made by a class of each."""
    is_postgres = session.get_bind().dialect.name == "postgresql"
    return postgres_insert(table) if is_postgres else sqlite_insert(table)
