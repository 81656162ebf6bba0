"""What a claimant gave, compared with the embedded directory: facts, never the things themselves (design 7).

A stand-in goes the same way as an account and costs the same time; nothing of it matches.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.accounts.resolve import nobody
from activities.contract import EvidenceToWeigh
from domain.claim_events import ContactSeen, Survey
from domain.evidence import Fact, FactKind, Finding
from domain.policy import Policy
from storage import directory, reads
from storage.directory import Held
from storage.identifiers import Identifier, IdentifierKind, NotUnderstood, identify
from storage.intake import channel_of
from storage.keys import Rings
from storage.models import AccountRow, CaseRow, EvidenceItemRow
from storage.people import RowKeys, case_subject

MOST_DEVICES = 3
"""So many of the named devices are looked at: a list of everything there is would fit everybody."""
_ANY_REGION = "ZZ"
"""ISO 3166 for nowhere: what was typed is kept in its normal form, which names its country."""
_NAMED = {
    "username": (IdentifierKind.USERNAME, FactKind.USERNAME),
    "email": (IdentifierKind.EMAIL, FactKind.EMAIL),
    "phone": (IdentifierKind.PHONE, FactKind.PHONE),
}


@dataclass(frozen=True)
class Given:
    """What the claimant gave, opened; it lives as long as its activity."""

    texts: Mapping[str, str]
    contact: Identifier | None
    browser: str
    opened_at: datetime

    @property
    def names(self) -> list[tuple[FactKind, Identifier]]:
        """The names of the account that were typed, in the order in which they count."""
        kinds = [(kind, *_NAMED[kind]) for kind in _NAMED if self.texts.get(kind)]
        return [(fact, _identifier(kind, self.texts[name])) for name, kind, fact in kinds]


def _identifier(kind: IdentifierKind, text: str) -> Identifier:
    try:
        found = identify(text, _ANY_REGION)
    except NotUnderstood:
        found = Identifier(kind, text.strip().lower())
    return found if found.kind is kind else Identifier(kind, text.strip().lower())


async def opened(session: AsyncSession, rings: Rings, evidence: EvidenceToWeigh, earlier: Sequence[str]) -> Given:
    """What was given in this case: this time, and at the `earlier` times where this one says nothing."""
    order = {name: number for number, name in enumerate((*earlier, evidence.evidence))}
    mine = col(EvidenceItemRow.case_ref) == evidence.case, col(EvidenceItemRow.evidence).in_(order)
    rows = list((await session.execute(select(EvidenceItemRow).where(*mine))).scalars())
    keys, subject, texts = RowKeys(rings.row), case_subject(evidence.case), {}
    for row in sorted(rows, key=lambda row: order[row.evidence]):
        texts[row.kind] = await keys.read(session, subject, row.sealed) or ""
    contact = await reads.typed(session, rings, evidence.case, evidence.contact) if evidence.contact else None
    case = await session.get_one(CaseRow, evidence.case)
    return Given(texts, contact, await reads.device(session, rings, evidence.case), case.opened_at)


# ---- which account it is about --------------------------------------------------------------------------------------


async def account_meant(session: AsyncSession, rings: Rings, given: Given, known: str) -> str:
    """The account that is known already, else the one that what was typed leads to, else a stand-in.

    A username says most, then the registered contacts, then the proved one; a later one only chooses among those that
    the earlier ones have left. Former contacts count.
    """
    if known and await is_there(session, rings, known):
        return known
    left: set[str] = set()
    for named in (*(named for _, named in given.names), *([given.contact] if given.contact else [])):
        found = {*await directory.owners(session, rings, named)}
        found |= {held.account for held in await directory.holders(session, rings, named)}
        left = (found & left) or left or found
    if len(left) == 1:
        return left.pop()
    first = next((named for _, named in given.names), None)
    return known or nobody(rings, first, given.contact)


async def is_there(session: AsyncSession, rings: Rings, ref: str) -> bool:
    """Whether the account is one, and its owner was not erased."""
    row = await directory.account(session, ref)
    return row is not None and await directory.username(session, rings, row) != ""


# ---- what the account system says -----------------------------------------------------------------------------------


def lately(held: Iterable[Held], policy: Policy, now: datetime) -> list[Held]:
    """Where the contact belongs now, or belonged to within `policy.current_contact`.

    What a claim has taken off was taken off by people, after a hold, from somebody who could object: proving it later
    neither freezes the account nor makes its other contacts young.
    """
    since = now - policy.current_contact
    return [one for one in held if one.removed_at is None or (one.removed_at > since and not one.removed_by)]


def disputed_at(held: Sequence[Held]) -> datetime | None:
    """When the contact was taken off; None if it is one now."""
    removed = [one.removed_at for one in held if one.removed_at]
    return min(removed) if removed and len(removed) == len(held) else None


@dataclass(frozen=True)
class Look:
    """An account, as far as evidence is compared with it; `row` is None for a stand-in."""

    ref: str
    row: AccountRow | None
    contacts: tuple[ContactSeen, ...] = ()
    proved: Held | None = None
    disputed_at: datetime | None = None
    devices: tuple[str, ...] = ()
    names: Mapping[FactKind, bool] = field(default_factory=dict)
    """For each name that was typed, whether it is one of this account."""

    @property
    def is_proved(self) -> bool:
        """Whether the proved contact belongs to the account now."""
        return self.proved is not None and self.proved.removed_at is None

    def survey(self, browser: str) -> Survey:
        return Survey(
            account=self.ref,
            high_value=bool(self.row and self.row.high_value),
            contacts=self.contacts,
            proved=self.proved.contact if self.proved and self.is_proved else "",
            knows_devices=self.row is not None,
            device_is_known=browser != "" and browser in self.devices,
            disputed_at=self.disputed_at,
        )


async def looked_at(session: AsyncSession, rings: Rings, ref: str, given: Given, policy: Policy, now: datetime) -> Look:
    """Everything about the account that evidence is compared with."""
    row = await directory.account(session, ref) if await is_there(session, rings, ref) else None
    names = {fact: await _is_name_of(session, rings, ref, row, named) for fact, named in given.names}
    if row is None:
        return Look(ref, None, names=names)
    held = await directory.holders(session, rings, given.contact) if given.contact else []
    mine = [one for one in held if one.account == ref]
    disputed = disputed_at(lately(mine, policy, now))
    return Look(
        ref,
        row,
        contacts=tuple(_seen(contact) for contact in await directory.contacts(session, rings, ref)),
        proved=mine[0] if mine else None,
        disputed_at=disputed,
        # Devices that came later may be the thief's, or were seen because the claimant is in again.
        devices=tuple(await directory.devices(session, ref, before=disputed or given.opened_at)),
        names=names,
    )


async def _is_name_of(session: AsyncSession, rings: Rings, ref: str, row: AccountRow | None, named: Identifier) -> bool:
    if named.kind is IdentifierKind.USERNAME:
        return row is not None and row.username_index in directory.username_index(rings, named.normal)
    return any(held.account == ref for held in await directory.holders(session, rings, named))


def _seen(contact: directory.Contact) -> ContactSeen:
    channel = channel_of(Identifier(contact.kind, contact.address))
    return ContactSeen(contact.id, channel, contact.since, contact.is_safe)


# ---- facts ----------------------------------------------------------------------------------------------------------


def facts(look: Look, given: Given) -> list[Fact]:
    """What was found about everything but secrets and files."""
    found = [*_contact_fact(look, given), *(Fact(kind, _finding(fits)) for kind, fits in look.names.items())]
    if given.texts.get("created"):
        found.append(Fact(FactKind.CREATED, _created(given.texts["created"], look.row)))
    named = given.texts.get("devices", "")
    if named or given.browser:
        found.append(_device_fact(look, named, given.browser))
    return found


def _finding(fits: bool) -> Finding:
    return Finding.MATCHED if fits else Finding.NOT_MATCHED


def _contact_fact(look: Look, given: Given) -> list[Fact]:
    if given.contact is None:
        return []
    if look.proved is None or look.is_proved:
        return [Fact(FactKind.PROVED_CONTACT, _finding(look.is_proved))]
    # Taken off by a claim: by people, who may have seen in it a thief's. It speaks for nobody by itself.
    by_people = look.proved.removed_by != ""
    return [Fact(FactKind.FORMER_CONTACT, Finding.UNKNOWN if by_people else Finding.MATCHED)]


def _created(text: str, row: AccountRow | None) -> Finding:
    """The month, give or take one; what is no month cannot be told."""
    typed = re.fullmatch(r"\s*(\d{4})-(\d{1,2})\s*", text)
    if typed is None:
        return Finding.UNKNOWN
    if row is None:
        return Finding.NOT_MATCHED
    months = int(typed[1]) * 12 + int(typed[2])
    return _finding(abs(months - (row.made_at.year * 12 + row.made_at.month)) <= 1)


def _device_fact(look: Look, typed: str, browser: str) -> Fact:
    named = [words for words in map(_words, re.split(r"[,;\n]", typed)) if words][:MOST_DEVICES]
    if not look.devices:
        return Fact(FactKind.DEVICE, Finding.UNKNOWN if look.row else Finding.NOT_MATCHED, max(len(named), 1))
    known = [_words(name) for name in look.devices]
    fits = browser in look.devices or any(words & device for words in named for device in known)
    return Fact(FactKind.DEVICE, _finding(fits), max(len(named), 1))


_SAY_NOTHING = frozenset(
    {"a", "an", "and", "the", "my", "old", "new", "in", "on", "with", "app", "browser", "program"}
    | {"computer", "laptop", "notebook", "desktop", "phone", "mobile", "tablet"}
    | {"chrome", "edge", "firefox", "opera", "safari"}
)
"""Words that fit half of all devices. What is left names a system, a maker or a model."""


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w]+", text.lower())) - _SAY_NOTHING
