"""Whoever can write to the namespace but has no key changes nothing, and stops nothing."""

import dataclasses
from datetime import timedelta

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.service import RPCError

from connection import SealedPayloads, data_converter
from domain.case import Kind, workflow_id
from domain.recovery import State, SubmitCode
from storage.keys import Ring
from tests.house import PATIENCE, connected, on_sqlite

pytestmark = on_sqlite


def raw(encoding: bytes, key: bytes, data: bytes) -> RawValue:
    return RawValue(Payload(metadata={"encoding": encoding, "encryption-key-id": key}, data=data))


async def lives_on(house, opened):
    """The case takes its code, although a stranger knocked."""
    message = await house.message(opened.reference)
    assert (await house.submit(opened, message.code)).state == State.AWAITING_NEW_PASSWORD
    history = await house.handle(opened.reference).fetch_history()
    assert not [event for event in history.events if event.HasField("workflow_task_failed_event_attributes")]


def strangers_handle(eve, opened):
    return eve.get_workflow_handle(workflow_id(Kind.RECOVERY, opened.reference))


async def test_a_plain_signal_is_dropped_and_the_case_lives_on(house, eve):
    opened = await house.out_of_codes()
    decision = await house.sign(opened)
    await strangers_handle(eve, opened).signal("decision_made", dataclasses.asdict(decision) | {"at": "2026-11-23"})
    await house.idle(opened.reference)
    assert (await house.case(opened.reference)).state == State.AWAITING_HELP
    assert "decision_refused" not in await house.kinds(opened.reference)
    await house.gateway.decide(decision)
    await house.until(opened.reference, State.AWAITING_CODE)


async def test_a_plain_update_is_refused(house, eve):
    opened = await house.open("ada@example.com")
    message = await house.message(opened.reference)
    command = await house.code(opened, message.code)
    with pytest.raises((WorkflowUpdateFailedError, RPCError)):
        await strangers_handle(eve, opened).execute_update(
            "submit_code", dataclasses.asdict(command), rpc_timeout=timedelta(seconds=PATIENCE)
        )
    assert (await house.case(opened.reference)).state == State.AWAITING_CODE
    await lives_on(house, opened)


@pytest.mark.parametrize("what", ["cut", "nonce", "key", "type", "empty"])
async def test_a_forged_signal_is_dropped_and_the_case_lives_on(house, eve, settings, what):
    """Sealed by nobody: cut short, changed, under another key of the same name, or something else altogether."""
    opened = await house.open("ada@example.com")
    ring = settings.payload_ring()
    codec = SealedPayloads(ring, refuse_plain=True)
    (sealed,) = await codec.encode([Payload(metadata={"encoding": b"json/plain"}, data=b'"x"')])
    (other,) = await SealedPayloads(Ring.fresh(ring.current), refuse_plain=True).encode([sealed])
    name, encoding = ring.current.encode(), b"binary/encrypted"
    forged = {
        "cut": raw(encoding, name, sealed.data[:20]),
        "nonce": raw(encoding, name, bytes(12) + sealed.data[12:]),
        "key": raw(encoding, name, other.data),
        "type": raw(b"binary/protobuf", name, b"\xff\xff"),
        "empty": raw(encoding, name, b""),
    }[what]
    for signal in ("decision_made", "owner_objected"):
        await strangers_handle(eve, opened).signal(signal, forged)
    await lives_on(house, opened)


async def test_without_the_key_nothing_can_be_read(house, eve, temporal_server, name, settings):
    """Wrong key of the right name, or no such key: an error that says nothing of the content."""
    opened = await house.prove("ben@example.com")
    assert await house.handle(opened.reference).result() == State.REFERRED
    for ring in (Ring.fresh(settings.payload_ring().current), Ring.fresh("another")):
        stranger = await connected(temporal_server, name, data_converter(ring, refuse_plain=True))
        with pytest.raises(Exception, match=r"payload-1|refused") as failed:
            await strangers_handle(stranger, opened).result()
        assert "referred" not in str(failed.value)
        assert "example.com" not in repr(failed.value)


async def test_a_case_that_a_stranger_started_does_nothing(house, eve):
    """A plain start is never begun; it has no row, no account, no effect."""
    handle = await eve.start_workflow(
        "Recovery",
        {"reference": "7F3KQ2M9XA", "asked_by": "email", "holder": "eve"},
        id="recovery/eve",
        task_queue="cases",
    )
    opened = await house.open("ada@example.com")
    await lives_on(house, opened)
    history = [event.WhichOneof("attributes") async for event in handle.fetch_history_events()]
    assert "activity_task_scheduled_event_attributes" not in history
    await handle.terminate()


async def test_a_known_digest_does_not_help_in_another_case(house):
    """The digest of a right code is bound to its case and number."""
    ada, pat = await house.open("ada@example.com"), await house.open("+44 7700 900003")
    right = (await house.message(ada.reference)).code
    await house.message(pat.reference)
    stolen = await house.code(ada, right)
    answer = await house.tell(pat.reference, SubmitCode(house.holder(pat), 1, stolen.digest))
    assert answer.event == "code_refused"
