"""What a claimant still knows: a form that is kept while it is filled in, a page to check it, the way to send it."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain import claim_events
from domain.case import grouped
from domain.claim import Claim
from storage import intake_claim
from storage.intake_claim import CODE_PURPOSE, PASSWORD_PURPOSE, next_evidence
from web.access import NotFound, held
from web.claim import uploading
from web.claim.claim_steps import ClaimStep
from web.claim.evidence_fields import MAY_GIVE, PASSWORDS, understood
from web.claim.frame import take
from web.claim.view import case_of, case_page
from web.forms import sent_with_files
from web.render import is_htmx

router = APIRouter()

NOTHING = "Give at least one thing. Nobody remembers everything"


@router.get("/case/{reference}/evidence")
async def evidence_form(request: Request, reference: str) -> Response:
    return await _page_while_it_may_be_given(request, reference, "evidence")


@router.get("/case/{reference}/check")
async def check_answers(request: Request, reference: str) -> Response:
    return await _page_while_it_may_be_given(request, reference, "check")


@router.get("/case/{reference}/sent")
async def confirmation(request: Request, reference: str) -> Response:
    found = await held(request, reference)
    case = case_of(found)
    if not isinstance(case, Claim):
        raise NotFound
    if not case.evidence or case.is_closed:
        return RedirectResponse(f"/case/{grouped(case.reference)}", status_code=303)
    return await case_page(request, found.row, template="sent", watched=False)


async def _page_while_it_may_be_given(request: Request, reference: str, template: str) -> Response:
    found = await held(request, reference)
    case = case_of(found)
    if not isinstance(case, Claim):
        raise NotFound
    if case.state not in MAY_GIVE:
        return RedirectResponse(f"/case/{grouped(case.reference)}", status_code=303)
    return await case_page(request, found.row, template=template, watched=False)


@router.post("/case/{reference}/evidence")
async def give_evidence(request: Request, reference: str) -> Response:
    return await take(request, reference, "evidence", claim=_given, read=sent_with_files, template="evidence")


async def _given(step: ClaimStep) -> Response:
    if step.sent.get("send"):
        return await _send(step)
    if step.case.state not in MAY_GIVE:
        return await step.done()
    texts, problems = understood(step.sent, step.services.settings.phone_region)
    if problems:
        return await step.problems(problems, template="evidence")
    files = await uploading.accepted(step.services, step.sent)
    if isinstance(files, str):
        return await step.problem("files", files, template="evidence")
    problem = await _keep(step, texts, files)
    if problem:
        return await step.problem("files", problem, template="evidence")
    if step.sent.get("then") == "later":
        return await _shown(step, "")
    if not await _is_anything_kept(step):
        return await step.problem("username", NOTHING, template="evidence")
    return await _shown(step, "check")


async def _keep(step: ClaimStep, texts: dict[str, str], files: uploading.Uploads) -> str:
    """Kept as it stands, so that nothing is lost on the way; it counts once it is sent. Answers what is wrong."""
    reference, evidence, sent = step.case.reference, next_evidence(step.case), step.sent
    secrets = {(PASSWORD_PURPOSE, name): sent.get(name) for name in PASSWORDS}
    secrets[CODE_PURPOSE, "recovery_code"] = sent.get("recovery_code").strip()
    async with step.services.database.write() as session:
        if sent.get("forget"):
            await intake_claim.forget_secrets(session, reference, evidence)
        await intake_claim.save_evidence(session, step.services.rings, reference, evidence, texts)
        await intake_claim.save_secrets(session, step.services.rings, reference, evidence, secrets)
    kept = await uploading.kept(step.services, reference, files, step.token(evidence))
    return kept if isinstance(kept, str) else ""


async def _is_anything_kept(step: ClaimStep) -> bool:
    reference, evidence = step.case.reference, next_evidence(step.case)
    async with step.services.database.read() as session:
        if await intake_claim.secrets_of(session, reference, evidence):
            return True
        if await intake_claim.has_texts(session, reference, evidence):
            return True
        return await uploading.unsent(session, step.case) > 0


async def _send(step: ClaimStep) -> Response:
    """Tell the case what was kept. The form names it: what was sent a moment ago is not given a second time."""
    reference, named = step.case.reference, step.sent.get("evidence")
    evidence = next_evidence(step.case)
    if named and named == step.case.evidence:
        return await _shown(step, "sent")
    if not await _is_anything_kept(step):
        return await step.problem("username", NOTHING, template="evidence")
    async with step.services.database.read() as session:
        secrets = await intake_claim.secrets_of(session, reference, evidence)
        files = await uploading.unsent(session, step.case)
    names = tuple(name for found in secrets.values() for name in found)
    given = claim_events.GiveEvidence(step.held.by, evidence, names, files)
    await step.tell(given, step.token(evidence))
    return await _shown(step, "sent")


async def _shown(step: ClaimStep, template: str) -> Response:
    """303 to the page that comes next, or that page for htmx."""
    address = f"{step.address}/{template}" if template else step.address
    if not is_htmx(step.request):
        return RedirectResponse(address, status_code=303)
    watched = {"watched": False} if template else {}
    answer: HTMLResponse = await case_page(step.request, await step.fresh_row(), template=template, **watched)
    answer.headers["HX-Push-Url"] = address
    return answer
