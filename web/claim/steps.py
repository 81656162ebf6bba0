"""What a claimant does in a case: each step reads its form, asks the workflow, and shows the case as it is then."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from domain import recovery
from domain.case import Answer, grouped
from domain.contact_proof import Destination
from domain.errors import CaseError, TooMany
from domain.recovery import Command, Recovery, State
from storage import intake, reads
from storage.identifiers import Identifier, NotUnderstood, identify_contact
from storage.models import CaseRow
from web import passwords
from web.access import Held, NotFound, browser_of, held_to_act
from web.claim.refusals import refused
from web.claim.view import case_of, case_page
from web.errors import REFUSED
from web.forms import Sent, sent_by
from web.gateway import StillWorking
from web.render import fresh_key, is_htmx, page
from web.services import Services, services_of
from web.times import datetime_now
from web.typed import code_problem, digits_of
from web.words import CONTACT_PROBLEMS

router = APIRouter()


@dataclass(frozen=True)
class Step:
    """A form that the holder of a case sent."""

    request: Request
    held: Held
    case: Recovery
    sent: Sent
    route: str

    @property
    def services(self) -> Services:
        return services_of(self.request)

    def token(self, *body: str) -> str:
        """The update's id: the same form sent twice is one step. The body is hashed, and holds no password."""
        return intake.update_id(self.services.rings, self.case.reference, self.route, self.sent.key, *body)

    async def tell(self, command: Command, token: str) -> Answer:
        """What the case answers. Raises what `web.errors` lists."""
        return await self.services.gateway.tell(self.case.reference, command, update_id=token)

    def would_happen(self, command: Command) -> bool:
        """Whether the case would do it now, by the same rule; a message that is not sent is not counted either."""
        try:
            recovery.decide(self.case, command, datetime_now())
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
        row = await self.fresh_row()
        problems, sent = {field: says}, self.sent.kept
        return await case_page(self.request, row, status=422, template=template, problems=problems, sent=sent)

    async def done(self) -> Response:
        """303 for a browser, the case as it is now for htmx."""
        if not is_htmx(self.request):
            return RedirectResponse(f"/case/{grouped(self.case.reference)}", status_code=303)
        return await case_page(self.request, await self.fresh_row())


async def step_of(request: Request, reference: str, route: str) -> Step:
    held, sent = await held_to_act(request, reference), await sent_by(request)
    case = case_of(held)
    if not isinstance(case, Recovery):
        raise NotFound
    return Step(request, held, case, sent if sent.key else Sent(sent.fields, fresh_key()), route)


class Act(Protocol):
    """The middle of a step: tell the case, and say 422 if what was sent is not right."""

    async def __call__(self, step: Step) -> Response | None: ...


async def take(request: Request, reference: str, route: str, act: Act, *, field: str = "") -> Response:
    """The frame of every step: who asks, what the workflow says, which page comes then."""
    step = await step_of(request, reference, route)
    try:
        answer = await act(step)
    except REFUSED as problem:
        return await refused(step.request, await step.fresh_row(), step.sent, problem, field=field)
    return answer or await step.done()


@router.post("/case/{reference}/contact")
async def give_contact(request: Request, reference: str) -> Response:
    return await take(request, reference, "contact", _give_contact, field="contact")


async def _give_contact(step: Step) -> Response | None:
    contact = _contact(step)
    if isinstance(contact, str):
        return await step.problem("contact", contact)
    token = step.token(contact.normal)
    asked = recovery.GiveContact(step.held.by, Destination(intake.channel_of(contact), ""))
    if step.would_happen(asked):
        asked = recovery.GiveContact(step.held.by, await _remember(step, contact, token))
    await step.tell(asked, token)
    return None


def _contact(step: Step) -> Identifier | str:
    """The contact that was typed, or the sentence that says what is wrong with it."""
    try:
        return identify_contact(step.sent.get("contact"), step.services.settings.phone_region)
    except NotUnderstood as wrong:
        return CONTACT_PROBLEMS[wrong.problem]


async def _remember(step: Step, contact: Identifier, token: str) -> Destination:
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


@router.post("/case/{reference}/code")
async def submit_code(request: Request, reference: str) -> Response:
    return await take(request, reference, "code", _submit_code, field="code")


async def _submit_code(step: Step) -> Response | None:
    digits, wanted = digits_of(step.sent.get("code")), step.case.policy.code_digits
    problem = code_problem(step.sent.get("code"), wanted)
    if problem and step.case.state is State.AWAITING_CODE:
        return await step.problem("code", problem)
    issue = digits_of(step.sent.get("issue")) or "0"
    digest = intake.typed_code(step.services.rings, step.case, int(issue[:6]), digits)
    after = await step.tell(recovery.SubmitCode(step.held.by, int(issue[:6]), digest), step.token(issue, digest))
    if after.event != "code_refused":
        return None
    if after.state is State.AWAITING_CODE:
        return await step.problem("code", _wrong(after.tries_left))
    return await step.problem("", "The code is not correct, and that was the last try with it")


def _wrong(tries_left: int) -> str:
    """Tries are told only when they are nearly used up (look: Content patterns)."""
    if tries_left > 2:
        return "The code is not correct"
    tries = "1 try" if tries_left == 1 else f"{tries_left} tries"
    return f"The code is not correct. You have {tries} left with this code"


@router.post("/case/{reference}/resend")
async def resend_code(request: Request, reference: str) -> Response:
    return await take(request, reference, "resend", _resend_code, field="contact")


async def _resend_code(step: Step) -> Response | None:
    asked = recovery.ResendCode(step.held.by)
    if not (step.sent.get("contact") or step.sent.get("other")):
        token = step.token()
        will = step.would_happen(asked)
        if will:
            await _count(step, token)
        await _send_again(step, asked, token, is_counted=will)
        return None
    other = _contact(step)
    if isinstance(other, str):
        return await step.problem("contact", other, template="other")
    token = step.token(other.normal)
    will = step.would_happen(asked)
    if will:
        asked = recovery.ResendCode(step.held.by, await _remember(step, other, token))
    await _send_again(step, asked, token, is_counted=will)
    return None


async def _send_again(step: Step, asked: recovery.ResendCode, token: str, *, is_counted: bool) -> None:
    """The case judges by its own clock. What it allows a moment before ours would is counted afterwards."""
    await step.tell(asked, token)
    if not is_counted:
        with suppress(TooMany):
            await _count(step, token)


async def _where_it_went(step: Step) -> Identifier | None:
    if step.case.issue is None:
        return None
    async with step.services.database.read() as session:
        return await reads.typed(session, step.services.rings, step.case.reference, step.case.issue.to.contact)


async def _count(step: Step, token: str) -> None:
    """Count a message to where the last one went."""
    contact = await _where_it_went(step)
    if contact is None:
        return
    async with step.services.database.write() as session:
        rings, browser = step.services.rings, browser_of(step.request)
        await intake.count_send(session, rings, contact, browser, token=token, policy=step.case.policy)


@router.post("/case/{reference}/account")
async def choose_account(request: Request, reference: str) -> Response:
    return await take(request, reference, "account", _choose_account, field="account")


async def _choose_account(step: Step) -> Response | None:
    account = step.sent.get("account")
    if step.case.state is State.AWAITING_ACCOUNT and account not in step.case.accounts:
        return await step.problem("account", "Choose one of the accounts")
    await step.tell(recovery.ChooseAccount(step.held.by, account), step.token(account))
    return None


@router.post("/case/{reference}/second-proof")
async def submit_second_proof(request: Request, reference: str) -> Response:
    return await take(request, reference, "second-proof", _submit_second_proof, field="proof")


async def _submit_second_proof(step: Step) -> Response | None:
    proof = step.sent.get("proof").strip()
    if not proof and step.case.state is State.AWAITING_SECOND_PROOF:
        return await step.problem("proof", "Write one of your saved recovery codes")
    token = step.token()
    secret = await _seal(step, "second-proof", proof, token, wanted_in=State.AWAITING_SECOND_PROOF)
    after = await step.tell(recovery.SubmitSecondProof(step.held.by, secret), token)
    if after.event == "second_proof_refused" and after.state is State.AWAITING_SECOND_PROOF:
        return await step.problem("proof", "The recovery code is not correct, or was used before")
    return None


@router.post("/case/{reference}/password")
async def set_password(request: Request, reference: str) -> Response:
    return await take(request, reference, "password", _set_password, field="new_password")


async def _set_password(step: Step) -> Response | None:
    password = step.sent.get("new_password")
    if step.case.state is State.AWAITING_NEW_PASSWORD:
        problem = await passwords.problem_found(
            password, await _username(step), step.case.policy, step.services.settings.breached_passwords_url
        )
        if problem:
            return await step.problem("new_password", problem)
    token = step.token()
    secret = await _seal(step, "password", password, token, wanted_in=State.AWAITING_NEW_PASSWORD)
    try:
        await step.tell(recovery.SetPassword(step.held.by, secret), token)
    except StillWorking:
        # The answer comes when the password is set. If it was taken, the page of the case says how far it is.
        if (await step.fresh_row()).state == State.AWAITING_NEW_PASSWORD:
            raise
    return None


@router.post("/case/{reference}/password/strength")
async def password_strength(request: Request, reference: str) -> Response:
    """Only the line below the field; nothing is kept."""
    step = await step_of(request, reference, "strength")
    found = await passwords.strength_found(step.sent.get("new_password"), await _username(step), step.case.policy)
    return page(request, "claim/case/_strength.html", found=found)


async def _username(step: Step) -> str:
    async with step.services.database.read() as session:
        names = await reads.usernames(session, step.services.rings, step.case.reference)
    return names.get(step.case.account, "")


async def _seal(step: Step, purpose: str, secret: str, token: str, *, wanted_in: State) -> str:
    """The name of the sealed secret. A form sent again after it was used must not bring the secret back."""
    if step.case.state is not wanted_in:
        return intake.secret_name(purpose, token)
    async with step.services.database.write() as session:
        rings, reference = step.services.rings, step.case.reference
        return await intake.seal_secret(session, rings, reference, purpose, secret, token=token)


@router.post("/case/{reference}/help")
async def ask_help(request: Request, reference: str) -> Response:
    return await take(request, reference, "help", _ask_help)


async def _ask_help(step: Step) -> Response | None:
    await step.tell(recovery.AskHelp(step.held.by), step.token())
    return None


@router.post("/case/{reference}/withdraw")
async def withdraw(request: Request, reference: str) -> Response:
    return await take(request, reference, "withdraw", _withdraw)


async def _withdraw(step: Step) -> Response | None:
    await step.tell(recovery.Withdraw(step.held.by), step.token())
    return None
