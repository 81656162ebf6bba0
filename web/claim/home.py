"""The one box: who lost an account says who they are, and a case begins. The answer is the same for everybody."""

from contextlib import suppress
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain.case import grouped
from storage import intake, reads
from storage.identifiers import Identifier, NotUnderstood, identify
from storage.intake import Opened
from web.access import browser_of, let_in, remember_browser
from web.claim.view import case_page
from web.forms import Sent, sent_by
from web.gateway import CaseIsBusy, CaseIsClosed, StillWorking, Unavailable
from web.render import fresh_key, is_htmx, page
from web.services import Services, services_of
from web.words import PROBLEMS

router = APIRouter()


@dataclass(frozen=True)
class Way:
    href: str
    title: str
    says: str


WAYS = (
    Way("/help/changed-contact", "I no longer have the phone or the mailbox", "What you can do, and who decides."),
    Way("/help/hacked", "Somebody else is in my account", "First steps that work at once, then a person."),
    Way("/help/deleted", "I deleted my account", "What can still come back, and until when."),
    Way("/help/banned", "I was banned or restricted", "Where the reasons are, and how to answer them."),
    Way("/start", "The app shows an error, or no code comes", "A few checks first, then a person if they do not help."),
    Way("/find", "I already have a case", "Get a link to it."),
)


@router.get("/")
async def home(request: Request) -> HTMLResponse:
    return page(request, "claim/home.html", problems={}, typed="", ways=WAYS)


@router.get("/recover")
async def back_home() -> RedirectResponse:
    """Whoever loads the address of the form again gets the form."""
    return RedirectResponse("/", status_code=303)


@router.post("/recover")
async def recover(request: Request) -> Response:
    sent, services = await sent_by(request), services_of(request)
    try:
        identifier = identify(sent.get("identifier"), services.settings.phone_region)
    except NotUnderstood as wrong:
        problems = {"identifier": PROBLEMS[wrong.problem]}
        typed = sent.get("identifier")
        return page(request, "claim/home.html", status=422, problems=problems, typed=typed, ways=WAYS)
    browser = browser_of(request)
    opened = await _open(services, identifier, browser, sent)
    await start(services, opened)
    answer = await _show(request, opened)
    let_in(answer, services.settings, opened.reference, opened.secret)
    remember_browser(answer, services.settings, browser)
    return answer


async def _open(services: Services, identifier: Identifier, browser: intake.Browser, sent: Sent) -> Opened:
    async with services.database.write() as session:
        return await intake.open_recovery(
            session,
            services.rings,
            identifier,
            browser,
            key=sent.key or fresh_key(),
            policy=services.policy,
            starts_per_network=services.settings.starts_per_network,
        )


async def start(services: Services, opened: Opened) -> None:
    """Ask Temporal to begin. If it is away the row is there, the page says "delayed", and the reconciler starts it."""
    if not opened.is_new:
        return
    with suppress(Unavailable, StillWorking, CaseIsBusy, CaseIsClosed):
        await services.gateway.start(opened.case)
        async with services.database.write() as session:
            await intake.mark_started(session, opened.reference)


async def _show(request: Request, opened: Opened) -> Response:
    if not is_htmx(request):
        return RedirectResponse(f"/case/{grouped(opened.reference)}", status_code=303)
    async with services_of(request).database.read() as session:
        row = await reads.case_row(session, opened.reference)
    assert row is not None  # written a moment ago
    return await case_page(request, row)
