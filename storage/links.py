"""Which message a mailed link belongs to, so that its page shows nothing to whoever made a link up."""

import hmac

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage import codes
from storage.keys import Rings
from storage.models import CodeIssueRow


async def issue_of_link(session: AsyncSession, rings: Rings, reference: str, token: str) -> int | None:
    """The number of the code that went out with this link; None if no message of the case carried it."""
    rows = await session.execute(select(CodeIssueRow).where(col(CodeIssueRow.case_ref) == reference))
    for row in rows.scalars():
        key = row.keys.partition("/")[2]
        if key not in rings.digest.keys:
            continue
        if hmac.compare_digest(codes.link_digest(rings, reference, token, key=key), row.link_digest):
            return row.issue
    return None
