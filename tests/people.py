"""The cast of every test: Ada lost her account, Olu owns one, Sam and Kim sit at the desk, Eve is anybody else.

Only values and small builders live here; nothing that needs a database, a server or a browser.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.case import Channel
from domain.contact_proof import IDENTIFIER, Destination
from domain.decisions import Decision, Outcome, Reason
from domain.recovery import Sight, Standing

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""When most stories begin: a Monday."""
REFERENCE = "7F3KQ2M9XA"


@dataclass(frozen=True)
class Person:
    """Somebody with an account. `browser` stands for the digest of the case secret in their browser."""

    name: str
    email: str
    phone: str
    account: str
    browser: str

    def seen(self, standing: Standing = Standing.ACTIVE, until: datetime | None = None) -> Sight:
        """What a look at this person's account finds."""
        return Sight(self.account, standing, until)


@dataclass(frozen=True)
class Agent:
    """Somebody at the desk."""

    name: str
    role: str

    def decides(
        self,
        outcome: str = Outcome.ALLOW,
        *,
        version: int,
        name: str = "decision-1",
        reason: str = Reason.CODES_USED_UP,
        at: datetime = NOON,
    ) -> Decision:
        """The signal that this agent's decision becomes, for the case `REFERENCE` as it was at `version`."""
        return Decision(REFERENCE, version, name, outcome, reason, self.name, at, proof="test:proof")


ADA = Person("ada", "ada@example.com", "+447700900001", "acc_ada", "browser-of-ada")
OLU = Person("olu", "olu@example.com", "+447700900002", "acc_olu", "browser-of-olu")
EVE = Person("eve", "eve@example.net", "+447700900666", "acc_eve", "browser-of-eve")
SAM = Agent("sam", "agent")
KIM = Agent("kim", "approver")
LEE = Agent("lee", "lead")

BY_EMAIL = Destination(Channel.EMAIL, IDENTIFIER)
BY_SMS = Destination(Channel.SMS, "contact-2")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def days(number: float) -> timedelta:
    return timedelta(days=number)
