"""Back to a case: whoever names it and the contact that it proved gets a one-time link there. One answer for all."""

from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain import claim_events
from domain.case import grouped, parse_reference
from domain.errors import CaseError
from storage import access_links, budgets, finding, intake, reads
from storage.budgets import HOUR, Limit
from storage.engine import database_time
from storage.finding import Asked
from storage.identifiers import NotUnderstood, identify_contact
from storage.intake import Browser, LinkExpired, LinkUsed
from storage.models import CaseRow
from web.access import NotFound, browser_of, let_in, remember_browser
from web.claim.view import case_page
from web.errors import unavailable
from web.forms import Sent, sent_by
from web.gateway import CaseIsBusy, CaseIsClosed, StillWorking, Unavailable
from web.render import fresh_key, is_htmx, page
from web.services import Services, services_of
from web.words import CONTACT_PROBLEMS

router = APIRouter()


@router.get("/find")
async def find_form(request: Request, reference: str = "") -> HTMLResponse:
    answer = page(request, "claim/find.html", problems={}, sent={"reference": reference[:20]})
    remember_browser(answer, services_of(request).settings, browser_of(request))
    return answer


@router.post("/find")
async def find_case(request: Request) -> Response:
    sent, services, browser = await sent_by(request), services_of(request), browser_of(request)
    asked = _asked(sent, services.settings.phone_region)
    if isinstance(asked, dict):
        return page(request, "claim/find.html", status=422, problems=asked, sent=sent.kept)
    key = sent.key or fresh_key()
    name = await _keep(services, asked, browser, key)
    try:
        with suppress(CaseIsClosed):  # the same form a moment ago: its message is sent
            await services.gateway.find(name)
    except (CaseIsBusy, StillWorking, Unavailable):
        return unavailable(request, action="/find", fields={**sent.kept, "key": key})
    answer = page(request, "claim/find_sent.html", contact=sent.get("contact").strip(), reference=asked.reference)
    remember_browser(answer, services.settings, browser)
    return answer


def _asked(sent: Sent, region: str) -> Asked | dict[str, str]:
    problems = {}
    reference = parse_reference(sent.get("reference"))
    if reference is None:
        problems["reference"] = "Write the reference as it stands in our messages, such as 7F3K-Q2M9-XA"
    try:
        contact = identify_contact(sent.get("contact"), region)
    except NotUnderstood as wrong:
        problems["contact"] = CONTACT_PROBLEMS[wrong.problem]
    return problems if problems or reference is None else Asked(reference, contact)


async def _keep(services: Services, asked: Asked, browser: Browser, key: str) -> str:
    """The row that the worker answers, counted for the network and for the contact. Raises `TooMany`."""
    rings = services.rings
    name = finding.request_id(rings, browser.cookie, key, asked)
    async with services.database.write() as session:
        now = await database_time(session)
        network = rings.digest.digest("network", browser.network)
        most = services.settings.starts_per_network
        await budgets.take(session, (Limit(f"finds/{network}", most, HOUR),), name, now)
        # The worker counts the message under the same token, so once: a known contact runs out no sooner than any.
        token = f"find/{name}"
        await intake.count_send(session, rings, asked.contact, browser, token=token, policy=services.policy)
        await finding.ask(session, rings, name, asked)
    return name


@router.get("/access/{token}")
async def show_way_back(request: Request, token: str) -> HTMLResponse:
    """Opening it changes nothing: mail programs open links by themselves."""
    services = services_of(request)
    async with services.database.read() as session:
        link = await access_links.find(session, services.rings, token)
        row = await reads.case_row(session, link.case_ref) if link else None
        now = await database_time(session)
    if link is None or row is None:
        raise NotFound
    if link.used_at is not None or now >= link.expires_at:
        return page(request, "claim/access_over.html", status=410, reference=link.case_ref)
    answer = page(request, "claim/access.html", reference=link.case_ref, until=link.expires_at)
    remember_browser(answer, services.settings, browser_of(request))
    return answer


@router.post("/access/{token}")
async def use_way_back(request: Request, token: str) -> Response:
    services, sent, browser = services_of(request), await sent_by(request), browser_of(request)
    key = sent.key or fresh_key()
    try:
        async with services.database.write() as session:
            entered = await access_links.use(session, services.rings, token, browser, key)
    except access_links.LinkUnknown:
        raise NotFound from None
    except (LinkUsed, LinkExpired):
        return page(request, "claim/access_over.html", status=410, reference="")
    try:
        await _enter(services, entered, key)
    except CaseError:
        return page(request, "claim/access_over.html", status=410, reference="")
    except (CaseIsBusy, CaseIsClosed, StillWorking, Unavailable):
        return unavailable(request, action=request.url.path, fields={"key": key})
    answer = await _show(request, await _row(services, entered.reference))
    let_in(answer, services.settings, entered.reference, entered.secret)
    remember_browser(answer, services.settings, browser)
    return answer


async def _enter(services: Services, entered: access_links.Entered, key: str) -> None:
    """The browser becomes the holder. A claim that is over has no workflow to ask: then it may read, and no more."""
    row = await _row(services, entered.reference)
    token = intake.update_id(services.rings, entered.reference, "access", key, entered.digest)
    command = claim_events.Enter(entered.digest)
    try:
        await services.gateway.tell(entered.reference, command, update_id=token, kind=row.kind)
    except CaseIsClosed:
        if row.closed_at is None:
            raise  # it was begun while Temporal was away, and is not there yet
        async with services.database.write() as session:
            await access_links.admit(session, entered.reference, entered.digest)


async def _row(services: Services, reference: str) -> CaseRow:
    async with services.database.read() as session:
        row = await reads.case_row(session, reference)
    assert row is not None  # a link belongs to a case
    return row


async def _show(request: Request, row: CaseRow) -> Response:
    if not is_htmx(request):
        return RedirectResponse(f"/case/{grouped(row.reference)}", status_code=303)
    return await case_page(request, row)
