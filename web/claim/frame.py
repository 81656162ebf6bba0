"""The frame of every step of a claimant, whatever the kind of the case: who asks, what it says, which page comes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from domain import claim_commands, recovery
from domain.case import Answer, grouped
from domain.claim import Claim
from domain.claim_events import Command as ClaimCommand
from domain.contact_proof import Destination
from domain.errors import CaseError
from domain.recovery import Command, Recovery
from storage import intake, reads
from storage.identifiers import Identifier, NotUnderstood, identify_contact
from storage.models import CaseRow
from web.access import Held, NotFound, browser_of, held_to_act
from web.claim.refusals import refused
from web.claim.view import case_of, case_page
from web.errors import REFUSED
from web.forms import Sent, TooLarge, sent_by
from web.render import fresh_key, is_htmx
from web.services import Services, services_of
from web.times import datetime_now
from web.words import CONTACT_PROBLEMS

TOO_LARGE = "That is too much for one form. Write less, and send at most 5 files of 10 MB"

C = TypeVar("C", bound=Recovery | Claim)
"""The kind of case that an act is for."""


@dataclass(frozen=True)
class Step(Generic[C]):
    """A form that the holder of a case sent."""

    request: Request
    held: Held
    case: C
    sent: Sent
    route: str

    @property
    def services(self) -> Services:
        return services_of(self.request)

    @property
    def address(self) -> str:
        return f"/case/{grouped(self.case.reference)}"

    def token(self, *body: str) -> str:
        """The update's id: the same form sent twice is one step. The body is hashed, and holds no password."""
        return intake.update_id(self.services.rings, self.case.reference, self.route, self.sent.key, *body)

    async def tell(self, command: Command | ClaimCommand, token: str) -> Answer:
        """What the case answers. Raises what `web.errors` lists."""
        case = self.case
        return await self.services.gateway.tell(case.reference, command, update_id=token, kind=case.kind)

    def would_happen(self, command: Command | ClaimCommand) -> bool:
        """Whether the case would do it now, by the same rule; a message that is not sent is not counted either."""
        decide: Callable[[Any, Any, datetime], object] = (
            recovery.decide if isinstance(self.case, Recovery) else claim_commands.decide
        )
        try:
            decide(self.case, command, datetime_now())
        except CaseError:
            return False
        return True

    async def fresh_row(self) -> CaseRow:
        async with self.services.database.read() as session:
            row = await reads.case_row(session, self.case.reference)
        assert row is not None  # cases are never deleted
        return row

    async def problem(self, field: str, says: str, *, template: str = "") -> Response:
        """422: the page of the moment with the sentence at its field, and what was typed."""
        return await self.problems({field: says}, template=template)

    async def problems(self, problems: dict[str, str], *, template: str = "") -> Response:
        row = await self.fresh_row()
        watched = {"watched": False} if template else {}
        sent = self.sent.kept
        return await case_page(
            self.request, row, status=422, template=template, problems=problems, sent=sent, **watched
        )

    async def done(self) -> Response:
        """303 for a browser, the case as it is now for htmx."""
        if not is_htmx(self.request):
            return RedirectResponse(self.address, status_code=303)
        return await case_page(self.request, await self.fresh_row())


class Act(Protocol[C]):
    """The middle of a step: tell the case, and answer with a page of its own, such as a 422, if there is one."""

    async def __call__(self, step: Step[C]) -> Response | None: ...


class Reader(Protocol):
    async def __call__(self, request: Request) -> Sent: ...


async def step_of(request: Request, reference: str, route: str, read: Reader = sent_by) -> Step[Recovery] | Step[Claim]:
    held = await held_to_act(request, reference)
    sent = await read(request)
    sent = sent if sent.key else Sent(sent.fields, fresh_key(), sent.too_long, sent.files)
    case = case_of(held)
    if isinstance(case, Recovery):
        return Step[Recovery](request, held, case, sent, route)
    return Step[Claim](request, held, case, sent, route)


async def take(
    request: Request,
    reference: str,
    route: str,
    *,
    recovery: Act[Recovery] | None = None,
    claim: Act[Claim] | None = None,
    field: str = "",
    read: Reader = sent_by,
    template: str = "",
) -> Response:
    """The frame: an act for each kind of case that knows this step; for the others it does not exist.

    `template` is the page of the form, if it is not that of the moment.
    """
    try:
        step = await step_of(request, reference, route, read)
    except TooLarge:
        row, problems = (await held_to_act(request, reference)).row, {"": TOO_LARGE}
        return await case_page(request, row, status=422, template=template, problems=problems)
    act: Act[Any] | None = recovery if isinstance(step.case, Recovery) else claim
    if act is None:
        raise NotFound
    try:
        answer = await act(step)
    except REFUSED as problem:
        return await refused(step.request, await step.fresh_row(), step.sent, problem, field=field)
    finally:
        for file in step.sent.files:
            await file.close()
    return answer or await step.done()


def contact_of(step: Step[C]) -> Identifier | str:
    """The contact that was typed, or the sentence that says what is wrong with it."""
    try:
        return identify_contact(step.sent.get("contact"), step.services.settings.phone_region)
    except NotUnderstood as wrong:
        return CONTACT_PROBLEMS[wrong.problem]


async def remember(step: Step[C], contact: Identifier, token: str) -> Destination:
    """Keep the contact, and count the message that goes there."""
    async with step.services.database.write() as session:
        return await intake.add_contact(
            session,
            step.services.rings,
            step.case.reference,
            contact,
            browser_of(step.request),
            token=token,
            policy=step.case.policy,
        )


async def where_it_went(step: Step[C]) -> Identifier | None:
    """The contact that the newest message went to, as it was typed."""
    if step.case.issue is None:
        return None
    async with step.services.database.read() as session:
        return await reads.typed(session, step.services.rings, step.case.reference, step.case.issue.to.contact)


async def count(step: Step[C], token: str) -> None:
    """Count a message to where the last one went."""
    contact = await where_it_went(step)
    if contact is None:
        return
    async with step.services.database.write() as session:
        rings, browser = step.services.rings, browser_of(step.request)
        await intake.count_send(session, rings, contact, browser, token=token, policy=step.case.policy)


async def username_of(step: Step[Recovery] | Step[Claim]) -> str:
    """The username of the case's account, once it may be shown."""
    async with step.services.database.read() as session:
        names = await reads.usernames(session, step.services.rings, step.case.reference)
    return names.get(step.case.account, "")


async def seal(step: Step[C], purpose: str, secret: str, token: str, *, wanted: bool) -> str:
    """The name of the sealed secret. A form sent again after it was used must not bring the secret back."""
    if not wanted:
        return intake.secret_name(purpose, token)
    async with step.services.database.write() as session:
        rings, reference = step.services.rings, step.case.reference
        return await intake.seal_secret(session, rings, reference, purpose, secret, token=token)
