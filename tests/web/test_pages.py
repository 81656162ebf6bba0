"""Every page: valid, with one heading, its forms with their keys, nothing inline."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain import recovery
from domain.recovery import Sight, Standing, State
from storage import folding, writes
from storage.models import CaseRow
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from tests.web.test_after_the_proof import GOOD, prove
from web.claim.topics import TOPICS
from web.gateway import Unavailable

PLAIN = ("/", "/start", "/claim", "/find", "/appeal/token", "/nothing", "/desk/sign-in")


@pytest.mark.parametrize("address", [*PLAIN, *(f"/help/{name}" for name in TOPICS)])
async def test_a_page_is_valid(ada: Browser, address: str) -> None:
    await ada.get(address)
    assert faults_of(ada.page) == []


async def test_every_topic_leads_somewhere_that_exists(ada: Browser) -> None:
    for topic in TOPICS.values():
        for way in topic.ways:
            assert (await ada.client.get(way.href)).status_code == 200
        assert topic.ways or topic.missing or topic is TOPICS["other"]


AT = datetime.now(UTC)
HAPPENS: dict[State, list[recovery.Event]] = {
    State.AWAITING_CODE: [],
    State.AWAITING_RESEND: [recovery.CodeExpired(AT, 1)],
    State.EXPIRED: [recovery.CaseExpired(AT)],
    State.WITHDRAWN: [recovery.Withdrawn(AT)],
    State.STOPPED: [recovery.OwnerObjected(AT, "objection/1", AT)],
}


@pytest.mark.parametrize("state", HAPPENS)
async def test_the_page_of_a_state_is_valid(ada: Browser, gateway: FakeGateway, state: State) -> None:
    reference = await ada.ask("ada@example.com")
    for event in HAPPENS[state]:
        await gateway.happen(reference, event)
    await ada.get(ada.address)
    assert gateway.cases[reference].state is state
    assert faults_of(ada.page) == []
    assert ada.said


@pytest.mark.parametrize(
    "standing", [Standing.BANNED, Standing.FROZEN, Standing.BEING_DELETED, Standing.GONE, Standing.SECOND_FACTOR]
)
@pytest.mark.parametrize("until", [None, AT + timedelta(days=3)])
async def test_the_page_after_the_proof_is_valid(
    ada: Browser, gateway: FakeGateway, standing: Standing, until: datetime | None
) -> None:
    reference = await ada.ask("ada@example.com")
    case = gateway.cases[reference]
    sight = Sight(case.accounts[0], standing, until)  # type: ignore[union-attr]
    await gateway.happen(reference, recovery.CodeAccepted(AT, 1, "code", case.holder, sight))  # type: ignore[union-attr]
    await ada.get(ada.address)
    assert faults_of(ada.page) == []


@pytest.mark.parametrize(
    ("because", "says"),
    [(recovery.Superseded(AT), "was quicker"), (recovery.OwnerObjected(AT, "x", AT), "this was not me")],
)
async def test_why_a_case_was_stopped_is_said(
    ada: Browser, gateway: FakeGateway, because: recovery.Event, says: str
) -> None:
    reference = await ada.ask("ada@example.com")
    await gateway.happen(reference, because)
    await ada.get(ada.address)
    assert ada.title == "This case was stopped"
    assert says in ada.said


async def test_several_accounts_on_one_contact_are_a_choice(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    case = gateway.cases[reference]
    assert isinstance(case, recovery.Recovery)
    one = case.accounts[0]
    # A contact of two accounts: the second one does not exist any more, which a person finds out by choosing it.
    gateway.cases[reference] = replace(case, accounts=(one, "acc_other"))
    async with gateway._database.write() as session:
        row = await session.get(CaseRow, reference)
        assert row
        row.snapshot = folding.dump_case(gateway.cases[reference])
    await ada.post(f"{ada.address}/code", code=gateway.code(reference))
    assert ada.title == "Which account is it?"
    assert faults_of(ada.page) == []
    page = ada.address
    assert (await ada.post(f"{page}/account")).status_code == 422
    await ada.post(f"{page}/account", account=one)
    assert ada.title == "Choose a new password"


async def test_the_steps_to_the_end_are_valid_pages(ada: Browser, gateway: FakeGateway) -> None:
    await prove(ada, gateway, "ada@example.com")
    assert faults_of(ada.page) == []
    await ada.post(f"{ada.address}/password", new_password="short")
    assert faults_of(ada.page) == []
    await ada.post(f"{ada.address.removesuffix('/password')}/password", new_password=GOOD)
    assert ada.title == "You can sign in again"
    assert faults_of(ada.page) == []


async def test_error_pages_are_valid(ada: Browser, gateway: FakeGateway) -> None:
    await ada.ask("vip")
    page = ada.address
    gateway.trouble = Unavailable("x")
    await ada.post(f"{page}/contact", contact="vip@example.com")
    assert faults_of(ada.page) == []
    gateway.trouble = ValueError("a mistake of ours")
    await ada.get(page)
    answer = await ada.post(f"{page}/contact", contact="vip@example.com")
    assert answer.status_code == 500
    assert "a mistake of ours" not in answer.text
    assert faults_of(ada.page) == []


async def test_while_the_password_is_set_the_page_says_so(
    ada: Browser, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = await prove(ada, gateway, "ada@example.com")
    case = gateway.cases[reference]
    async with gateway._database.write() as session:
        event = recovery.PasswordSubmitted(datetime.now(UTC), "password/x")
        await writes.record(session, gateway._rings.audit, reference, case.number, (event,))
    await ada.get(ada.address)
    assert ada.title == "Setting the new password"
    assert 'http-equiv="refresh"' in ada.page
    assert faults_of(ada.page) == []


async def test_loading_the_address_of_a_form_leads_to_the_case(ada: Browser) -> None:
    await ada.ask("ada@example.com")
    for step in ("code", "resend", "password"):
        answer = await ada.client.get(f"{ada.address}/{step}")
        assert (answer.status_code, answer.headers["Location"]) == (303, ada.address)
    assert (await ada.client.get(f"{ada.address}/nothing")).status_code == 404


async def test_htmx_gets_the_page_of_the_step_and_its_address(ada: Browser) -> None:
    answer = await ada.client.post(
        "/recover", data={"identifier": "ada@example.com", "key": "k"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert answer.headers["HX-Push-Url"].startswith("/case/")
    assert 'id="main"' in answer.text
    assert answer.headers["Vary"] == "HX-Request"


async def test_probes_answer(ada: Browser, gateway: FakeGateway) -> None:
    assert (await ada.client.get("/healthz")).json() == {"status": "ok"}
    gateway.trouble = Unavailable("x")
    ready = await ada.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["temporal"] == "away"
