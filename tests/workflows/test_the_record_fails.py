"""The database is away for a moment: the case waits, goes on, and its record has no gap and nothing twice."""

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

import web.gateway
from activities import records
from activities.contract import Records
from domain.recovery import State
from storage import audit, folding, writes
from tests.house import eventually, on_sqlite, with_policy, wrong
from web.gateway import StillWorking, Unavailable
from workflows.recovery_effects import RecoveryEffects

NEW = "a new and long password"


class Away:
    """Writing fails so many times; what is written half is rolled back."""

    def __init__(self, *, after: bool = False) -> None:
        self.times, self.after, self.failed = 0, after, 0

    async def record(self, *args):
        if self.times and not self.after:
            self.fail()
        await writes.record(*args)
        if self.times and self.after:
            self.fail()

    def fail(self):
        self.times -= 1
        self.failed += 1
        raise OperationalError("INSERT", {}, Exception("the database system is shutting down"))


@pytest.fixture(params=[False, True], ids=["before it wrote", "before it committed"])
def database_away(request, monkeypatch):
    away = Away(after=request.param)
    monkeypatch.setattr(records, "writes", away)
    return away


async def record_is_whole(house, opened):
    rows = await house.events(opened.reference)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert audit.first_break(house.rings.audit, rows) is None
    row = await house.row(opened.reference)
    case = folding.load_case(row.kind, row.opening)
    for event in rows:
        case = folding.apply(case, folding.load_event(row.kind, event.kind, event.at, event.data))
    assert folding.dump_case(case) == row.snapshot
    assert row.number == len(rows)


@on_sqlite
async def test_one_failure_leads_to_a_second_try(house, database_away):
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    database_away.times = 1
    assert (await house.submit(opened, wrong(code))).tries_left == 4
    assert (await house.submit(opened, code)).state == State.AWAITING_NEW_PASSWORD
    assert database_away.failed == 1
    await record_is_whole(house, opened)


async def test_an_outage_delays_an_answer_and_loses_nothing(house, monkeypatch):
    away = Away()
    monkeypatch.setattr(records, "writes", away)
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    away.times = 2  # the local try, and the first regular one
    assert (await house.submit(opened, code)).state == State.AWAITING_NEW_PASSWORD
    assert away.failed == 2
    history = await house.handle(opened.reference).fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    assert Records.record_recovery.__name__ in scheduled
    assert (await house.set_password(opened, NEW)).state == State.RECOVERED
    await record_is_whole(house, opened)


@on_sqlite
async def test_a_code_is_issued_once_however_often_it_is_tried(house, monkeypatch):
    """The record of the code fails: the case tries again, with the same code, and sends it once."""
    away = Away(after=True)
    away.times = 2
    monkeypatch.setattr(records, "writes", away)
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    assert (await house.submit(opened, code)).state == State.AWAITING_NEW_PASSWORD
    assert len(house.outbox.codes) == 1
    await record_is_whole(house, opened)


async def test_what_a_discarded_task_recorded_is_replaced_by_what_happened(house, monkeypatch):
    """A worker dies after the record of a try and before its history has it; then the code's time is over.

    When the task is done again the clock comes first: that is what happened, and the record must say so.
    """
    opened = await house.open("ada@example.com", policy=with_policy(code_lifetime=timedelta(seconds=2)))
    code = (await house.message(opened.reference)).code
    over = (await house.case(opened.reference)).code_until
    await house.idle(opened.reference)

    def dies(self, events):
        raise RuntimeError("the worker is dead from here")

    with monkeypatch.context() as patch:
        patch.setattr(RecoveryEffects, "_recorded", dies)
        patch.setattr(web.gateway, "BUDGET", 0.5)
        with suppress(StillWorking, Unavailable):
            await house.submit(opened, wrong(code))
        assert (await house.kinds(opened.reference))[-1] == "code_refused"
        await house.stop_worker()
    await eventually(house.now, lambda now: now > over)
    await house.start_worker()
    case = await house.until(opened.reference, State.AWAITING_RESEND)
    assert case.issue.wrong == 0
    assert await house.kinds(opened.reference) == ["case_opened", "code_issued", "code_expired"]
    await record_is_whole(house, opened)
    assert (await house.withdraw(opened)).state == State.WITHDRAWN
    await record_is_whole(house, opened)
