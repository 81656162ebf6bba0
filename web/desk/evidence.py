"""What was given and what it is worth: the score with its reasons, what was typed, files. Nothing of it is opened."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from domain import evidence
from domain.claim import Claim
from domain.claim_events import EvidenceGiven
from domain.evidence import Fact, Finding
from storage import files, given
from storage.files import Listed
from storage.given import CONTACT, Given
from web.desk import words
from web.desk.log import Log
from web.words import Said


@dataclass(frozen=True)
class FactLine:
    """One thing that was compared: what was found, and the points that it gave or took."""

    what: str
    count: int
    said: Said
    points: int
    looks: tuple[str, ...]
    """What can be looked at, as the form names it."""


@dataclass(frozen=True)
class Evidence:
    """`reasons` are the facts that moved the score, in words; `open` is what was written to the desk itself."""

    score: int
    line: int
    facts: tuple[FactLine, ...]
    reasons: tuple[tuple[str, int], ...]
    others: tuple[tuple[str, str], ...]
    """What was given and compared with nothing: its name in words, and as the form names it."""
    files: tuple[Listed, ...]

    @property
    def is_thin(self) -> bool:
        return self.score < self.line


async def evidence_of(session: AsyncSession, case: Claim, log: Log) -> Evidence:
    """Without opening anything."""
    times = [entry.event.evidence for entry in log.entries if isinstance(entry.event, EvidenceGiven)]
    items = await given.given(session, case.reference, times)
    return Evidence(
        score=case.score,
        line=case.policy.single_approval_score,
        facts=tuple(_line(fact, items, case) for fact in case.facts),
        reasons=tuple(score_reasons(case.facts)),
        others=tuple(_others(items, case)),
        files=tuple(await files.listed(session, case.reference)),
    )


def _line(fact: Fact, items: list[Given], case: Claim) -> FactLine:
    kinds = {kind for kind, compared in words.FACT_OF_GIVEN.items() if compared is fact.kind}
    looks = tuple(f"{item.kind}/{item.evidence}" for item in items if item.kind in kinds)
    if fact.kind in words.ABOUT_THE_CONTACT and case.contact:
        looks = (CONTACT,)
    points = evidence.points(fact)
    said = words.FINDINGS_OF.get((fact.kind, fact.finding), words.FINDINGS[fact.finding])
    # What weighs nothing is no bad sign, so it has no colour of one.
    said = said if points or fact.finding is not Finding.NOT_MATCHED else Said(said.word)
    return FactLine(words.FACTS[fact.kind], fact.count, said, points, looks)


def score_reasons(facts: tuple[Fact, ...]) -> list[tuple[str, int]]:
    """What moved the score, the most first."""
    moved = [(words.REASONS_OF_SCORE.get((fact.kind, fact.finding), ""), evidence.points(fact)) for fact in facts]
    return sorted(((said, points) for said, points in moved if said and points), key=lambda one: -one[1])


def _others(items: list[Given], case: Claim) -> list[tuple[str, str]]:
    compared = {fact.kind for fact in case.facts}
    found = [
        (words.GIVEN.get(item.kind, item.kind), f"{item.kind}/{item.evidence}")
        for item in items
        if words.FACT_OF_GIVEN.get(item.kind) not in compared
    ]
    is_compared = not compared.isdisjoint(words.ABOUT_THE_CONTACT)
    return found if is_compared or case.contact is None else [(words.GIVEN[CONTACT], CONTACT), *found]
