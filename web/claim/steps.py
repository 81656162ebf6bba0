"""What a claimant does in a case: each step reads its form, asks the workflow, and shows the case as it is then.

The acts here are those of a recovery; those of a claim are in `claim_steps.py`.
"""

from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain import recovery
from domain.contact_proof import Destination
from domain.errors import TooMany
from domain.recovery import Recovery, State
from storage import intake
from web import passwords
from web.claim import claim_steps, frame
from web.claim.frame import Step, take
from web.gateway import StillWorking
from web.render import page
from web.typed import code_problem, digits_of

router = APIRouter()
RecoveryStep = Step[Recovery]


@router.post("/case/{reference}/contact")
async def give_contact(request: Request, reference: str) -> Response:
    return await take(
        request, reference, "contact", recovery=_give_contact, claim=claim_steps.give_contact, field="contact"
    )


async def _give_contact(step: RecoveryStep) -> Response | None:
    contact = frame.contact_of(step)
    if isinstance(contact, str):
        return await step.problem("contact", contact)
    token = step.token(contact.normal)
    asked = recovery.GiveContact(step.held.by, Destination(intake.channel_of(contact), ""))
    if step.would_happen(asked):
        asked = recovery.GiveContact(step.held.by, await frame.remember(step, contact, token))
    await step.tell(asked, token)
    return None


@router.post("/case/{reference}/code")
async def submit_code(request: Request, reference: str) -> Response:
    return await take(request, reference, "code", recovery=_submit_code, claim=claim_steps.submit_code, field="code")


async def _submit_code(step: RecoveryStep) -> Response | None:
    digits, wanted = digits_of(step.sent.get("code")), step.case.policy.code_digits
    problem = code_problem(step.sent.get("code"), wanted)
    if problem and step.case.state is State.AWAITING_CODE:
        return await step.problem("code", problem)
    issue = digits_of(step.sent.get("issue")) or "0"
    digest = intake.typed_code(step.services.rings, step.case, int(issue[:6]), digits)
    after = await step.tell(recovery.SubmitCode(step.held.by, int(issue[:6]), digest), step.token(issue, digest))
    if after.event != "code_refused":
        return None
    if after.state == State.AWAITING_CODE:
        return await step.problem("code", claim_steps.wrong(after.tries_left))
    return await step.problem("", "The code is not correct, and that was the last try with it")


@router.post("/case/{reference}/resend")
async def resend_code(request: Request, reference: str) -> Response:
    return await take(
        request, reference, "resend", recovery=_resend_code, claim=claim_steps.resend_code, field="contact"
    )


async def _resend_code(step: RecoveryStep) -> Response | None:
    asked = recovery.ResendCode(step.held.by)
    if not (step.sent.get("contact") or step.sent.get("other")):
        token = step.token()
        will = step.would_happen(asked)
        if will:
            await frame.count(step, token)
        await _send_again(step, asked, token, is_counted=will)
        return None
    other = frame.contact_of(step)
    if isinstance(other, str):
        return await step.problem("contact", other, template="other")
    token = step.token(other.normal)
    will = step.would_happen(asked)
    if will:
        asked = recovery.ResendCode(step.held.by, await frame.remember(step, other, token))
    await _send_again(step, asked, token, is_counted=will)
    return None


async def _send_again(step: RecoveryStep, asked: recovery.ResendCode, token: str, *, is_counted: bool) -> None:
    """The case judges by its own clock. What it allows a moment before ours would is counted afterwards."""
    await step.tell(asked, token)
    if not is_counted:
        with suppress(TooMany):
            await frame.count(step, token)


@router.post("/case/{reference}/account")
async def choose_account(request: Request, reference: str) -> Response:
    return await take(request, reference, "account", recovery=_choose_account, field="account")


async def _choose_account(step: RecoveryStep) -> Response | None:
    account = step.sent.get("account")
    if step.case.state is State.AWAITING_ACCOUNT and account not in step.case.accounts:
        return await step.problem("account", "Choose one of the accounts")
    await step.tell(recovery.ChooseAccount(step.held.by, account), step.token(account))
    return None


@router.post("/case/{reference}/second-proof")
async def submit_second_proof(request: Request, reference: str) -> Response:
    return await take(request, reference, "second-proof", recovery=_submit_second_proof, field="proof")


async def _submit_second_proof(step: RecoveryStep) -> Response | None:
    proof = step.sent.get("proof").strip()
    if not proof and step.case.state is State.AWAITING_SECOND_PROOF:
        return await step.problem("proof", "Write one of your saved recovery codes")
    token = step.token()
    secret = await frame.seal(step, "second-proof", proof, token, wanted=step.case.state is State.AWAITING_SECOND_PROOF)
    after = await step.tell(recovery.SubmitSecondProof(step.held.by, secret), token)
    if after.event == "second_proof_refused" and after.state == State.AWAITING_SECOND_PROOF:
        return await step.problem("proof", "The recovery code is not correct, or was used before")
    return None


@router.post("/case/{reference}/password")
async def set_password(request: Request, reference: str) -> Response:
    return await take(
        request, reference, "password", recovery=_set_password, claim=claim_steps.set_password, field="new_password"
    )


async def _set_password(step: RecoveryStep) -> Response | None:
    password = step.sent.get("new_password")
    if step.case.state is State.AWAITING_NEW_PASSWORD:
        problem = await passwords.problem_found(
            password, await frame.username_of(step), step.case.policy, step.services.settings.breached_passwords_url
        )
        if problem:
            return await step.problem("new_password", problem)
    token = step.token()
    secret = await frame.seal(step, "password", password, token, wanted=step.case.state is State.AWAITING_NEW_PASSWORD)
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
    step = await frame.step_of(request, reference, "strength")
    found = await passwords.strength_found(
        step.sent.get("new_password"), await frame.username_of(step), step.case.policy
    )
    return page(request, "claim/case/_strength.html", found=found)


@router.post("/case/{reference}/help")
async def ask_help(request: Request, reference: str) -> Response:
    return await take(request, reference, "help", recovery=_ask_help)


async def _ask_help(step: RecoveryStep) -> Response | None:
    await step.tell(recovery.AskHelp(step.held.by), step.token())
    return None


@router.post("/case/{reference}/withdraw")
async def withdraw(request: Request, reference: str) -> Response:
    return await take(request, reference, "withdraw", recovery=_withdraw, claim=claim_steps.withdraw)


async def _withdraw(step: RecoveryStep) -> Response | None:
    await step.tell(recovery.Withdraw(step.held.by), step.token())
    return None
