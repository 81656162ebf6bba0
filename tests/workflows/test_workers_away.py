"""Workers come and go: what was said is kept, and is done once when one is there again."""

import asyncio
from contextlib import contextmanager

import pytest
from temporalio.client import Client, WorkflowUpdateStage

import web.gateway
from domain.recovery import GiveContact, SetPassword, State, SubmitSecondProof
from storage.reads import Access
from tests.house import on_sqlite, wrong
from web.gateway import StillWorking, Unavailable

NEW = "a new and long password"


@contextmanager
def people_in_a_hurry():
    """People wait three tenths of a second here, not five."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web.gateway, "BUDGET", 0.3)
        yield


@on_sqlite
async def test_the_same_form_gets_its_answer_when_a_worker_is_back(house):
    opened = await house.open("ada@example.com")
    command = await house.code(opened, wrong((await house.message(opened.reference)).code))
    await house.idle(opened.reference)
    await house.stop_worker()
    with people_in_a_hurry(), pytest.raises(StillWorking):
        await house.tell(opened.reference, command, "the-form")
    await house.start_worker()
    answer = await house.tell(opened.reference, command, "the-form")
    assert (answer.event, answer.tries_left) == ("code_refused", 4)
    assert await house.tell(opened.reference, command, "the-form") == answer
    assert (await house.kinds(opened.reference)).count("code_refused") == 1


@on_sqlite
async def test_a_case_can_be_opened_while_nobody_works(house):
    await house.stop_worker()
    opened = await house.open("ada@example.com")
    assert (await house.case(opened.reference)).state == State.OPENING
    assert await house.access(opened) is Access.HOLDS
    await house.start_worker()
    assert (await house.message(opened.reference)).code


@on_sqlite
async def test_an_objection_is_kept_while_nobody_works(house):
    opened = await house.open("ada@example.com", browser="eve-laptop")
    received = await house.press(await house.objection_link("code", opened.reference))
    await house.idle(opened.reference)
    await house.stop_worker()
    await house.gateway.object(received.case, received.id)
    await house.start_worker()
    assert (await house.until(opened.reference, State.STOPPED)).because == "objection"


@on_sqlite
async def test_without_temporal_people_hear_so(house):
    nowhere = await Client.connect("127.0.0.1:1", lazy=True, data_converter=house.client.data_converter)
    gateway = web.gateway.Gateway(nowhere)
    opened = await house.write_down("ada@example.com")
    with people_in_a_hurry(), pytest.raises((Unavailable, StillWorking)):
        await gateway.start(opened.case)
    assert not await gateway.is_reachable()
    assert await house.gateway.is_reachable()


async def during_a_pause(house, opened, command):
    """Say it while nobody works; the answer, once somebody does."""
    await house.idle(opened.reference)  # a task that a stopping worker has taken is given to another after 10 s
    await house.stop_worker()
    handle = house.handle(opened.reference)
    saying = asyncio.create_task(
        handle.start_update(
            command.kind, command, id=f"paused-{command.kind}", wait_for_stage=WorkflowUpdateStage.COMPLETED
        )
    )
    await asyncio.sleep(0)
    await house.start_worker()
    update = await saying
    return await update.result()


async def test_a_worker_that_stops_at_every_step_loses_nothing(house):
    await house.stop_worker()
    opened = await house.open("olu")
    await house.start_worker()
    await house.until(opened.reference, State.AWAITING_CONTACT)
    contact = await house.contact(opened, "olu@example.com")
    await during_a_pause(house, opened, GiveContact(house.holder(opened), contact))
    message = await house.message(opened.reference)
    await during_a_pause(house, opened, await house.code(opened, message.code))
    proof = await house.seal(opened, "second-proof", "OLUA-0003")
    await during_a_pause(house, opened, SubmitSecondProof(house.holder(opened), proof))
    password = await house.seal(opened, "password", NEW)
    await during_a_pause(house, opened, SetPassword(house.holder(opened), password))
    assert await house.password_fits("olu", NEW)
    assert await house.kinds(opened.reference) == [
        "case_opened",
        "contact_given",
        "code_issued",
        "code_accepted",
        "second_proof_accepted",
        "password_submitted",
        "password_applied",
    ]
    assert len(await house.until_told("password-changed", times=3)) == 3
    assert len(house.outbox.codes) == 1
