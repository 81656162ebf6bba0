"""The mailed link: opening it changes nothing, posting it moves the case to the browser that posts (design 6)."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain import claim_events
from domain.case import grouped, parse_reference
from domain.claim import Claim
from domain.claim import State as ClaimState
from domain.claim_deadlines import caught_up as claim_caught_up
from domain.errors import CaseError, LinkIsOver, NotAllowedNow
from domain.recovery import LINKABLE, Recovery, UseLink
from storage import intake, links, reads
from storage.intake import Browser
from storage.models import CaseRow
from web.access import Elsewhere, NotFound, browser_of, held, let_in, remember_browser
from web.claim.view import case_page, up_to_date
from web.errors import not_found, unavailable
from web.forms import Sent, sent_by
from web.gateway import CaseIsBusy, CaseIsClosed, StillWorking, Unavailable
from web.render import fresh_key, is_htmx, page
from web.services import Services, services_of
from web.times import datetime_now

router = APIRouter()

LINKABLE_CLAIM = frozenset({ClaimState.AWAITING_CONTACT_PROOF, ClaimState.PROBATION})
"""Where a mailed link of a claim does something: it proves the contact, or leads to the new password."""


@dataclass(frozen=True)
class Link:
    """A link that one of our messages carried, and the case it belongs to."""

    row: CaseRow
    case: Recovery | Claim
    issue: int
    token: str

    @property
    def still_works(self) -> bool:
        """Whether the button makes sense; the workflow judges when it is pressed."""
        case = claim_caught_up(self.case, datetime_now()) if isinstance(self.case, Claim) else up_to_date(self.case)
        is_newest = case.issue is not None and case.issue.number == self.issue
        fresh = case.link_until is not None and datetime_now() < case.link_until
        return is_newest and fresh and (case.state in LINKABLE or case.state in LINKABLE_CLAIM)

    @property
    def is_for_password(self) -> bool:
        """Whether it hands an account back: the claimant sets a password with it."""
        return isinstance(self.case, Claim) and self.case.begun_at is not None

    def command(self, by: str, digest: str) -> UseLink | claim_events.UseLink:
        return claim_events.UseLink(by, digest) if isinstance(self.case, Claim) else UseLink(by, digest)


async def _link(services: Services, name: str) -> Link:
    """The link of this address. Raises `NotFound` for anything that no message carried."""
    typed, _, token = name.partition(".")
    reference = parse_reference(typed)
    if not reference or not token:
        raise NotFound
    async with services.database.read() as session:
        row = await reads.case_row(session, reference)
        issue = await links.issue_of_link(session, services.rings, reference, token) if row else None
    case = reads.case_of(row) if row else None
    if row is None or issue is None or case is None:
        raise NotFound
    return Link(row, case, issue, token)


@router.get("/link/{name}")
async def show_link(request: Request, name: str) -> HTMLResponse:
    services = services_of(request)
    link = await _link(services, name)
    if not link.still_works:
        return page(request, "claim/link_over.html", status=410)
    async with services.database.read() as session:
        device = await reads.device(session, services.rings, link.row.reference)
    answer = page(
        request,
        "claim/link.html",
        opened_at=link.row.opened_at,
        device=device,
        link_until=link.case.link_until,
        is_claim=isinstance(link.case, Claim),
        is_for_password=link.is_for_password,
    )
    # From here on the same form sent twice is known to come from the same browser.
    remember_browser(answer, services.settings, browser_of(request))
    return answer


@router.post("/link/{name}")
async def use_link(request: Request, name: str) -> Response:
    services, sent = services_of(request), await sent_by(request)
    link, key = await _link(services, name), sent.key or fresh_key()
    browser = browser_of(request)
    secret, by = await _holder(request, link, browser, key)
    digest = intake.link_token(services.rings, link.case, link.token)
    update_id = intake.update_id(services.rings, link.row.reference, "link", key, digest, by)
    try:
        command = link.command(by, digest)
        await services.gateway.tell(link.row.reference, command, update_id=update_id, kind=link.case.kind)
    except (LinkIsOver, NotAllowedNow, CaseIsClosed):
        return page(request, "claim/link_over.html", status=410)
    except CaseError:
        return not_found(request)
    except (CaseIsBusy, StillWorking, Unavailable):
        return unavailable(request, action=request.url.path, fields={**Sent(sent.fields, key).kept, "key": key})
    answer = await _go_on(request, link)
    if secret:
        let_in(answer, services.settings, link.row.reference, secret)
    remember_browser(answer, services.settings, browser)
    return answer


async def _holder(request: Request, link: Link, browser: Browser, key: str) -> tuple[str, str]:
    """A new case secret for this browser and its digest; no secret if it holds the case already."""
    services, reference = services_of(request), link.row.reference
    try:
        return "", (await held(request, reference)).by
    except (NotFound, Elsewhere):
        async with services.database.write() as session:
            return await intake.browser_for_link(session, services.rings, reference, browser, key=key)


async def _go_on(request: Request, link: Link) -> Response:
    reference = link.row.reference
    if not is_htmx(request):
        return RedirectResponse(f"/case/{grouped(reference)}", status_code=303)
    async with services_of(request).database.read() as session:
        row = await reads.case_row(session, reference)
    assert row is not None  # read a moment ago
    return await case_page(request, row)
