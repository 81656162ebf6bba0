"""The people of the demo platform: eight accounts and five agents, loaded once into an empty database.

Each account shows one way to be in trouble. The telephone numbers are from the range that Ofcom keeps for drama,
`example.com` is reserved by RFC 2606, and the passwords are for everybody to read.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from storage.agents import Role, add_agent
from storage.directory import HASHER, contact_index, recovery_code_digests, username_index
from storage.engine import Database
from storage.identifiers import identify_contact
from storage.keys import Rings
from storage.models import (
    AccountContactRow,
    AccountPasswordRow,
    AccountRecoveryCodeRow,
    AccountRow,
    AccountSessionRow,
    AgentRow,
)
from storage.people import RowKeys, account_subject
from storage.platform import SIGNED_OUT

REGION = "GB"
DESK_PASSWORD = "desk-demo-2025"
PASSWORD_CHANGED = (datetime(2022, 5, 14, tzinfo=UTC), datetime(2025, 1, 20, tzinfo=UTC))
"""When people with earlier passwords chose the next one."""


@dataclass(frozen=True)
class DemoAccount:
    """`passwords`: oldest first, the last one is valid. `lasts`: how long the standing lasts, from yesterday on.

    `devices` were used once and are signed out; a claimant may name them. The account was made in March of the year
    that the first password says.
    """

    username: str
    contacts: tuple[str, ...]
    passwords: tuple[str, ...]
    standing: Literal["active", "banned", "being_deleted"] = "active"
    lasts: timedelta | None = None
    standing_by: str = ""
    recovery_codes: tuple[str, ...] = ()
    high_value: bool = False
    devices: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """Opaque like a real one, but the same in every database."""
        digest = hashlib.sha256(f"demo account {self.username}".encode()).digest()
        return "acc_" + base64.b32encode(digest).decode().lower()[:16]


ACCOUNTS = (
    DemoAccount(
        "ada",
        ("ada@example.com", "+44 7700 900001"),
        ("ada-first-2019", "ada-second-2022", "ada-current-2025"),
        devices=("Firefox on Windows", "Safari on an iPhone"),
    ),
    DemoAccount(
        "olu",
        ("olu@example.com", "olu@work.example.com", "+44 7700 900002"),
        ("olu-current-2025",),
        recovery_codes=tuple(f"OLUA-{number:04}" for number in range(1, 9)),
        devices=("Safari on a Mac", "Chrome on Android"),
    ),
    DemoAccount("pat", ("+44 7700 900003",), ("pat-current-2025",), devices=("Chrome on Android",)),
    DemoAccount("nia", (), ("nia-first-2018", "nia-current-2025"), devices=("Chrome on Windows", "Safari on an iPad")),
    DemoAccount("ben", ("ben@example.com",), ("ben-current-2025",), "banned", None, "lee"),
    DemoAccount("tom", ("tom@example.com",), ("tom-current-2025",), "banned", timedelta(days=3), "lee"),
    DemoAccount("dee", ("dee@example.com",), ("dee-current-2025",), "being_deleted", timedelta(days=30)),
    DemoAccount(
        "vip",
        ("vip@example.com", "+44 7700 900004"),
        ("vip-current-2025",),
        high_value=True,
        devices=("Edge on Windows",),
    ),
)

AGENTS = {"sam": Role.AGENT, "kim": Role.APPROVER, "lee": Role.LEAD, "ina": Role.AUDITOR, "max": Role.ADMIN}
"""All with `DESK_PASSWORD`, without a second factor."""


async def load_people(database: Database, rings: Rings, now: datetime) -> int:
    """Add whoever is missing; nobody who is there is changed. Returns how many were added."""
    added = 0
    async with database.write() as session:
        for demo in ACCOUNTS:
            if await session.get(AccountRow, demo.ref) is None:
                await _add_account(session, rings, demo, now)
                added += 1
        for name, role in AGENTS.items():
            if await session.get(AgentRow, name) is None:
                await add_agent(session, name=name, display_name=name.capitalize(), role=role, password=DESK_PASSWORD)
                added += 1
    return added


async def _add_account(session: AsyncSession, rings: Rings, demo: DemoAccount, now: datetime) -> None:
    keys, subject = RowKeys(rings.row), account_subject(demo.ref)
    yesterday = now - timedelta(days=1)
    made_at = _since(demo, 0)
    session.add(
        AccountRow(
            ref=demo.ref,
            username_index=username_index(rings, demo.username)[0],
            username=await keys.seal(session, subject, demo.username),
            standing=demo.standing,
            standing_until=yesterday + demo.lasts if demo.lasts else None,
            standing_by=demo.standing_by,
            second_factor=bool(demo.recovery_codes),
            high_value=demo.high_value,
            made_at=made_at,
        )
    )
    await session.flush()
    for typed in demo.contacts:
        contact = identify_contact(typed, REGION)
        session.add(
            AccountContactRow(
                account_ref=demo.ref,
                kind=contact.kind,
                index=contact_index(rings, contact)[0],
                address=await keys.seal(session, subject, contact.normal),
                since=made_at,
            )
        )
    session.add_all(_passwords(demo))
    session.add_all(_devices(demo, made_at))
    for code in demo.recovery_codes:
        digest = recovery_code_digests(rings, demo.ref, code)[0]
        session.add(AccountRecoveryCodeRow(account_ref=demo.ref, digest=digest, key=rings.index.current))


def _passwords(demo: DemoAccount) -> list[AccountPasswordRow]:
    last = len(demo.passwords) - 1
    return [
        AccountPasswordRow(
            account_ref=demo.ref,
            hash=HASHER.hash(password),
            since=_since(demo, number),
            until=None if number == last else _since(demo, number + 1),
        )
        for number, password in enumerate(demo.passwords)
    ]


def _devices(demo: DemoAccount, made_at: datetime) -> list[AccountSessionRow]:
    """Sessions of long ago, one a device: signed out, and of no use to anybody who would like to be signed in."""
    ended_at = made_at + timedelta(days=90)
    return [
        AccountSessionRow(
            digest=f"demo/{demo.ref}/{number}",
            account_ref=demo.ref,
            device=device,
            made_at=made_at,
            ended_at=ended_at,
            ended_by=SIGNED_OUT,
        )
        for number, device in enumerate(demo.devices, start=1)
    ]


def _since(demo: DemoAccount, number: int) -> datetime:
    """When password number 0, 1, ... became valid; the account was made with the first one."""
    if number:
        return PASSWORD_CHANGED[number - len(demo.passwords)]
    # The first password says its year: `ada-first-2019`.
    return datetime(int(demo.passwords[0].rpartition("-")[2]), 3, 1, tzinfo=UTC)
