"""The web without Temporal: a gateway that plays the workflow by the same rules, and browsers that press buttons."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from httpx2 import ASGITransport, AsyncClient, Response

from activities.accounts.claims import SqlClaims
from activities.accounts.sql import SqlAccounts
from activities.codes import DerivedCodes
from activities.contract import (
    CodeWanted,
    ContactLook,
    EvidenceToWeigh,
    Freeze,
    HandBack,
    Look,
    NewPassword,
    Proof,
    Purpose,
)
from activities.decisions import ProvedDecisions
from domain import claim, claim_commands, claim_deadlines, claim_decisions, claim_events, evidence, recovery
from domain.case import Answer, Kind, parse_reference
from domain.claim import Claim
from domain.decisions import Decision, Outcome, Reason, Verdict, reasons
from domain.recovery import Command, Recovery, State
from storage import codes, writes
from storage.directory import HASHER, fits
from storage.engine import Database
from storage.keys import Rings
from web.gateway import CaseIsClosed


def _purpose(case: Claim) -> Purpose:
    return "hand_back" if case.begun_at else "contact"


HOME = "http://localhost:8000"


class HashHere:
    """Stands for the process pool of the worker."""

    async def hash(self, password: str) -> str:
        return HASHER.hash(password)

    async def fits_any(self, hashes: Sequence[str | None], password: str) -> bool:
        return any(fits(hashed, password) for hashed in hashes if hashed)


class FakeGateway:
    """Answers like `web.gateway.Gateway`, without a server. `trouble` is raised instead of an answer.

    `later` shifts the clock of the workflow: -90 s makes a code that was sent a minute and a half ago.
    """

    def __init__(self, database: Database, rings: Rings) -> None:
        self._database, self._rings = database, rings
        self.trouble: Exception | None = None
        self.later = timedelta(0)
        self.cases: dict[str, Recovery | Claim] = {}
        self.told: list[tuple[str, str]] = []
        self.decided: list[Decision] = []
        self.objected: list[tuple[str, str]] = []
        self.found: list[str] = []
        self._answers: dict[str, Answer] = {}
        self._turn = asyncio.Lock()
        self._codes = DerivedCodes(database, rings, sender=None)  # type: ignore[arg-type] # nothing is sent
        self._accounts = SqlAccounts(database, rings, HashHere())  # type: ignore[arg-type]
        self._claims = SqlClaims(database, rings, HashHere())  # type: ignore[arg-type]
        self.at_work = True
        """False: claims stop before each effect, as if the account system were away."""

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.later

    def _at_hand(self) -> None:
        if self.trouble:
            raise self.trouble

    async def start(self, case: Recovery | Claim) -> None:
        self._at_hand()
        self.cases[case.reference] = case
        opened: Any = claim_events.CaseOpened if isinstance(case, Claim) else recovery.CaseOpened
        await self.happen(case.reference, opened(self._now()))

    async def tell(
        self, reference: str, command: Command | claim_events.Command, *, update_id: str, kind: str = Kind.RECOVERY
    ) -> Answer:
        self._at_hand()
        self.told.append((reference, update_id))
        assert self.cases[reference].kind == kind
        async with self._turn:
            if update_id not in self._answers:
                self._answers[update_id] = await self._told(reference, command)
        return self._answers[update_id]

    async def _told(self, reference: str, command: Any) -> Answer:
        case = self.cases[reference]
        if isinstance(case, Claim):
            if case.is_over:
                raise CaseIsClosed(reference)
            await self.clock(reference, timedelta(0))
            event: Any = claim_commands.decide(self._claim(reference), command, self._now())
            event = await self._claim_checked(reference, event, command)
            await self.happen(reference, event)
            return claim.answer(self._claim(reference), event)
        event = recovery.decide(self._recovery(reference), command, self._now())
        event = await self._checked(reference, event, command)
        await self.happen(reference, event)
        return recovery.answer(self._recovery(reference), event)

    async def decide(self, decision: Decision, *, kind: str = Kind.RECOVERY) -> None:
        self.decided.append(decision)
        self._at_hand()

    async def object(self, reference: str, received: str, *, kind: str = Kind.RECOVERY) -> None:
        self.objected.append((reference, received))
        self._at_hand()
        assert reference not in self.cases or self.cases[reference].kind == kind

    async def find(self, request: str) -> None:
        self.found.append(request)
        self._at_hand()

    async def is_reachable(self) -> bool:
        return self.trouble is None

    def _recovery(self, reference: str) -> Recovery:
        case = self.cases[reference]
        assert isinstance(case, Recovery)
        return case

    def _claim(self, reference: str) -> Claim:
        case = self.cases[reference]
        assert isinstance(case, Claim)
        return case

    async def happen(self, reference: str, event: Any) -> None:
        """Record the event, then whatever follows from the state, as the loop of the workflow does."""
        case = self.cases[reference]
        async with self._database.write() as session:
            await writes.record(session, self._rings.audit, reference, case.number, (event,))
        applied: Any = claim.apply if isinstance(case, Claim) else recovery.apply
        self.cases[reference] = applied(case, event)
        await self._follow(reference)

    async def _follow(self, reference: str) -> None:
        case = self.cases[reference]
        if isinstance(case, Claim):
            await self._follow_claim(reference, case)
        elif case.wanted and not case.is_closed:
            made = await self._codes.issue_code(CodeWanted(reference, case.issues + 1, case.wanted, case.policy))
            await self.happen(
                reference,
                recovery.CodeIssued(
                    self._now(), case.issues + 1, made.accounts, made.keys, made.digest, made.link_digest
                ),
            )
        elif case.state is State.APPLYING_PASSWORD and case.opened_at:
            new = NewPassword(reference, case.account, case.secret, case.opened_at)
            result = await self._accounts.apply_password(new)
            assert result.result == "applied", result
            await self.happen(reference, recovery.PasswordApplied(self._now(), result.sessions))

    async def _follow_claim(self, reference: str, case: Claim) -> None:
        if case.proof.wanted and not case.is_closed:
            wanted = CodeWanted(reference, case.proof.issues + 1, case.proof.wanted, case.policy, _purpose(case))
            made = await self._codes.issue_code(wanted)
            issued = claim_events.CodeIssued(self._now(), wanted.issue, (), made.keys, made.digest, made.link_digest)
            await self.happen(reference, issued)
        elif self.at_work and (event := await self._effect(case)):
            await self.happen(reference, event)

    async def _effect(self, case: Claim) -> Any:
        """What the state demands of the account system, as `workflows.claim_effects` asks for it."""
        contact = case.contact.contact if case.contact else ""
        step = case.to_do[0] if case.to_do else None
        until = self._now() + claim.probation_length(case)
        about = HandBack(case.reference, case.account, contact, case.plan, case.policy, step, until)
        needed = case.contested_in is not None
        freeze = Freeze(case.reference, case.account, case.objection, case.policy, needed=needed)
        if case.freeze is claim.Freeze.WANTED:
            frozen = await self._accounts.freeze_account(freeze)
            done = claim_events.AccountFrozen(self._now(), frozen.sessions)
            return done if frozen.frozen else claim_events.FreezeWithheld(self._now())
        if case.freeze is claim.Freeze.ENDING:
            await self._accounts.end_freeze(freeze)
            return claim_events.FreezeEnded(self._now())
        if case.files_waiting:
            return claim_events.FilesScanned(self._now(), case.files_waiting, 0)
        if case.state is claim.State.HANDING_BACK and case.begun_at is None:
            begun = await self._claims.begin_hand_back(about)
            assert begun.begun, "an objection came first"
            return claim_events.HandBackBegun(self._now())
        if step and step is not claim_events.Step.SEND_LINK:
            taken = await self._claims.take_step(about)
            return claim_events.StepDone(self._now(), step, taken.result, taken.count)
        if case.secret and case.begun_at:
            new = NewPassword(case.reference, case.account, case.secret, case.begun_at)
            result = await self._accounts.apply_password(new)
            assert result.result == "applied", result
            return claim_events.PasswordApplied(self._now(), result.sessions)
        return None

    async def _claim_checked(self, reference: str, event: Any, command: Any) -> Any:
        case = self._claim(reference)
        if isinstance(event, claim_events.ContactProved) and case.issue:
            look = ContactLook(reference, case.issue.to.contact, case.policy)
            return replace(event, sight=await self._claims.look_at_contact(look))
        if isinstance(command, claim_events.GiveEvidence):
            contact = case.contact.contact if case.contact else ""
            weighed = await self._claims.weigh_evidence(
                EvidenceToWeigh(
                    reference,
                    case.account,
                    contact,
                    command.evidence,
                    command.secrets,
                    command.files,
                    case.policy,
                )
            )
            score = evidence.score(weighed.facts)
            return replace(event, survey=weighed.survey, facts=weighed.facts, score=score)
        return event

    async def _checked(self, reference: str, event: Any, command: Command) -> Any:
        case = self._recovery(reference)
        if isinstance(event, recovery.CodeAccepted):
            sights = await self._accounts.look_at_accounts(Look(reference, case.accounts))
            return replace(event, sight=sights[0]) if len(sights) == 1 else event
        if isinstance(event, recovery.AccountChosen):
            (sight,) = await self._accounts.look_at_accounts(Look(reference, (event.sight.account,)))
            return replace(event, sight=sight)
        if isinstance(command, recovery.SubmitSecondProof):
            fits = await self._accounts.check_recovery_code(
                Proof(reference, case.account, command.secret, case.policy.tries_per_account)
            )
            return recovery.SecondProofAccepted(event.at) if fits else event
        return event

    async def hear_decision(self) -> None:
        """The worker is back: the newest decision reaches the case."""
        decision = self.decided[-1]
        case = self.cases[decision.case]
        if isinstance(case, Claim):
            verdict = await ProvedDecisions(self._database, self._rings).check_decision(decision)
            await self.happen(decision.case, claim_decisions.judge(case, decision, verdict, self._now()))
            return
        await self.happen(decision.case, recovery.judge(case, decision, Verdict(decision.at), self._now()))

    async def clock(self, reference: str, by: timedelta) -> None:
        """Let the clock bring what is due by then."""
        self.later += by
        while event := self._due(reference):
            await self.happen(reference, event)

    def _due(self, reference: str) -> Any:
        case = self.cases[reference]
        if isinstance(case, Claim):
            return claim_deadlines.due(case, self._now())
        return recovery.due(case, self._now())

    async def judged(
        self, reference: str, outcome: Outcome, *, by: str = "sam", reason: Reason | None = None, **more: Any
    ) -> None:
        """An agent decides, and the case takes it."""
        case = self._claim(reference)
        why = reason or reasons(Kind.CLAIM, outcome)[0]
        name = f"decision/{len(self.told)}-{case.number}"
        event = claim_events.DecisionRecorded(self._now(), name, outcome, why, by, self._now(), **more)
        await self.happen(reference, event)

    def code(self, reference: str) -> str:
        """What stands in the newest message."""
        issue = self._issue(reference)
        return codes.code(self._rings, reference, issue.number, 6, key=issue.keys.partition("/")[0])

    def link(self, reference: str) -> str:
        issue = self._issue(reference)
        token = codes.link(self._rings, reference, issue.number, key=issue.keys.partition("/")[0])
        return f"/link/{reference}.{token}"

    def _issue(self, reference: str) -> recovery.Issue:
        issue = self.cases[reference].issue
        assert issue
        return issue


@dataclass
class Browser:
    """One browser: keeps cookies, and fills the hidden fields of the form that it saw last."""

    client: AsyncClient
    page: str = ""
    address: str = ""

    async def get(self, address: str, **headers: str) -> Response:
        answer = await self.client.get(address, headers=headers)
        self._look(answer)
        return answer

    async def post(
        self, address: str, *, follow: bool = True, files: Sequence[tuple[str, bytes]] = (), **fields: str
    ) -> Response:
        """Press the button of the form that goes to `address`, on the page seen last; `files`: name and content."""
        sent = {**hidden(self.page, address), **fields}
        parts = [("files", (name, content, "application/octet-stream")) for name, content in files]
        answer = await self.client.post(address, data=sent, files=parts or None)
        if follow and answer.status_code == 303:
            return await self.get(answer.headers["Location"])
        self._look(answer)
        return answer

    def _look(self, answer: Response) -> None:
        if "text/html" in answer.headers.get("Content-Type", ""):
            self.page, self.address = answer.text, answer.url.path

    @property
    def title(self) -> str:
        found = re.search(r"<title>(.*?)</title>", self.page, re.DOTALL)
        return unescape(found[1]).partition(" – ")[0].strip() if found else ""

    @property
    def said(self) -> str:
        """The main part as text, in one line."""
        main = re.search(r"<main.*?</main>", self.page, re.DOTALL)
        text = re.sub(r"<[^>]+>", " ", main[0] if main else "")
        return " ".join(unescape(text).split())

    @property
    def reference(self) -> str:
        found = re.search(r"/case/([0-9A-Z-]+)", self.address)
        return parse_reference(found[1]) or "" if found else ""

    async def ask(self, identifier: str) -> str:
        """Start a recovery; the reference."""
        await self.get("/")
        await self.post("/recover", identifier=identifier)
        return self.reference


def hidden(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with this action; a key of its own if there is none on the page."""
    for form in re.findall(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", page, re.DOTALL):
        if unescape(form[0]) == action:
            pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[1])
            return {name: unescape(value) for name, value in pairs}
    return {}


def browser(app: Any, *, agent: str = "", address: str = "203.0.113.7") -> Browser:
    transport = ASGITransport(app, raise_app_exceptions=False, client=(address, 4711))
    headers = {"User-Agent": agent or "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    return Browser(AsyncClient(transport=transport, base_url=HOME, headers=headers))
