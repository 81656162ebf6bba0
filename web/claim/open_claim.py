"""The way into a claim: what happened, where we can answer, and the rest in one's own words. The same for everybody."""

from contextlib import suppress
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain.case import grouped
from domain.claim import Reason
from storage import intake_claim, reads
from storage.identifiers import Identifier, IdentifierKind, NotUnderstood, identify_contact
from storage.intake import Browser, Opened
from storage.intake_claim import Told
from web.access import Elsewhere, NotFound, browser_of, held, let_in, remember_browser
from web.claim.home import start
from web.claim.view import case_page
from web.forms import Sent, sent_by
from web.render import fresh_key, is_htmx, page
from web.services import Services, services_of
from web.words import CONTACT_PROBLEMS

router = APIRouter()

TEXTS = ("what", "error_code", "app_version")


@dataclass(frozen=True)
class Choice:
    """One answer to the first question."""

    reason: Reason
    says: str


CHOICES = (
    Choice(Reason.CONTACT, "Lost, stolen, changed or closed, and no other contact of the account is left"),
    Choice(Reason.COMPROMISED, "They changed the password, the e-mail address or the phone number"),
    Choice(Reason.DELETED, "And the page for bringing it back does not help"),
    Choice(Reason.OTHER, "The app shows an error, no code comes, or nothing else here helps"),
)


@router.get("/claim")
async def claim_form(request: Request, reason: str = "", after: str = "") -> HTMLResponse:
    """First the reason, then the rest. `after` is a recovery of this browser: its contact need not be typed again."""
    chosen = _reason(reason)
    if chosen is None:
        return page(request, "claim/claim/reason.html", choices=CHOICES, problems={})
    sent = {"contact": await _typed_before(request, after)} if after else {}
    answer = page(request, "claim/claim/start.html", reason=chosen, problems={}, sent=sent)
    # From here on the same form sent twice is known to come from the same browser.
    remember_browser(answer, services_of(request).settings, browser_of(request))
    return answer


@router.post("/claim")
async def open_claim(request: Request) -> Response:
    sent, services = await sent_by(request), services_of(request)
    reason = _reason(sent.get("reason"))
    if reason is None:
        problems = {"reason-contact": "Choose what happened"}
        return page(request, "claim/claim/reason.html", status=422, choices=CHOICES, problems=problems)
    told = _told(reason, sent, services.settings.phone_region)
    if isinstance(told, dict):
        return page(request, "claim/claim/start.html", status=422, reason=reason, problems=told, sent=sent.kept)
    browser = browser_of(request)
    opened = await _open(services, told, browser, sent)
    await start(services, opened)
    answer = await _show(request, opened)
    let_in(answer, services.settings, opened.reference, opened.secret)
    remember_browser(answer, services.settings, browser)
    return answer


def _reason(name: str) -> Reason | None:
    return next((reason for reason in Reason if reason == name), None)


def _told(reason: Reason, sent: Sent, region: str) -> Told | dict[str, str]:
    """What the form says, or what is wrong with it by field."""
    problems = {name: "That is too long. Write less" for name in TEXTS if name in sent.too_long}
    texts = {name: sent.get(name).strip() for name in TEXTS}
    contact: Identifier | None = None
    try:
        contact = identify_contact(sent.get("contact"), region)
    except NotUnderstood as wrong:
        problems = {"contact": CONTACT_PROBLEMS[wrong.problem], **problems}
    if reason is Reason.OTHER and not texts["what"] and "what" not in problems:
        problems["what"] = "Write what happens. Without it nobody can help"
    return Told(reason, contact, texts) if contact and not problems else problems


async def _typed_before(request: Request, reference: str) -> str:
    """The contact that this browser typed into its own recovery; empty if it holds no such case."""
    with suppress(NotFound, Elsewhere):
        found, services = await held(request, reference), services_of(request)
        async with services.database.read() as session:
            typed = await reads.typed(session, services.rings, found.row.reference)
        if typed and typed.kind is not IdentifierKind.USERNAME:
            return typed.normal
    return ""


async def _open(services: Services, told: Told, browser: Browser, sent: Sent) -> Opened:
    async with services.database.write() as session:
        return await intake_claim.open_claim(
            session,
            services.rings,
            told,
            browser,
            key=sent.key or fresh_key(),
            policy=services.policy,
            starts_per_network=services.settings.starts_per_network,
        )


async def _show(request: Request, opened: Opened) -> Response:
    if not is_htmx(request):
        return RedirectResponse(f"/case/{grouped(opened.reference)}", status_code=303)
    async with services_of(request).database.read() as session:
        row = await reads.case_row(session, opened.reference)
    assert row is not None  # written a moment ago
    return await case_page(request, row)
