"""Cases as they lie in SQL, for the lists of the desk: written by the same rules, without a workflow."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from domain.case import ALPHABET, Kind
from domain.claim import Claim, Reason
from domain.recovery import AskedBy, CaseOpened, Recovery
from storage import folding, writes
from storage.engine import Database
from storage.folding import Case
from storage.keys import Rings
from storage.models import CaseRow
from tests.claim_story import THIN, ClaimStory


def reference(number: int) -> str:
    """A reference of its own for each number."""
    digits = ""
    while len(digits) < 10:
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


async def written(database: Database, rings: Rings, opening: Case, events: Iterable[object], at: datetime) -> Case:
    """The row of a case, opened at that time, and everything that happened to it; the case as it is then."""
    dumped = folding.dump_case(opening)
    row = CaseRow(
        reference=opening.reference,
        kind=Kind(opening.kind),
        reason=opening.reason if isinstance(opening, Claim) else "forgotten",
        state=opening.state,
        opened_at=at,
        policy_version=opening.policy.version,
        opening_key=f"opening/{opening.reference}",
        started_at=at,
        opening=dumped,
        snapshot=dumped,
    )
    happened = tuple(events)
    async with database.write() as session:
        session.add(row)
        await session.flush()
        await writes.record(session, rings.audit, opening.reference, 0, happened)  # type: ignore[arg-type]
    case = opening
    for event in happened:
        case = folding.apply(case, event)  # type: ignore[arg-type]
    return case


def story_of(number: int, at: datetime, reason: Reason = Reason.CONTACT, account: str = "") -> ClaimStory:
    """A claim that begins at this time."""
    story = ClaimStory(reason, facts=THIN)
    story.now = at
    story.case = replace(story.case, reference=reference(number))
    if account:
        story.survey = replace(story.survey, account=account)
    return story


async def claim_to_review(
    database: Database,
    rings: Rings,
    number: int,
    at: datetime,
    *,
    reason: Reason = Reason.CONTACT,
    account: str = "",
) -> Claim:
    """A claim whose evidence came in at this time; it waits for the desk."""
    story = story_of(number, at, reason, account)
    opening = story.case
    story.gives_evidence()
    case = await written(database, rings, opening, story.events, at)
    assert isinstance(case, Claim)
    return case


async def recovery_begun(database: Database, rings: Rings, number: int, at: datetime) -> Recovery:
    """A recovery that waits for its first code."""
    opening = Recovery(reference(number), AskedBy.EMAIL, f"browser-{number}")
    case = await written(database, rings, opening, [CaseOpened(at)], at)
    assert isinstance(case, Recovery)
    return case
