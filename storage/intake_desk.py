"""What agents write: texts, sealed before anything that names them leaves for the case."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.case import Audience
from storage.engine import database_time
from storage.keys import Rings
from storage.models import MessageRow
from storage.once import insert_once
from storage.people import RowKeys, case_subject


def text_name(token: str) -> str:
    """The name of a text's row. `token` is the update id, or the decision's own."""
    return f"message/{token[:32]}"


async def write_text(
    session: AsyncSession, rings: Rings, *, reference: str, audience: Audience, author: str, text: str, token: str
) -> str:
    """Keep what an agent wrote, sealed under the key of the case's claimant; the name of its row.

    Nobody reads it before an event names it: what the case refused was never said. The same token keeps it once.
    """
    name = text_name(token)
    if await session.get(MessageRow, name) is None:
        sealed = await RowKeys(rings.row).seal(session, case_subject(reference), text)
        at = await database_time(session)
        row = MessageRow(name=name, case_ref=reference, audience=audience, author=author, sealed=sealed, at=at)
        await insert_once(session, row)
    return name
