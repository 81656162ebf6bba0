"""The "this was not me" link of a message: derived, so that a retry carries the same one, and stored as a digest only.

The token is derived from the name of its message under an issue key. No column names that key: the stored digest
recognises its own token, so after a rotation the token is derived under each key until one is recognised.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.keys import Ring, Rings
from storage.models import ObjectionLinkRow

TOKEN_BYTES = 16  # 128 bits, as in the mailed link


@dataclass(frozen=True)
class ObjectionScope:
    """What the link stops, and before when it works.

    `case`: that case only. `account`: it freezes the account. `claim`: the hand-back that the claim of this message is
    about. `may_object` is False for a contact that is younger than what is disputed: its page explains, without a
    button.
    """

    scope: Literal["case", "account", "claim"]
    until: datetime
    may_object: bool = True


@dataclass(frozen=True)
class ObjectionLink:
    """As a template sees it."""

    url: str
    scope: str
    until: datetime
    may_object: bool = True


async def token_of(
    session: AsyncSession, rings: Rings, name: str, *, case: str, account: str, wanted: ObjectionScope
) -> tuple[str, datetime]:
    """The token of the message `name` and until when it works; its row is made at the first call."""
    found = await session.execute(select(ObjectionLinkRow).where(col(ObjectionLinkRow.notice) == name))
    rows = {row.digest: row for row in found.scalars()}
    for token in _tokens(rings, name):
        for digest in rings.digest.digests("objection", token):
            if digest in rows:
                return token, rows[digest].expires_at
    token = next(_tokens(rings, name))
    session.add(
        ObjectionLinkRow(
            digest=rings.digest.digest("objection", token),
            notice=name,
            case_ref=case,
            account_ref=account,
            scope=wanted.scope,
            expires_at=wanted.until,
            key=rings.digest.current,
            may_object=wanted.may_object,
        )
    )
    return token, wanted.until


def derived(issue: Ring, name: str, *, key: str) -> str:
    """The token of the message `name` under this key of the issue ring."""
    made = issue.derive("objection", name, key=key)[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _tokens(rings: Rings, name: str) -> Iterator[str]:
    """Under every issue key, newest first."""
    for key in rings.issue.keys:
        yield derived(rings.issue, name, key=key)
