"""Words at hand: everybody at the desk uses them, leads write them."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain.case import Kind
from domain.decisions import Outcome, Reason, reasons
from storage import macros
from storage.agents import Role
from storage.desk import Agent
from storage.macros import MESSAGE, PLACEHOLDERS
from storage.models import MacroRow
from web import words as common
from web.desk import forms, words
from web.desk.conversation import TOO_LONG
from web.desk.session import agent_of, agent_with
from web.forms import Sent
from web.render import page
from web.services import services_of
from web.times import datetime_now

router = APIRouter()

WRITERS = frozenset({Role.LEAD})
LONGEST_TITLE = 80
EXAMPLES = {
    "reference": "7F3K-Q2M9-XA",
    "agent": "Sam",
    "due": "Thursday 10 December, 19:33",
    "items": "earlier passwords, devices",
}
"""What a preview puts in where only a case would know."""
USES: dict[str, str] = {
    MESSAGE: "Messages that decide nothing",
    **{outcome.value: label for outcome, (label, _) in words.CHOICES.items()},
    "": "Anything",
}


@dataclass(frozen=True)
class Writing:
    """A macro as it stands in the form."""

    name: str
    title: str
    outcome: str
    reason: str
    language: str
    text: str


@router.get("/desk/macros")
async def show_macros(request: Request, edit: str = "") -> Response:
    """The list; for leads also the form, with the macro `edit` in it or empty."""
    agent = await agent_of(request)
    async with services_of(request).database.read() as session:
        chosen = await macros.macro(session, edit) if edit else None
    return await _page(request, agent, _of(chosen))


@router.post("/desk/macros")
async def change_macros(request: Request) -> Response:
    """`do` is `preview`, `remove`, or empty to keep it."""
    agent, sent = await agent_with(request, WRITERS), await forms.sent_by(request)
    writing, services = _sent(sent), services_of(request)
    if sent.get("do") == "remove":
        async with services.database.write() as session:
            await macros.remove(session, writing.name)
        return RedirectResponse("/desk/macros", status_code=303)
    problems = _problems(writing, sent)
    if problems:
        return await _page(request, agent, writing, status=422, problems=problems)
    if sent.get("do") == "preview":
        return await _page(request, agent, writing, preview=_example(request, writing.text))
    # The same form sent twice makes one macro.
    name = writing.name or services.rings.digest.digest("macro", agent.name, sent.key)[:16]
    async with services.database.write() as session:
        await macros.save(
            session,
            name=name,
            title=writing.title,
            outcome=writing.outcome,
            reason=writing.reason,
            language=writing.language,
            text=writing.text,
            agent=agent.name,
        )
    return RedirectResponse("/desk/macros", status_code=303)


def _of(row: MacroRow | None) -> Writing:
    if row is None:
        return Writing("", "", MESSAGE, "", "en", "")
    return Writing(row.name, row.title, row.outcome, row.reason, row.language, row.text)


def _sent(sent: Sent) -> Writing:
    title = " ".join(sent.get("title").replace("\0", "").split())
    plain = {name: sent.get(name).strip() for name in ("name", "outcome", "reason", "language")}
    return Writing(plain["name"], title, plain["outcome"], plain["reason"], plain["language"], forms.text_of(sent))


def _problems(writing: Writing, sent: Sent) -> dict[str, str]:
    found = {}
    if not writing.title or len(writing.title) > LONGEST_TITLE:
        found["title"] = f"Give it a title of at most {LONGEST_TITLE} characters"
    if writing.outcome not in USES:
        found["outcome"] = "Choose what it is for"
    elif writing.reason and writing.reason not in _reasons_of(writing.outcome):
        found["reason"] = "Choose a reason that goes with it, or none"
    letters = writing.language.replace("-", "")
    if not (2 <= len(writing.language) <= 10 and letters.isascii() and letters.isalpha()):
        found["language"] = "Write the language as a short code, such as en or de"
    if unknown := macros.unknown_placeholders(writing.text):
        found["text"] = f"{{{unknown[0][:40]}}} means nothing. What can stand in braces is listed below"
    if "text" in sent.too_long:
        found["text"] = TOO_LONG
    return found if writing.text else {**found, "text": "Write the text"}


def _reasons_of(outcome: str) -> frozenset[str]:
    if outcome not in set(Outcome):
        return frozenset(Reason)
    return frozenset(reasons(Kind.CLAIM, Outcome(outcome)))


def _example(request: Request, text: str) -> str:
    settings = services_of(request).settings
    return macros.filled(text, {**EXAMPLES, "platform": settings.platform_name, "help": settings.platform_help})


async def _page(
    request: Request,
    agent: Agent,
    writing: Writing,
    *,
    status: int = 200,
    problems: dict[str, str] | None = None,
    preview: str = "",
) -> HTMLResponse:
    async with services_of(request).database.read() as session:
        listed = await macros.every(session)
    return page(
        request,
        "desk/macros.html",
        status=status,
        may_focus=not problems,
        agent=agent,
        now=datetime_now(),
        macros=listed,
        writing=writing,
        may_write=agent.role in WRITERS,
        uses=USES,
        reasons=[(reason.value, common.REASONS[reason]) for reason in Reason],
        placeholders=PLACEHOLDERS,
        problems=problems or {},
        preview=preview,
    )
