"""Erasure on request, of one case or of an account with all its cases."""

from sqlalchemy.ext.asyncio import AsyncSession

from storage import erasure
from storage.models import AccountRow, CaseRow


class NobodyThere(Exception):
    """The reference names nothing that we keep; the text says which."""


async def case(session: AsyncSession, reference: str) -> list[str]:
    """Raises `NobodyThere`. Doing it again changes nothing more."""
    if await session.get(CaseRow, reference) is None:
        raise NobodyThere(f"there is no case {reference}")
    await erasure.erase_case(session, reference)
    return [reference]


async def account(session: AsyncSession, ref: str) -> list[str]:
    """The references of the cases that were erased with the account. Raises `NobodyThere`.

    An account that a platform's own system keeps is known here by its cases only.
    """
    known = await session.get(AccountRow, ref) is not None or await erasure.cases_about(session, ref)
    if not known:
        raise NobodyThere(f"there is no account {ref} and no case about it")
    return await erasure.erase_account(session, ref)
