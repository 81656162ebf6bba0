"""One claim, and what claimant, desk and owner do in it, for recording histories. As `Attempt` in `stage.py`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowHandle

from domain import claim_events as events
from domain.case import Answer, Kind, workflow_id
from domain.claim import Claim, Reason, State
from domain.decisions import ALL, Decision, Outcome, reasons
from domain.policy import Policy
from storage import codes, files, intake, intake_claim, reads, vault
from storage.engine import database_time
from storage.identifiers import identify_contact
from storage.intake import Browser
from storage.models import ReceivedRow
from storage.uploads import Upload
from tests.replay.stage import MARK, NUMBERS, QUICK, SECOND, Owner, Stage

BRIEF = replace(
    QUICK,
    claim_wait=timedelta(minutes=5),
    reminders=(SECOND,),
    hold_contact_kept=2 * SECOND,
    hold_one_replaced=2 * SECOND,
    hold_all_replaced=2 * SECOND,
    hold_unknown_device=timedelta(0),
    probation=4 * SECOND,
    probation_all_replaced=4 * SECOND,
    freeze_interval=SECOND,
)
"""Holds and probations of seconds; nothing else of a claim comes to its end while it is recorded."""
LONG_HOLD = replace(BRIEF, hold_one_replaced=timedelta(minutes=5), hold_all_replaced=timedelta(minutes=5))
LONG_PROBATION = replace(BRIEF, probation=timedelta(minutes=5), probation_all_replaced=timedelta(minutes=5))


PICTURE = b"\x89PNG: pixels that nobody looks at"


class Claimant:
    """`by` is the digest of the browser that acts."""

    def __init__(self, stage: Stage, reference: str, secret: str = "") -> None:
        self.stage, self.reference = stage, reference
        self.by = stage.rings.digest.digest("access", secret) if secret else ""

    @property
    def workflow(self) -> str:
        return workflow_id(Kind.CLAIM, self.reference)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.stage.client.get_workflow_handle(self.workflow)

    async def case(self) -> Claim:
        case = reads.case_of(await self.stage.row(self.reference))
        assert isinstance(case, Claim)
        return case

    async def until(self, *states: State) -> "Claimant":
        return await self.until_true(lambda case: case.state in states, " or ".join(states))

    async def until_true(self, holds: Callable[[Claim], object], what: str) -> "Claimant":
        async def there() -> bool:
            return bool(holds(await self.case()))

        await self.stage.until(there, f"{self.reference}: {what}")
        return self

    async def until_kind(self, kind: str) -> "Claimant":
        """Wait until this has happened."""

        async def there() -> bool:
            async with self.stage.database.read() as session:
                return kind in {row.kind for row in await reads.event_rows(session, self.reference)}

        await self.stage.until(there, f"{self.reference}: {kind}")
        return self

    async def tell(self, command: Any) -> Answer:
        form = f"update-{next(NUMBERS)}"
        return await self.stage.gateway.tell(self.reference, command, update_id=form, kind=Kind.CLAIM)

    # ---- the claimant

    async def contact(self) -> Answer:
        """Where somebody can be reached whose claim an objection opened."""
        identifier = identify_contact(f"{MARK}.{next(NUMBERS)}@example.org", "GB")
        token, policy = f"contact-{next(NUMBERS)}-{self.reference}", (await self.case()).policy
        async with self.stage.database.write() as session:
            to = await intake.add_contact(
                session, self.stage.rings, self.reference, identifier, Browser("any"), token=token, policy=policy
            )
        return await self.tell(events.GiveContact(self.by, to))

    async def code(self) -> Answer:
        case = await self.case()
        assert case.issue
        key = case.issue.keys.partition("/")[0]
        rings, number = self.stage.rings, case.issue.number
        return await self.submit(codes.code(rings, self.reference, number, case.policy.code_digits, key=key))

    async def submit(self, typed: str) -> Answer:
        case = await self.case()
        assert case.issue
        digest = intake.typed_code(self.stage.rings, case, case.issue.number, typed)
        return await self.tell(events.SubmitCode(self.by, case.issue.number, digest))

    async def link(self) -> Answer:
        """The link of the newest message, posted by another browser, which goes on from here."""
        case = await self.case()
        assert case.issue
        rings, browser = self.stage.rings, Browser(f"browser-{next(NUMBERS)}")
        token = codes.link(rings, self.reference, case.issue.number, key=case.issue.keys.partition("/")[0])
        async with self.stage.database.write() as session:
            _, by = await intake.browser_for_link(session, rings, self.reference, browser, key=f"form-{next(NUMBERS)}")
        answer = await self.tell(events.UseLink(by, intake.link_token(rings, case, token)))
        self.by = by
        return answer

    async def resend(self) -> Answer:
        await self.until_true(lambda case: case.proof.resend_open, "the cooldown to end")
        return await self.tell(events.ResendCode(self.by))

    async def evidence(self, owner: Owner | None = None, password: str = "", *, with_file: bool = False) -> Answer:
        """What somebody knows about this owner's account; without one it names nobody."""
        texts = {"username": owner.username, "email": owner.email} if owner else {"username": f"{MARK}nobody"}
        evidence, rings = intake_claim.next_evidence(await self.case()), self.stage.rings
        typed = {(intake_claim.PASSWORD_PURPOSE, "password_1"): password or f"{MARK}-guess"}
        async with self.stage.database.write() as session:
            await intake_claim.save_evidence(session, rings, self.reference, evidence, texts)
            await intake_claim.save_secrets(session, rings, self.reference, evidence, typed)
            names = await intake_claim.secrets_of(session, self.reference, evidence)
            kept = [Upload("image/png", PICTURE)] if with_file else []
            count = await files.keep(session, rings, self.reference, kept)
        secrets = tuple(name for found in names.values() for name in found)
        return await self.tell(events.GiveEvidence(self.by, evidence, secrets, count))

    async def reply(self) -> Answer:
        return await self.tell(events.Reply(self.by, f"message-{next(NUMBERS)}"))

    async def password(self, *, lost: bool = False) -> Answer:
        token, secret = f"{next(NUMBERS)}-{self.reference}", f"{MARK} new password {next(NUMBERS)}"
        async with self.stage.database.write() as session:
            name = await intake.seal_secret(session, self.stage.rings, self.reference, "password", secret, token=token)
            if lost:
                await vault.drop(session, name)
        return await self.tell(events.SetPassword(self.by, name))

    # ---- the desk

    async def decide(self, outcome: str, agent: str = "sam", **options: Any) -> Decision:
        """An agent decides, as the desk sends it; back once the claim has answered."""
        decision = await self.signed(outcome, agent, **options)
        await self.send(decision)
        return decision

    async def signed(
        self,
        outcome: str,
        agent: str = "sam",
        *,
        plan: str = "",
        items: tuple[str, ...] = (),
        reason: str = "",
        text: str = "",
    ) -> Decision:
        case = await self.case()
        usual = reasons(Kind.CLAIM, Outcome(outcome))[:1] if outcome in set(Outcome) else ()
        async with self.stage.database.write() as session:
            return await intake.receive_decision(
                session,
                self.stage.rings,
                reference=self.reference,
                version=case.version,
                outcome=outcome,
                reason=reason or (usual[0] if usual else ""),
                agent=agent,
                key=f"form-{next(NUMBERS)}",
                items=items,
                plan=plan,
                text=text,
            )

    async def send(self, decision: Decision) -> None:
        before = (await self.case()).number
        await self.stage.gateway.decide(decision, kind=Kind.CLAIM)
        await self.until_true(lambda case: case.number > before, "an answer to a decision")

    async def approved(self, plan: str = ALL) -> "Claimant":
        """By sam, and by kim: what these people know is never enough for one."""
        await self.decide(Outcome.APPROVE, plan=plan)
        await self.until(State.AWAITING_SECOND_APPROVAL)
        await self.decide(Outcome.APPROVE, "kim")
        return self

    # ---- owners

    async def object(self, *, may_object: bool = True) -> None:
        """An owner presses "stop this": the row, and the signal."""
        name = await self.objection_row(may_object=may_object)
        await self.stage.gateway.object(self.reference, name, kind=Kind.CLAIM)

    async def objection_row(self, *, may_object: bool = True) -> str:
        """What the web writes down before it tells the claim."""
        name = f"objection/recorded-{next(NUMBERS)}"
        async with self.stage.database.write() as session:
            session.add(
                ReceivedRow(
                    id=name,
                    case_ref=self.reference,
                    kind="objection",
                    received_at=await database_time(session),
                    data={"may_object": may_object},
                )
            )
        return name


async def claims(stage: Stage, reason: Reason = Reason.CONTACT, policy: Policy = BRIEF, contact: str = "") -> Claimant:
    """Somebody makes a claim through the first form."""
    identifier = identify_contact(contact or f"{MARK}.{next(NUMBERS)}@example.org", "GB")
    told = intake_claim.Told(reason, identifier, {"what": f"{MARK} words"})
    async with stage.database.write() as session:
        opened = await intake_claim.open_claim(
            session,
            stage.rings,
            told,
            Browser(f"browser-{next(NUMBERS)}"),
            key=f"form-{next(NUMBERS)}",
            policy=policy,
            starts_per_network=100_000,
        )
    await stage.start(opened.case)
    return Claimant(stage, opened.reference, opened.secret)


async def in_state(stage: Stage, state: State, policy: Policy = LONG_HOLD, **promises: Any) -> Claimant:
    """A claim that has just come to this state, under a policy with these promises."""
    policy = replace(policy, **promises)
    owner = await stage.owner()
    made = await (await claims(stage, policy=policy)).until_kind("code_issued")
    if state is State.AWAITING_CONTACT_PROOF:
        return made
    await made.code()
    if state is State.AWAITING_EVIDENCE:
        return await made.until(state)
    await made.evidence(owner)
    match state:
        case State.AWAITING_ANSWER:
            await made.decide(Outcome.ASK, items=("explanation",))
        case State.AWAITING_SECOND_APPROVAL:
            await made.decide(Outcome.APPROVE, plan=ALL)
        case State.COOLING_OFF | State.CONTESTED | State.PROBATION:
            await made.approved()
    if state is State.CONTESTED:
        await made.until(State.COOLING_OFF)
        await made.object()
        await made.until_true(lambda case: case.frozen_at, "the freeze")
    return await made.until(state)
