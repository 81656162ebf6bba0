"""The database: does it answer, does its schema fit this version, does its clock agree with ours?"""

from datetime import UTC, datetime, timedelta

from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from operations.findings import Finding, well, wrong
from settings import Settings
from storage.engine import Database, database_time
from storage.migrate import configuration

ABOUT = "database"
DRIFT = timedelta(seconds=2)
"""Codes live for minutes and cooldowns for one: two seconds more or less are noticed by nobody."""


async def answers(database: Database, settings: Settings) -> Finding:
    try:
        async with database.read() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as failure:
        return wrong(ABOUT, f"does not answer at {where(settings)} ({_cause(failure)})")
    return well(ABOUT, f"answers at {where(settings)}")


def where(settings: Settings) -> str:
    """Host and name, without the password."""
    url = make_url(settings.database_url)
    return f"{url.host}:{url.port or 5432}/{url.database}" if url.host else f"{url.database}"


async def schema(session: AsyncSession, settings: Settings) -> Finding:
    """Whether the tables are those of this version."""
    scripts = ScriptDirectory.from_config(configuration(settings.database_url))
    head, known = scripts.get_current_head(), {script.revision for script in scripts.walk_revisions()}
    try:
        found = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    except SQLAlchemyError:
        await session.rollback()
        found = None
    if found is None:
        return wrong(ABOUT, "has no tables yet; run `reinstate migrate`")
    if found not in known:
        return wrong(ABOUT, f"has the schema {found}, which is newer than this version; upgrade what runs here")
    if found != head:
        return wrong(ABOUT, f"has the schema {found}, this version needs {head}; run `reinstate migrate`")
    return well(ABOUT, f"has the schema of this version ({head})")


async def clock(session: AsyncSession) -> Finding:
    """Deadlines are set by workers and judged by when the database received something: both have to agree."""
    before = datetime.now(UTC)
    theirs = await database_time(session)
    ours = before + (datetime.now(UTC) - before) / 2
    return compared("the database", ours, theirs)


def compared(whose: str, ours: datetime, theirs: datetime) -> Finding:
    apart = ours - theirs
    if abs(apart) > DRIFT:
        way = "ahead of" if apart > timedelta(0) else "behind"
        seconds = abs(apart).total_seconds()
        return wrong("clock", f"this machine is {seconds:.0f} s {way} {whose}; let both ask a time server (NTP)")
    return well("clock", f"agrees with {whose}")


def _cause(failure: BaseException) -> str:
    """The class of what went wrong; its text could hold the password."""
    inner = getattr(failure, "orig", None) or failure.__cause__
    return type(inner or failure).__name__
