"""The fields in which a claimant says what they know, and what is wrong with what was typed."""

from domain.claim import State
from storage.identifiers import IdentifierKind, NotUnderstood, identify
from web.claim.months import month_of
from web.forms import EVIDENCE_SECRETS, Sent

MAY_GIVE = frozenset({State.AWAITING_EVIDENCE, State.AWAITING_ANSWER, State.AWAITING_REVIEW, State.CONTESTED})
TEXTS = ("username", "email", "phone", "created", "devices")
PASSWORDS = ("password_1", "password_2", "password_3")

_NOT_A = {
    "email": "Write an e-mail address with an @, such as name@example.org",
    "phone": "Write a phone number with its country, such as +44 7700 900001",
    "created": "Write a month and a year, such as March 2019",
}


def understood(sent: Sent, region: str) -> tuple[dict[str, str], dict[str, str]]:
    """What was typed in its normal form by kind, and what is wrong with it by field."""
    texts: dict[str, str] = {}
    problems = {name: "That is too long" for name in (*TEXTS, *EVIDENCE_SECRETS) if name in sent.too_long}
    for name in TEXTS:
        typed = sent.get(name).strip()
        normal = _normal(name, typed, region) if typed else ""
        texts[name] = normal or ""
        if normal is None and name not in problems:
            problems[name] = _NOT_A[name]
    return texts, problems


def _normal(name: str, typed: str, region: str) -> str | None:
    if name == "created":
        return month_of(typed)
    if name in {"email", "phone"}:
        return _contact(typed, IdentifierKind(name), region)
    return typed


def _contact(typed: str, kind: IdentifierKind, region: str) -> str | None:
    try:
        found = identify(typed, region)
    except NotUnderstood:
        return None
    return found.normal if found.kind is kind else None
