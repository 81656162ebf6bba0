"""What went wrong, as a status and a page: the one table from refusals to answers. No message of an error is parsed."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from domain import errors as refusals
from web import gateway
from web.access import Elsewhere, NotFound
from web.desk.session import FactorWanted, NotSignedIn, NotYourRole, agent_of
from web.render import is_htmx, page

log = structlog.get_logger(__name__)

Where = Literal["field", "case", "page"]
"""`field`: the form again with the sentence at its field. `case`: the case as it is now, with the sentence on top.
`page`: a page of its own."""


@dataclass(frozen=True)
class Answer:
    status: int
    says: str
    where: Where = "case"


ANSWERS: dict[type[Exception], Answer] = {
    refusals.NotAllowedNow: Answer(409, "The case has moved on. Here it is as it is now"),
    refusals.NotYours: Answer(404, "", "page"),
    refusals.UseTheNewest: Answer(422, "This code is from an earlier message. Use the newest one", "field"),
    refusals.CodeIsOver: Answer(410, "The code no longer works. Ask for a new one"),
    refusals.LinkIsOver: Answer(410, "The link no longer works", "page"),
    refusals.TooSoon: Answer(429, "A new code cannot be sent yet"),
    refusals.NoCodesLeft: Answer(409, "All codes of this case were sent"),
    refusals.TooMany: Answer(429, "", "page"),
    gateway.CaseIsBusy: Answer(429, "Your last click is still being worked on. Wait a few seconds and try again"),
    gateway.CaseIsClosed: Answer(409, "The case is closed. Here it is as it is now"),
    gateway.StillWorking: Answer(503, "", "page"),
    gateway.Unavailable: Answer(503, "", "page"),
}
REFUSED = tuple(ANSWERS)


def answer_to(problem: Exception) -> Answer:
    """The row of the table for this problem."""
    return next(answer for kind, answer in ANSWERS.items() if isinstance(problem, kind))


BUSY_SECONDS = 3
AGAIN_SECONDS = 5


def not_found(request: Request) -> HTMLResponse:
    """The same page for what is not there and for what this browser may not see."""
    return page(request, "errors/404.html", status=404)


def too_many(request: Request, problem: refusals.TooMany) -> HTMLResponse:
    now = datetime.now(UTC)
    answer = page(request, "errors/429.html", status=429, until=problem.until, what=problem.what, now=now)
    answer.headers["Retry-After"] = str(max(1, int((problem.until - now).total_seconds())))
    return answer


def unavailable(
    request: Request, *, action: str = "", fields: dict[str, str] | None = None, back: str = "", secret: bool = False
) -> HTMLResponse:
    """Nothing was lost. `fields` are what was sent, with the same key: pressing again is safe.

    A form with a `secret` is not sent again by us: the button leads `back` to the page that has it.
    """
    back = back or way_back(request)
    answer = page(request, "errors/503.html", status=503, action=action, fields=fields or {}, back=back, secret=secret)
    answer.headers["Retry-After"] = str(AGAIN_SECONDS)
    return answer


def way_back(request: Request) -> str:
    """A page that can be loaded again, as near as possible to the form that was sent."""
    path = request.url.path
    if request.method == "GET" or path.startswith(("/case/", "/link/", "/not-me/")):
        return path  # the address of each of these forms leads to the page that has it
    if path.startswith("/desk"):
        return path.removesuffix("/decision") if path.startswith("/desk/cases/") else "/desk"
    return "/"


async def _missing(request: Request) -> HTMLResponse:
    """Agents stay at the desk; everybody else is told what strangers are told, there too."""
    if request.url.path.startswith("/desk/"):
        with suppress(NotSignedIn, FactorWanted):
            agent = await agent_of(request, at_work=False)
            return page(request, "desk/no_page.html", status=404, agent=agent)
    return not_found(request)


def _led_to(request: Request, address: str) -> Response:
    """A whole new page, for htmx too."""
    if is_htmx(request):
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def install(app: FastAPI) -> None:
    """Handlers for whatever a route does not answer itself."""

    @app.exception_handler(NotFound)
    async def _not_found(request: Request, _problem: Exception) -> Response:
        return await _missing(request)

    @app.exception_handler(NotYourRole)
    async def _not_your_role(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, NotYourRole)
        return page(request, "desk/refused.html", status=403, agent=problem.agent)

    @app.exception_handler(FactorWanted)
    async def _factor_wanted(request: Request, _problem: Exception) -> Response:
        return _led_to(request, "/desk/settings/second-factor")

    @app.exception_handler(Elsewhere)
    async def _elsewhere(request: Request, _problem: Exception) -> Response:
        return page(request, "claim/elsewhere.html")

    @app.exception_handler(refusals.TooMany)
    async def _too_many(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, refusals.TooMany)
        return too_many(request, problem)

    @app.exception_handler(NotSignedIn)
    async def _door(request: Request, _problem: Exception) -> Response:
        address = "/desk/sign-in"
        if request.method == "GET":
            address += "?" + urlencode({"then": request.url.path})
        return _led_to(request, address)

    @app.exception_handler(SQLAlchemyError)
    async def _database(request: Request, problem: Exception) -> Response:
        log.error("the database did not answer", error=type(problem).__name__)
        return unavailable(request)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, problem: Exception) -> Response:
        status = getattr(problem, "status_code", 500)
        headers = getattr(problem, "headers", None)
        if status == 404:
            return await _missing(request)
        answer = page(request, "errors/other.html", status=status)
        answer.headers.update(headers or {})
        return answer

    @app.exception_handler(Exception)
    async def _mistake(request: Request, problem: Exception) -> Response:
        # The traceback goes to the log; a page with details would tell strangers about our inside.
        log.error("mistake", route=getattr(request.scope.get("route"), "path", ""), exc_info=problem)
        return page(request, "errors/500.html", status=500)


def refusal(status: int, sentence: str) -> ASGIApp:
    """An answer for middleware, where no page can be rendered yet."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"{sentence}\n", status_code=status)(scope, receive, send)

    return refuse


REFUSED_ORIGIN = refusal(
    403, "This form was sent from another site, so nothing was done. Open the page here and try again."
)
REFUSED_SIZE = refusal(413, "That is too large: at most 64 KB can be sent here.")
