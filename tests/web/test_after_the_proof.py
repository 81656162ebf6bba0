"""What comes after the code: the choice of an account, the second proof, the password, and every end."""

import re
import time

import pytest
from sqlalchemy import select

from storage.engine import Database
from storage.models import VaultRow
from tests.web.stage import Browser, FakeGateway
from web.gateway import CaseIsClosed, Unavailable

GOOD = "staple otter 82 moon"


async def prove(visitor: Browser, gateway: FakeGateway, name: str) -> str:
    reference = await visitor.ask(name)
    await visitor.post(f"{visitor.address}/code", code=gateway.code(reference))
    return reference


async def test_a_new_password_ends_well(ada: Browser, gateway: FakeGateway) -> None:
    await prove(ada, gateway, "ada@example.com")
    assert "new password for ada" in ada.said
    await ada.post(f"{ada.address}/password", new_password=GOOD)
    assert ada.title == "You can sign in again"
    assert "ada" in ada.said
    assert GOOD not in ada.page


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Write a new password"),
        ("short", "Write at least 10 characters"),
        ("1234567890", "on the list of common ones"),
        ("aaaaaaaaaaaaaa", "repeats a few characters"),
        ("x" * 200, "That is too long"),
    ],
)
async def test_a_weak_password_is_refused_at_its_field(
    ada: Browser, gateway: FakeGateway, typed: str, says: str
) -> None:
    await prove(ada, gateway, "ada@example.com")
    told = len(gateway.told)
    answer = await ada.post(f"{ada.address}/password", new_password=typed)
    assert answer.status_code == 422
    assert says in ada.said
    assert len(gateway.told) == told
    assert not typed or f'value="{typed}"' not in answer.text


async def test_the_meter_answers_only_its_line(ada: Browser, gateway: FakeGateway) -> None:
    await prove(ada, gateway, "ada@example.com")
    address = f"{ada.address}/password/strength"
    weak = await ada.client.post(address, data={"new_password": "password12"})
    strong = await ada.client.post(address, data={"new_password": GOOD})
    assert "<main" not in weak.text
    assert 'id="strength"' in weak.text
    assert "Strength: strong" in strong.text


async def test_the_meter_takes_no_long_time_for_a_long_password(ada: Browser, gateway: FakeGateway) -> None:
    await prove(ada, gateway, "ada@example.com")
    began = time.perf_counter()
    await ada.client.post(f"{ada.address}/password/strength", data={"new_password": "aB3$" * 250})
    assert time.perf_counter() - began < 2


async def test_a_second_factor_needs_another_proof(ada: Browser, gateway: FakeGateway) -> None:
    await prove(ada, gateway, "olu@example.com")
    assert ada.title == "One more proof"
    assert (await ada.post(f"{ada.address}/second-proof", proof="")).status_code == 422
    answer = await ada.post(f"{ada.address.removesuffix('/second-proof')}/second-proof", proof="OLUA-9999")
    assert answer.status_code == 422
    assert "was used before" in ada.said
    page = f"/case/{ada.page.split('/case/')[1][:12]}"
    await ada.post(f"{page}/second-proof", proof="olua 0003")
    assert ada.title == "Choose a new password"


async def test_three_refused_proofs_refer_to_a_person(ada: Browser, gateway: FakeGateway) -> None:
    await prove(ada, gateway, "olu@example.com")
    page = ada.address
    for _ in range(3):
        await ada.get(page)
        await ada.post(f"{page}/second-proof", proof="wrong")
    await ada.get(page)
    assert ada.title == "A person has to check this"


@pytest.mark.parametrize(
    ("name", "title", "says"),
    [
        ("ben", "The account is banned", "banned for good"),
        ("tom", "The account is banned for a time", "The ban ends"),
        ("dee", "The account is being deleted", "deleted for good on"),
    ],
)
async def test_how_the_account_stands_is_said_after_the_proof(
    ada: Browser, gateway: FakeGateway, name: str, title: str, says: str
) -> None:
    await prove(ada, gateway, f"{name}@example.com")
    assert ada.title == title
    assert says in ada.said
    assert "not built" in ada.said
    assert ada.reference in ada.page.replace("-", "")


async def test_withdrawing_asks_on_a_page_of_its_own(ada: Browser) -> None:
    await ada.ask("ada@example.com")
    page = ada.address
    await ada.get(f"{page}/withdraw")
    assert ada.title == "Withdraw this case?"
    await ada.post(f"{page}/withdraw")
    assert ada.title == "You withdrew this case"
    answer = await ada.post(f"{page}/resend", key="later")
    assert answer.status_code == 409
    assert "You withdrew this case" in ada.said


async def test_a_browser_that_recovered_is_remembered_without_a_name(ada: Browser, gateway: FakeGateway) -> None:
    await prove(ada, gateway, "ada@example.com")
    await ada.post(f"{ada.address}/password", new_password=GOOD)
    mark = ada.client.cookies["reinstate_known"]
    assert re.fullmatch(r"[0-9a-f]{16}", mark.partition(".")[0])  # random letters, about nobody


async def test_a_password_sent_again_after_it_was_set_is_not_kept(
    ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    await prove(ada, gateway, "ada@example.com")
    form, address = ada.page, ada.address
    await ada.post(f"{address}/password", new_password=GOOD)
    ada.page = form
    await ada.post(f"{address}/password", new_password=GOOD)
    assert ada.title == "You can sign in again"
    async with database.read() as session:
        assert (await session.execute(select(VaultRow))).all() == []


async def test_a_case_that_temporal_does_not_know_yet_is_not_called_closed(ada: Browser, gateway: FakeGateway) -> None:
    """It was begun while Temporal was away: the row is there, the workflow is not."""
    gateway.trouble = Unavailable("away")
    await ada.ask("ada@example.com")
    gateway.trouble = CaseIsClosed("not found")
    answer = await ada.post(f"{ada.address}/withdraw")
    assert answer.status_code == 503
    assert "Nothing was lost" in ada.said
