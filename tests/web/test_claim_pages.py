"""The pages of a claim, state by state: valid, honest, and nothing in them that is not the claimant's to read."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import claim_events
from domain.case import Audience, grouped
from domain.claim import Claim, State
from domain.claim_events import Step
from domain.clock import PauseReason
from domain.decisions import ALL, Item, Outcome, Reason
from storage import intake_desk
from storage.engine import Database
from storage.keys import Rings
from tests.web.claims import PAT, approved, handed_back, makes_claim, proves, sends
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from tests.web.test_after_the_proof import GOOD
from web import words
from web.claim.claim_view import TEMPLATES

DAY = timedelta(days=1)


def now() -> datetime:
    return datetime.now(UTC)


async def agent_writes(
    database: Database, rings: Rings, reference: str, text: str, audience: Audience = Audience.BOTH
) -> str:
    async with database.write() as session:
        return await intake_desk.write_text(
            session, rings, reference=reference, audience=audience, author="sam", text=text, token=text + reference
        )


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (TEMPLATES, State),
        (words.ITEMS_TO_CLAIMANT, Item),
        (words.STEPS_TO_CLAIMANT, Step),
        (words.PAUSES, PauseReason),
    ],
)
def test_a_table_knows_every_name_and_no_other(table: dict[str, object], names: type) -> None:
    assert set(table) == set(names)  # type: ignore[call-overload]


async def test_the_review_says_by_when_and_what_the_clock_did(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -timedelta(hours=30)
    reference = await sends(ada, gateway)
    await gateway.judged(reference, Outcome.ASK, items=("created",))
    gateway.later = -timedelta(hours=20)
    page = ada.address
    await ada.get(page)
    assert "stands still" in ada.page
    await ada.post(f"{page}/reply", message="March 2018")
    gateway.later = timedelta(0)
    await ada.get(page)
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    assert case.decision
    assert case.decision.due_at
    late = case.decision.due_at - case.decision.started_at - timedelta(hours=82)
    assert abs(late) < timedelta(minutes=1)
    for said in ("Stood still", "we waited for your answer", "20 hours of 3 days", "No case at the desk is due"):
        assert said in " ".join(ada.page.split())
    assert "The month in which the account was opened" in ada.said
    assert "Not given" in ada.said
    assert faults_of(ada.page) == []


async def test_what_was_asked_for_is_ticked_when_it_comes(ada: Browser, gateway: FakeGateway) -> None:
    reference = await sends(ada, gateway)
    page = ada.address
    await gateway.judged(reference, Outcome.ASK, items=("email", "passwords", "explanation"))
    await ada.get(f"{page}/evidence")
    await ada.post(f"{page}/evidence", email="old@example.com", password_1="nia-current-2025")
    await ada.post(f"{page}/evidence")
    await ada.get(page)
    assert ada.said.count("Received") == 2
    assert ada.said.count("We went on without it") == 1


async def test_a_missed_date_is_admitted_and_a_nudge_goes_to_a_lead(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -4 * DAY
    reference = await sends(ada, gateway)
    page = ada.address
    assert (await ada.post(f"{page}/nudge")).status_code == 409
    gateway.later = timedelta(0)
    await gateway.clock(reference, timedelta(0))
    await ada.get(page)
    assert "We promised a decision by" in ada.said
    assert "We did not keep that date" in ada.said
    await ada.post(f"{page}/nudge")
    assert ada.title == "A lead looks at your claim"
    assert "A lead has your claim already" in ada.said
    assert (await ada.post(f"{page}/nudge")).status_code == 409
    assert faults_of(ada.page) == []


async def test_what_the_desk_writes_for_itself_is_never_shown(
    ada: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await sends(ada, gateway)
    note = await agent_writes(database, rings, reference, "This looks odd to me", Audience.DESK)
    said = await agent_writes(database, rings, reference, "Thank you,\n<b>we look</b>")
    unsaid = await agent_writes(database, rings, reference, "A text that no event names")
    await gateway.happen(reference, claim_events.NoteWritten(now(), "sam", note))
    await gateway.happen(reference, claim_events.MessageSent(now(), "sam", said))
    await gateway.happen(reference, claim_events.Taken(now(), "sam", now() + DAY))
    await ada.get(ada.address)
    assert unsaid
    assert "Sam, Larkfield desk" in ada.said
    assert "Thank you,\n&lt;b&gt;we look&lt;/b&gt;" in ada.page
    for hidden in ("looks odd", "no event names", "score", "high-value"):
        assert hidden not in ada.page


async def test_the_words_of_a_proposal_are_said_once_it_is_agreed(
    ada: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await sends(ada, gateway)
    text = await agent_writes(database, rings, reference, "Welcome back")
    await gateway.judged(reference, Outcome.APPROVE, by="sam", plan=ALL, text=text)
    await ada.get(ada.address)
    assert ada.title == "A second person checks your claim"
    assert "Welcome back" not in ada.page
    assert "approved" not in ada.said.replace("If not approved", "").replace("If approved", "")
    await gateway.judged(reference, Outcome.APPROVE, by="kim", plan=ALL)
    await ada.get(ada.address)
    assert "Welcome back" in ada.said


async def test_words_of_a_proposal_that_was_refused_are_never_said(
    ada: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await sends(ada, gateway)
    text = await agent_writes(database, rings, reference, "Welcome back")
    why = await agent_writes(database, rings, reference, "Not so fast, colleague")
    await gateway.judged(reference, Outcome.APPROVE, by="sam", plan=ALL, text=text)
    await gateway.judged(reference, Outcome.DENY, by="kim", text=why)
    await ada.get(ada.address)
    assert ada.title == "Your claim is in review"
    assert "Welcome back" not in ada.page
    assert "Not so fast" not in ada.page
    assert "denied" not in ada.said


async def test_a_reply_is_shown_once_however_often_it_is_sent(ada: Browser, gateway: FakeGateway) -> None:
    await sends(ada, gateway)
    page = ada.address
    for _ in range(2):
        await ada.post(f"{page}/reply", message="It is me", key="the-same")
    assert ada.said.count("It is me") == 1


@pytest.mark.parametrize("message", ["", "   ", "\n"])
async def test_an_empty_reply_is_none(ada: Browser, gateway: FakeGateway, message: str) -> None:
    await sends(ada, gateway)
    assert (await ada.post(f"{ada.address}/reply", message=message)).status_code == 422
    assert "Write a message, or choose a file" in ada.said
    assert faults_of(ada.page) == []


async def test_a_reply_that_is_too_long_is_kept_in_its_field(ada: Browser, gateway: FakeGateway) -> None:
    await sends(ada, gateway)
    answer = await ada.post(f"{ada.address}/reply", message="abc " * 2000)
    assert answer.status_code == 422
    assert "abc abc" in ada.page


async def test_the_hand_back_is_shown_step_by_step(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -31 * DAY
    reference = await approved(ada, gateway, evidence=PAT)
    gateway.at_work = False
    await gateway.clock(reference, 31 * DAY)
    await gateway.happen(reference, claim_events.HandBackBegun(now()))
    await gateway.happen(reference, claim_events.StepDelayed(now(), Step.LIFT_FREEZE))
    await ada.get(ada.address)
    assert ada.title == "We hand the account back"
    assert "A step is delayed" in ada.said
    assert 'http-equiv="refresh"' in ada.page
    assert ada.said.index("We hand the account back") < ada.said.index("The contacts are put right")
    assert faults_of(ada.page) == []


async def test_the_link_can_be_sent_again_to_the_proved_contact_only(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -31 * DAY
    reference = await handed_back(ada, gateway, evidence=PAT)
    page = ada.address
    first = gateway.link(reference)
    assert (await ada.post(f"{page}/resend", contact="thief@example.net")).status_code == 429
    gateway.later = 5 * timedelta(minutes=1)
    await gateway.clock(reference, timedelta(0))
    await ada.post(f"{page}/resend", contact="thief@example.net", other="1")
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    assert case.issue
    assert case.issue.to == case.contact
    assert (await ada.client.post(first, data={})).status_code == 410
    gateway.later = timedelta(0)


async def test_the_window_for_the_password_ends(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -31 * DAY
    reference = await handed_back(ada, gateway, evidence=PAT)
    page = ada.address
    link = gateway.link(reference)
    await ada.get(link)
    await ada.post(link)
    for bad in ("", "short", "password1234"):
        assert (await ada.post(f"{page}/password", new_password=bad)).status_code == 422
        assert faults_of(ada.page) == []
    strength = await ada.client.post(f"{page}/password/strength", data={"new_password": GOOD})
    assert "Strength" in strength.text
    await gateway.clock(reference, timedelta(minutes=16))
    assert (await ada.post(f"{page}/password", new_password=GOOD)).status_code == 409
    gateway.later = timedelta(0)


async def test_an_objection_is_told_with_what_one_can_do(ada: Browser, gateway: FakeGateway) -> None:
    reference = await approved(ada, gateway, evidence=PAT)
    await gateway.happen(reference, claim_events.OwnerObjected(now(), "objection/x", now()))
    await ada.get(ada.address)
    assert ada.title == "Somebody objected to your claim"
    assert "If the account is yours, write to us below" in ada.said
    await ada.post(f"{ada.address}/reply", message="It is mine")
    assert "It is mine" in ada.said
    assert faults_of(ada.page) == []


async def test_withdrawing_is_asked_about_first(ada: Browser, gateway: FakeGateway) -> None:
    reference = await sends(ada, gateway)
    page = ada.address
    await ada.get(f"{page}/withdraw")
    assert ada.title == "Withdraw this claim?"
    await ada.post(f"{page}/withdraw")
    assert ada.title == "You withdrew this claim"
    assert gateway.cases[reference].state is State.WITHDRAWN
    await ada.get(f"{page}/withdraw")
    assert ada.title == "You withdrew this claim"
    assert (await ada.client.post(f"{page}/withdraw", data={})).status_code == 409


async def test_a_claim_that_ran_out_is_taken_up_again(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -15 * DAY
    reference = await sends(ada, gateway)
    page = ada.address
    await gateway.judged(reference, Outcome.ASK, items=("created",))
    gateway.later = timedelta(0)
    await gateway.clock(reference, timedelta(0))
    await ada.get(page)
    assert ada.title == "Your claim is closed for now"
    await ada.post(f"{page}/reopen")
    assert ada.title == "Your claim is in review"
    assert (await ada.client.post(f"{page}/reopen", data={})).status_code == 409


async def test_a_denial_says_why_and_how_to_go_on(
    ada: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await sends(ada, gateway)
    text = await agent_writes(database, rings, reference, "The month does not fit.")
    await gateway.judged(reference, Outcome.DENY, reason=Reason.EVIDENCE_DOES_NOT_FIT, text=text)
    await ada.get(ada.address)
    assert ada.title == "Your claim is denied"
    for said in ("does not fit the account", "The month does not fit.", "can be appealed", "Make a new claim"):
        assert said in ada.said
    assert faults_of(ada.page) == []
    assert (await ada.client.post(f"{ada.address}/reply", data={"message": "x"})).status_code == 409


async def test_the_account_is_named_only_once_it_is_handed_back(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -31 * DAY
    await approved(ada, gateway, evidence={"email": "olu@work.example.com", "password_1": "olu-current-2025"})
    assert "olu" not in ada.said.replace("olu@work", "")
    assert "olu@example.com" not in ada.page


async def test_the_page_stays_up_to_date_and_is_quiet_while_nothing_happens(ada: Browser, gateway: FakeGateway) -> None:
    reference = await sends(ada, gateway)
    page, number = ada.address, gateway.cases[reference].number
    assert f'hx-sse:connect="{page}/events?after={number}"' in ada.page
    assert (await ada.client.get(f"{page}?after={number}&shown=awaiting_review")).status_code == 204
    await gateway.judged(reference, Outcome.ESCALATE)
    assert (await ada.client.get(f"{page}?after={number}&shown=awaiting_review")).status_code == 200


async def test_a_browser_that_got_an_account_back_is_remembered(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -70 * DAY
    reference = await handed_back(ada, gateway, evidence=PAT)
    await gateway.clock(reference, 35 * DAY)
    await ada.get(ada.address)
    assert ada.title == "The account is yours"
    assert "No new password was set" in ada.said
    assert any(cookie.name == "reinstate_known" for cookie in ada.client.cookies.jar)
    gateway.later = timedelta(0)


async def test_loading_the_address_of_a_form_again_leads_to_the_claim(ada: Browser, gateway: FakeGateway) -> None:
    await proves(ada, gateway)
    for step in ("reply", "nudge", "reopen", "code", "password"):
        answer = await ada.client.get(f"{ada.address}/{step}")
        assert (answer.status_code, answer.headers["Location"]) == (303, ada.address)


async def test_the_reference_leads_to_the_way_back(ada: Browser, gateway: FakeGateway) -> None:
    reference = await proves(ada, gateway)
    assert f'href="/find?reference={grouped(reference)}"' in ada.page
    reference = await makes_claim(ada)
    assert "/find?reference" not in ada.page  # nothing is proved yet
