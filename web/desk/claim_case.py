"""Everything that the desk's page of a claim shows, gathered: one read of the database for what the log lacks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.case import Audience
from domain.claim import Claim
from domain.claim_commands import decide
from domain.claim_events import Command, SendMessage, Take, WriteNote
from domain.decisions import Item
from domain.errors import CaseError
from storage import conversation, given, macros, presence
from storage.conversation import Message
from storage.desk import Agent
from storage.models import MacroRow
from storage.presence import Present
from web import words as common
from web.desk import choices, claim_lines, claim_view, words
from web.desk.evidence import Evidence, evidence_of
from web.desk.log import Log
from web.services import Services


@dataclass(frozen=True)
class Texts:
    """What was said and given, who is here, and words at hand."""

    messages: list[Message]
    about_the_error: list[tuple[str, str]]
    evidence: Evidence
    people: tuple[Present, ...]
    macros: list[MacroRow]


async def context_of(services: Services, agent: Agent, case: Claim, log: Log, now: datetime) -> dict[str, Any]:
    """For the template, besides what every case has."""
    texts = await _texts(services, agent, case, log)
    held = claim_view.lease(case, agent.name, log.names, now)
    return {
        "desk_words": words,
        "reason_words": common.CLAIM_REASONS[case.reason],
        "lease": held,
        "may_take": _would_hear(case, Take(agent.name), now) and (held is None or not held.is_mine),
        "may_talk": _would_hear(case, SendMessage(agent.name, ""), now),
        "may_note": _would_hear(case, WriteNote(agent.name, ""), now) and not case.is_over,
        "ledgers": claim_view.ledgers(case, now),
        "steps": claim_view.steps(case),
        "account": claim_view.account(case),
        "freeze_words": claim_view.freeze_words(case),
        "ended_by": claim_view.ended_by(case),
        "messages": texts.messages,
        "about_the_error": texts.about_the_error,
        "evidence": texts.evidence,
        "people": texts.people,
        "macros": texts.macros,
        "preview": None,
        "shown": None,
        **_to_decide(case, agent, now),
    }


def _to_decide(case: Claim, agent: Agent, now: datetime) -> dict[str, Any]:
    """What the form of a decision offers, and the words for it."""
    return {
        "choices": choices.choices(case, agent, now),
        "plans": choices.plans_of(case),
        "why_two": choices.why_two(case),
        "always_two": choices.always_two(case),
        "may_be_one": choices.may_be_one(case),
        "plan_words": choices.plan_words,
        "items_words": claim_lines.items_words,
        "items": [(item.value, words.ITEMS[item]) for item in Item],
        "use_labels": {outcome.value: label for outcome, (label, _) in words.CHOICES.items()},
    }


def _would_hear(case: Claim, command: Command, now: datetime) -> bool:
    """By the same rule as in the case."""
    try:
        decide(case, command, now)
    except CaseError:
        return False
    return True


async def _texts(services: Services, agent: Agent, case: Claim, log: Log) -> Texts:
    async with services.database.read() as session:
        said = await conversation.conversation(session, services.rings, case.reference, log.entries, set(Audience))
        opening = await given.opening(session, services.rings, case.reference)
        evidence = await evidence_of(session, case, log)
        here = (await presence.present(session, [case.reference])).get(case.reference, ())
        wanted = [*(str(outcome) for outcome in words.CHOICES), macros.MESSAGE]
        texts = list(await macros.fitting(session, wanted))
    first = [_opening(case, opening["what"])] if "what" in opening and case.opened_at else []
    others = tuple(one for one in here if one.agent != agent.name)
    said_of = [(words.GIVEN[kind], opening[kind]) for kind in ("error_code", "app_version") if kind in opening]
    return Texts([*first, *said], said_of, evidence, others, texts)


def _opening(case: Claim, text: str) -> Message:
    """What the claimant wrote when the claim was opened is the first thing that was said."""
    assert case.opened_at
    return Message(1, "case_opened", case.opened_at, "", Audience.BOTH, text)
