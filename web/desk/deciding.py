"""A decision while it is being made: what the form says, not yet judged."""

from dataclasses import dataclass

from domain.claim import Claim
from domain.decisions import Outcome
from storage import reads
from web.desk import forms
from web.desk.acting import Attempt
from web.desk.conversation import TOO_LONG


@dataclass(frozen=True)
class Draft:
    """`outcome`, `reason`, `items` and `plan` as they were sent; `problems` by field."""

    outcome: str
    reason: str
    items: tuple[str, ...]
    plan: str
    text: str
    problems: dict[str, str]

    @property
    def known(self) -> Outcome | None:
        """The outcome, if there is one of this name."""
        return Outcome(self.outcome) if self.outcome in set(Outcome) else None


def draft_of(attempt: Attempt) -> Draft:
    """Read the form. Each outcome may bring a reason of its own, so that one form serves all without script."""
    sent, case = attempt.sent, reads.case_of(attempt.row)
    outcome = sent.get("outcome")
    reason = sent.get("reason") or sent.get(f"reason_{outcome[:40]}")
    items = tuple(sent.get("items").split()) if outcome == Outcome.ASK else ()
    plan = sent.get("plan") if outcome == Outcome.APPROVE else ""
    if isinstance(case, Claim) and case.proposal and outcome == Outcome.APPROVE:
        plan = case.proposal.plan
    problems = {"text": TOO_LONG} if "text" in sent.too_long else {}
    return Draft(outcome, reason, items, plan, forms.text_of(sent), problems)
