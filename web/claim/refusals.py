"""What a refused step shows: the form again, the case as it is now, or a page of its own (`web.errors.ANSWERS`)."""

from datetime import UTC, datetime

from fastapi import Request
from fastapi.responses import HTMLResponse

from domain import errors
from domain.case import grouped
from domain.recovery import Recovery
from storage import reads
from storage.models import CaseRow
from web.claim.view import case_page
from web.errors import BUSY_SECONDS, answer_to, not_found, too_many, unavailable
from web.forms import SECRETS, Sent
from web.gateway import CaseIsBusy, CaseIsClosed
from web.render import page


async def refused(request: Request, row: CaseRow, sent: Sent, problem: Exception, *, field: str) -> HTMLResponse:
    """The answer to a refusal. `field` is where the sentence stands, if the form is shown again."""
    if isinstance(problem, errors.TooMany):
        return too_many(request, problem)
    answer = answer_to(problem)
    if isinstance(problem, CaseIsClosed) and row.closed_at is None:
        # It was begun while Temporal was away, and the reconciler has not brought it there yet.
        return _try_again(request, row, sent)
    match answer.status:
        case 404:
            return not_found(request)
        case 503:
            return _try_again(request, row, sent)
    if answer.where == "page":
        return page(request, "claim/link_over.html", status=answer.status)
    name = field if answer.where == "field" else ""
    problems = {name: answer.says}
    shown = await case_page(request, row, status=answer.status, problems=problems, sent=sent.kept)
    return _with_time(shown, row, problem)


def _try_again(request: Request, row: CaseRow, sent: Sent) -> HTMLResponse:
    """The same form once more, with the same key, unless a secret would have to be kept for it."""
    if SECRETS & sent.fields.keys():
        return unavailable(request, back=f"/case/{grouped(row.reference)}", secret=True)
    return unavailable(request, action=request.url.path, fields={**sent.kept, "key": sent.key})


def _with_time(shown: HTMLResponse, row: CaseRow, problem: Exception) -> HTMLResponse:
    if isinstance(problem, CaseIsBusy):
        shown.headers["Retry-After"] = str(BUSY_SECONDS)
    case = reads.case_of(row)
    if isinstance(problem, errors.TooSoon) and isinstance(case, Recovery) and case.resend_at:
        wait = (case.resend_at - datetime.now(UTC)).total_seconds()
        shown.headers["Retry-After"] = str(max(1, int(wait) + 1))
    return shown
