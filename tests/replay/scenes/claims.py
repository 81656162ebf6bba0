"""Claims: every state, every way on, every end and every refusal."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import update
from sqlmodel import col

from development import people
from domain import claim_events as events
from domain.claim import Reason, State
from domain.decisions import ALL, KEEP, Outcome
from domain.policy import Policy
from storage import finding, intake, reads
from storage.agents import Role, add_agent
from storage.finding import Asked
from storage.identifiers import identify_contact
from storage.intake import Browser
from storage.models import AccountRow, AgentRow
from tests.replay.claimant import BRIEF, LONG_HOLD, LONG_PROBATION, Claimant, claims, in_state
from tests.replay.scenario import SCENARIOS, Part, Scenario, Story, Take, scenario
from tests.replay.scenes.codes import recovers
from tests.replay.stage import MARK, NUMBERS, QUICK, SECOND, Owner, Stage

MINUTES = timedelta(minutes=5)


async def hire(stage: Stage, name: str, role: Role, own: str = "") -> None:
    """One more agent; `own` is an account of theirs."""
    async with stage.database.write() as session:
        if await session.get(AgentRow, name) is None:
            await add_agent(session, name=name, display_name=name, role=role, password=people.DESK_PASSWORD)
        await session.flush()
        agent = await session.get_one(AgentRow, name)
        agent.own_accounts = [*agent.own_accounts, *([own] if own else [])]


def over(made: Claimant, then: str = "") -> Take:
    return Take(made.workflow, then=then)


def open_still(made: Claimant, then: str = "") -> Take:
    return Take(made.workflow, ends=False, then=then)


# ---- an owner objects to a changed password -------------------------------------------------------------------


async def somebody_recovered(stage: Stage, *, contacts: int = 1) -> tuple[Owner, list[str]]:
    """An account whose password was just changed, and the "this was not me" tokens of the notices."""
    more = tuple(f"{MARK}.other.{next(NUMBERS)}@example.org" for _ in range(contacts - 1))
    owner = await stage.owner(more=more)
    attempt = await stage.open(owner.email)
    await recovers(attempt)
    await stage.over(attempt.workflow)
    return owner, await stage.objection_tokens(f"{attempt.reference}.password-changed", contacts)


async def press(stage: Stage, token: str, policy: Policy, *, start: bool = True) -> Claimant:
    """The owner presses the button of a notice; the claim it opens."""
    async with stage.database.read() as session:
        link = await reads.objection_link(session, stage.rings, token)
    assert link
    async with stage.database.write() as session:
        received = await intake.receive_objection(
            session, stage.rings, link, Browser("owner"), key=f"form-{next(NUMBERS)}", policy=policy
        )
        await intake.mark_delivered(session, received.id)
    assert received.opened
    if start:
        await stage.start(received.opened.case)
    return Claimant(stage, received.case, received.opened.secret)


@scenario("freeze-lapses", shows=("activity freeze_account", "timer fired", "activity end_freeze"), end="expired")
async def freeze_lapses(stage: Stage) -> Take:
    """Nobody says more: the account opens again, and the claim ends."""
    _, (token,) = await somebody_recovered(stage)
    brief = replace(BRIEF, freeze_lifetime=2 * SECOND, claim_wait=5 * SECOND, freeze_interval=MINUTES)
    return over(await press(stage, token, brief))


@scenario("frozen-once", keeps=("open", "withheld"), shows=("activity freeze_account",))
async def frozen_once(stage: Stage) -> tuple[Take, ...]:
    """Two contacts say it: the account is frozen by the first, and not again by the second."""
    _, (first, second) = await somebody_recovered(stage, contacts=2)
    strict = replace(QUICK, freeze_interval=MINUTES)
    frozen = await press(stage, first, strict)
    await stage.idle(frozen.workflow)
    withheld = await press(stage, second, strict)
    await withheld.until_kind("freeze_withheld")
    return open_still(frozen, "open"), open_still(withheld, "withheld")


@scenario("objection-becomes-a-claim", end="awaiting_review", shows=("update accepted give_contact",))
async def objection_becomes_a_claim(stage: Stage) -> Take:
    owner, (token,) = await somebody_recovered(stage)
    made = await press(stage, token, BRIEF)
    await made.contact()
    await made.until_kind("code_issued")
    await made.code()
    await made.evidence(owner, owner.password)
    return open_still(made)


# ---- the way of a claim ---------------------------------------------------------------------------------------


@scenario(
    "claim-recovered",
    part=Part.ALONE,
    end="recovered",
    shows=(
        "activity weigh_evidence",
        "signal decision_made",
        "activity begin_hand_back",
        "activity take_step",
        "activity take_step",
        "activity take_step",
        "update accepted use_link",
        "activity apply_password",
    ),
)
async def claim_recovered(stage: Stage) -> Take:
    """Everything that claimant and desk can do on the good way, and what nobody hopes for on it."""
    owner = await stage.owner()
    made = await (await claims(stage)).until_kind("code_issued")
    await made.submit("no digits at all")
    await made.resend()
    await made.code()
    await made.tell(events.SendMessage("sam", "message-1"))
    await made.reply()
    await made.evidence(owner, owner.password)
    await made.evidence(owner, owner.password)
    await made.tell(events.Take("sam"))
    await made.tell(events.WriteNote("sam", "note-1"))
    await made.tell(events.Reveal("sam", "contact"))
    await made.tell(events.Release("sam"))
    await made.decide(Outcome.ASK, items=("explanation",))
    await made.until_kind("reminder_due")
    await made.reply()
    await made.decide(Outcome.ESCALATE)
    await made.decide(Outcome.APPROVE, "lee", plan=ALL)
    await made.decide(Outcome.DENY, "kim")
    await made.decide(Outcome.APPROVE, "lee", plan=ALL)
    await made.decide(Outcome.APPROVE, "kim")
    await made.until(State.PROBATION)
    await made.link()
    await made.password(lost=True)
    await made.until_kind("password_lost")
    await made.password()
    await made.until(State.RECOVERED)
    await stage.over(made.workflow)
    return over(made)


@scenario("claim-approved-by-one", end="recovered", shows=("activity begin_hand_back",))
async def claim_approved_by_one(stage: Stage) -> Take:
    """The proved contact is one of the account, and the rest fits: one person is enough, and no contact is replaced."""
    owner = await stage.owner()
    made = await claims(stage, contact=owner.email)
    await made.until_kind("code_issued")
    await made.code()
    await made.evidence(owner, owner.password)
    await made.decide(Outcome.APPROVE, plan=KEEP)
    await made.until(State.RECOVERED)
    return over(made)


@scenario("claim-asked-for-evidence", keeps=("", "contested"), shows=("activity scan_files",))
async def claim_asked_for_evidence(stage: Stage) -> tuple[Take, ...]:
    """Somebody who is asked gives more, with a file; before an approval and after an objection."""
    owner = await stage.owner()
    asked, contested = await in_state(stage, State.AWAITING_ANSWER), await in_state(stage, State.CONTESTED)
    await contested.decide(Outcome.ASK, "lee", items=("document",))
    for made in (asked, contested):
        await made.evidence(owner, owner.password, with_file=True)
        await made.until_kind("files_scanned")
    return open_still(asked), open_still(contested, "contested")


@scenario("claim-contested-and-not-approved", end="contested")
async def claim_contested_and_not_approved(stage: Stage) -> Take:
    """Somebody finds the objection unfounded, and nobody agrees in time."""
    made = await in_state(stage, State.CONTESTED, approval_within=SECOND * 3)
    await made.decide(Outcome.APPROVE, "lee", plan=ALL)
    await made.until_kind("approval_lapsed")
    return open_still(made)


@scenario("claim-proved-by-link", end="awaiting_evidence", shows=("update accepted use_link", "update accepted enter"))
async def claim_proved_by_link(stage: Stage) -> Take:
    made = await (await claims(stage)).until_kind("code_issued")
    await made.link()
    await made.tell(events.Enter("digest-of-another-browser"))
    return open_still(made)


@scenario("claim-code-runs-out", end="awaiting_contact_proof")
async def claim_code_runs_out(stage: Stage) -> Take:
    made = await claims(stage, policy=replace(BRIEF, code_lifetime=2 * SECOND))
    await made.until_kind("code_expired")
    await made.until_kind("cooldown_ended")
    return open_still(made)


@scenario("claim-link-again", end="probation", shows=("activity send_code",))
async def claim_link_again(stage: Stage) -> Take:
    """Another link to set the password; the time after the first one runs out."""
    made = await in_state(stage, State.COOLING_OFF, replace(LONG_PROBATION, proof_window=SECOND))
    await made.until(State.PROBATION)
    await made.link()
    await made.until_kind("proof_lapsed")
    await made.resend()
    await made.reply()
    await made.tell(events.SendMessage("kim", "message-2"))
    return open_still(made)


@scenario("claim-password-refused", end="probation", shows=("activity apply_password",))
async def claim_password_refused(stage: Stage) -> Take:
    """The account was banned in the meantime."""
    made = await in_state(stage, State.COOLING_OFF, LONG_PROBATION)
    await made.until(State.PROBATION)
    await made.link()
    account = (await made.case()).account
    async with stage.database.write() as session:
        await session.execute(update(AccountRow).where(col(AccountRow.ref) == account).values(standing="banned"))
    await made.password()
    await made.until_kind("password_refused")
    return open_still(made)


@scenario("claim-promises-missed", end="awaiting_review")
async def claim_promises_missed(stage: Stage) -> Take:
    """Late answers, a nudge, a lease and a second approval that run out."""
    hurried = replace(LONG_HOLD, first_answer_within=SECOND, decision_within=2 * SECOND, lease=SECOND)
    made = await in_state(stage, State.AWAITING_EVIDENCE, replace(hurried, approval_within=2 * SECOND))
    owner = await stage.owner()
    await made.evidence(owner)
    await made.tell(events.Take("sam"))
    await made.until_kind("lease_expired")
    await made.until_kind("promise_missed")
    await made.decide(Outcome.APPROVE, plan=ALL)
    await made.until_kind("approval_lapsed")
    return open_still(made)


@scenario("claim-nudged", end="awaiting_review", shows=("update accepted nudge",))
async def claim_nudged(stage: Stage) -> Take:
    made = await in_state(stage, State.AWAITING_REVIEW, first_answer_within=SECOND)
    await made.until_kind("promise_missed")
    await made.tell(events.Nudge(made.by))
    return open_still(made)


@scenario("claim-taken-up-again", end="expired", shows=("update accepted reopen", "update accepted reopen"))
async def claim_taken_up_again(stage: Stage) -> Take:
    brief = replace(BRIEF, claim_wait=2 * SECOND, reminders=(SECOND,), reopen_within=3 * SECOND)
    made = await in_state(stage, State.AWAITING_EVIDENCE, brief)
    await made.until(State.EXPIRED)
    await made.tell(events.Reopen(made.by))
    await made.evidence(await stage.owner())
    await made.decide(Outcome.ASK, items=("document",))
    await made.until(State.EXPIRED)
    await made.tell(events.Reopen(made.by))
    await made.decide(Outcome.ASK, items=("document",))
    return over(made)


@scenario("claim-denied", end="denied")
async def claim_denied(stage: Stage) -> Take:
    made = await in_state(stage, State.AWAITING_REVIEW)
    await made.decide(Outcome.DENY)
    return over(made)


@scenario("claim-for-nobody", end="denied", shows=("activity weigh_evidence",))
async def claim_for_nobody(stage: Stage) -> Take:
    """A claim that names no account goes the same way."""
    made = await in_state(stage, State.AWAITING_EVIDENCE)
    await made.evidence()
    await made.decide(Outcome.DENY, reason="no_such_account")
    return over(made)


# ---- the freeze -----------------------------------------------------------------------------------------------


@scenario("claim-freezes-and-keeps", end="withdrawn", shows=("activity freeze_account", "activity freeze_account"))
async def claim_freezes_and_keeps(stage: Stage) -> Take:
    owner = await stage.owner()
    made = await claims(stage, Reason.COMPROMISED, contact=owner.email)
    await made.until_kind("code_issued")
    await made.code()
    await made.until_kind("account_frozen")
    await made.decide(Outcome.KEEP_FREEZE)
    await made.until_true(lambda case: case.needs_freeze and case.freeze == "on", "the freeze to be kept")
    await made.tell(events.Withdraw(made.by))
    return over(made)


@scenario("claim-freeze-lifted", end="awaiting_review", shows=("activity end_freeze",))
async def claim_freeze_lifted(stage: Stage) -> Take:
    owner = await stage.owner()
    made = await claims(stage, Reason.COMPROMISED, contact=owner.email)
    await made.until_kind("code_issued")
    await made.code()
    await made.until_kind("account_frozen")
    await made.evidence(owner)
    await made.decide(Outcome.LIFT_FREEZE)
    await made.until_kind("freeze_ended")
    return open_still(made)


# ---- objections -----------------------------------------------------------------------------------------------


@scenario("claim-stopped-by-its-owner", end="stopped", shows=("signal owner_objected", "activity freeze_account"))
async def claim_stopped_by_its_owner(stage: Stage) -> Take:
    made = await in_state(stage, State.CONTESTED)
    await made.tell(events.Take("lee"))
    await made.tell(events.SendMessage("lee", "message-3"))
    await made.reply()
    await made.decide(Outcome.STOP, "lee")
    return over(made)


@scenario("claim-objection-unfounded", end="recovered")
async def claim_objection_unfounded(stage: Stage) -> Take:
    """Asked, answered, approved by two others, held and handed back; then stopped once more, and kept."""
    made = await in_state(stage, State.CONTESTED, replace(BRIEF, hold_all_replaced=4 * SECOND))
    await made.decide(Outcome.ASK, "lee", items=("explanation",))
    await made.reply()
    await made.decide(Outcome.APPROVE, "lee", plan=ALL)
    await made.decide(Outcome.APPROVE, "kim")
    await made.until(State.PROBATION)
    await made.object()
    await made.until(State.CONTESTED)
    await hire(stage, "gus", Role.LEAD)
    await made.decide(Outcome.APPROVE, "gus", plan=KEEP)
    await made.decide(Outcome.APPROVE, "lee")
    await made.until(State.RECOVERED)
    return over(made)


@scenario("claim-undone", end="undone", shows=("signal owner_objected", "activity take_step", "activity take_step"))
async def claim_undone(stage: Stage) -> Take:
    made = await in_state(stage, State.COOLING_OFF, LONG_PROBATION)
    await made.until(State.PROBATION)
    await made.object()
    await made.until_kind("account_frozen")
    await made.decide(Outcome.UNDO, "lee")
    return over(made)


@scenario("claim-given-up", end="stopped")
async def claim_given_up(stage: Stage) -> Take:
    made = await in_state(stage, State.CONTESTED, contest_wait=2 * SECOND)
    return over(made)


@scenario("claim-given-up-when-asked", keeps=("stopped", "undone"))
async def claim_given_up_when_asked(stage: Stage) -> tuple[Take, ...]:
    held = await in_state(stage, State.CONTESTED, claim_wait=4 * SECOND)
    await held.decide(Outcome.ASK, "lee", items=("explanation",))
    late = await in_state(stage, State.COOLING_OFF, replace(LONG_PROBATION, claim_wait=6 * SECOND))
    await late.until(State.PROBATION)
    await late.object()
    await late.until(State.CONTESTED)
    await late.decide(Outcome.ASK, "lee", items=("explanation",))
    return over(held, "stopped"), over(late, "undone")


@scenario("claim-objection-noted", end="cooling_off")
async def claim_objection_noted(stage: Stage) -> Take:
    """By a contact that is younger than the dispute."""
    made = await in_state(stage, State.COOLING_OFF)
    await made.object(may_object=False)
    await made.until_kind("objection_noted")
    return open_still(made)


@scenario("claim-objected-before-the-second-approval", end="contested")
async def claim_objected_before_the_second_approval(stage: Stage) -> Take:
    made = await in_state(stage, State.AWAITING_SECOND_APPROVAL)
    await made.object()
    await made.until(State.CONTESTED)
    await made.decide(Outcome.APPROVE, "kim", plan=ALL)
    await made.decide(Outcome.DENY, "lee")
    return open_still(made)


@scenario("claim-objected-at-the-last-moment", end="contested", shows=("activity begin_hand_back",))
async def claim_objected_at_the_last_moment(stage: Stage) -> Take:
    """The row is there, the signal never came: the last look before the effect finds it."""
    made = await in_state(stage, State.COOLING_OFF, replace(BRIEF, hold_all_replaced=4 * SECOND))
    await made.objection_row()
    await made.until(State.CONTESTED)
    return open_still(made)


@scenario("claim-contested-denied", end="denied")
async def claim_contested_denied(stage: Stage) -> Take:
    made = await in_state(stage, State.CONTESTED)
    await made.decide(Outcome.DENY, "lee")
    return over(made)


# ---- refusals -------------------------------------------------------------------------------------------------


@scenario("claim-decisions-refused", end="awaiting_second_approval")
async def claim_decisions_refused(stage: Stage) -> Take:
    """Every doubt, one after the other."""
    made = await in_state(stage, State.AWAITING_REVIEW)
    for outcome, agent, more in (
        ("marry", "sam", {}),
        (Outcome.DENY, "sam", {"reason": "because"}),
        (Outcome.UNDO, "sam", {}),
        (Outcome.ASK, "sam", {}),
        (Outcome.APPROVE, "sam", {"plan": "c0"}),
        (Outcome.DENY, "ina", {}),
    ):
        await made.decide(outcome, agent, **more)
    stale = await made.signed(Outcome.DENY)
    await made.reply()
    await made.send(stale)
    await made.send(replace(await made.signed(Outcome.DENY), proof="forged:0"))
    nameless = await made.signed(Outcome.DENY, text="message-of-nobody")
    await made.send(nameless)
    await hire(stage, "ivo", Role.AGENT, own=(await made.case()).account)
    await made.decide(Outcome.DENY, "ivo")
    await made.decide(Outcome.APPROVE, "kim", plan=ALL)
    await made.decide(Outcome.APPROVE, "kim")
    await made.decide(Outcome.APPROVE, "sam")
    return open_still(made)


# ---- the ends that people and clocks bring, from every state --------------------------------------------------


def withdrawn(state: State) -> Story:
    async def story(stage: Stage) -> Take:
        made = await in_state(stage, state)
        await made.tell(events.Withdraw(made.by))
        return over(made)

    return story


def stopped(state: State) -> Story:
    async def story(stage: Stage) -> Take:
        made = await in_state(stage, state)
        await made.decide(Outcome.STOP, "lee")
        return over(made)

    return story


BEFORE = (
    State.AWAITING_EVIDENCE,
    State.AWAITING_REVIEW,
    State.AWAITING_ANSWER,
    State.AWAITING_SECOND_APPROVAL,
    State.COOLING_OFF,
)
SCENARIOS += [
    Scenario(f"claim-withdrawn-{state.value}", withdrawn(state), end="withdrawn")
    for state in (State.AWAITING_CONTACT_PROOF, *BEFORE, State.CONTESTED)
]
SCENARIOS += [Scenario(f"claim-stopped-{state.value}", stopped(state), end="stopped") for state in BEFORE]


@scenario("claim-never-proved", end="expired")
async def claim_never_proved(stage: Stage) -> Take:
    return over(await claims(stage, policy=replace(BRIEF, claim_wait=3 * SECOND)))


@scenario("way-back", part=Part.ALONE, shows=("activity send_way_back",))
async def way_back(stage: Stage) -> Take:
    """Somebody asks for the way back to a case; a worker looks whether there is one."""
    made = await in_state(stage, State.AWAITING_EVIDENCE)
    asked = Asked(made.reference, identify_contact(f"{MARK}.elsewhere@example.org", "GB"))
    name = finding.request_id(stage.rings, "browser", f"form-{next(NUMBERS)}", asked)
    async with stage.database.write() as session:
        await finding.ask(session, stage.rings, name, asked)
    await stage.gateway.find(name)
    return Take(f"find/{name}")
