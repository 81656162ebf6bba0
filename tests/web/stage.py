"""The web without Temporal: a gateway that plays the workflow by the same rules, and browsers that press buttons."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from httpx2 import ASGITransport, AsyncClient, Response

from activities.accounts.sql import SqlAccounts
from activities.codes import DerivedCodes
from activities.contract import CodeWanted, Freeze, Look, NewPassword, Proof
from domain import claim, recovery
from domain.case import parse_reference
from domain.claim import Claim
from domain.decisions import Decision, Verdict
from domain.recovery import Answer, Command, Recovery, State
from storage import codes, writes
from storage.directory import HASHER
from storage.engine import Database
from storage.keys import Rings

HOME = "http://localhost:8000"


class HashHere:
    """Stands for the process pool of the worker."""

    async def hash(self, password: str) -> str:
        return HASHER.hash(password)


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
        self._answers: dict[str, Answer] = {}
        self._codes = DerivedCodes(database, rings, sender=None)  # type: ignore[arg-type] # nothing is sent
        self._accounts = SqlAccounts(database, rings, HashHere())  # type: ignore[arg-type]

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.later

    def _at_hand(self) -> None:
        if self.trouble:
            raise self.trouble

    async def start(self, case: Recovery | Claim) -> None:
        self._at_hand()
        self.cases[case.reference] = case
        opened: Any = claim.CaseOpened if isinstance(case, Claim) else recovery.CaseOpened
        await self.happen(case.reference, opened(self._now()))

    async def tell(self, reference: str, command: Command, *, update_id: str) -> Answer:
        self._at_hand()
        self.told.append((reference, update_id))
        if update_id not in self._answers:
            event = recovery.decide(self._recovery(reference), command, self._now())
            event = await self._checked(reference, event, command)
            await self.happen(reference, event)
            self._answers[update_id] = recovery.answer(self._recovery(reference), event)
        return self._answers[update_id]

    async def decide(self, decision: Decision) -> None:
        self.decided.append(decision)
        self._at_hand()

    async def object(self, reference: str, received: str) -> None:
        self.objected.append((reference, received))
        self._at_hand()

    async def is_reachable(self) -> bool:
        return self.trouble is None

    def _recovery(self, reference: str) -> Recovery:
        case = self.cases[reference]
        assert isinstance(case, Recovery)
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
            if case.awaits_freeze:
                freeze = Freeze(case.reference, case.account, case.objection, case.policy)
                frozen = await self._accounts.freeze_account(freeze)
                await self.happen(reference, claim.AccountFrozen(self._now(), frozen.sessions))
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
        verdict = Verdict(decision.at)
        await self.happen(decision.case, recovery.judge(self._recovery(decision.case), decision, verdict, self._now()))

    async def clock(self, reference: str, by: timedelta) -> None:
        """Let the clock bring what is due by then."""
        self.later += by
        while event := recovery.due(self._recovery(reference), self._now()):
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
        issue = self._recovery(reference).issue
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

    async def post(self, address: str, *, follow: bool = True, **fields: str) -> Response:
        """Press the button of the form that goes to `address`, on the page seen last."""
        sent = {**hidden(self.page, address), **fields}
        answer = await self.client.post(address, data=sent)
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
