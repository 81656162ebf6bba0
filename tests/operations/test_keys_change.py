"""Keys change under running cases: nobody notices, and a key stays for as long as anything needs it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, update
from sqlmodel import col
from typer.testing import CliRunner

import cli
from connection import data_converter
from development import namespace
from development.people import ACCOUNTS
from domain.case import grouped
from domain.recovery import State, Withdraw
from operations import rings as steps
from operations.rewrap import ChainBroken, rewrap
from operations.rings import NotThisRing, RingName, ring_of
from settings import Settings
from storage import reads
from storage.audit import first_break
from storage.desk import seal_totp
from storage.intake import Opened
from storage.keys import Ring
from storage.models import AccountRecoveryCodeRow, AgentRow, CaseEventRow, NoticeRow, ObjectionLinkRow, RowKeyRow
from storage.people import RowKeys, account_subject
from tests.house import House, connected, housed, on_sqlite
from tests.operations.front import Operator, web_of
from tests.web.stage import Browser, browser

PASSWORD = "a-long-enough-one"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def with_ring(settings: Settings, name: RingName, ring: Ring) -> Settings:
    return settings.model_copy(update={f"{name}_keys": SecretStr(ring.text())})


@asynccontextmanager
async def moved(house: House, settings: Settings) -> AsyncIterator[House]:
    """The same cases, with processes that were started with these settings."""
    await house.stop_worker()
    converter = data_converter(settings.payload_ring(), refuse_plain=False)
    client = await connected(house.client.service_client.config.target_host, house.client.namespace, converter)
    async with housed(client, settings, house.database, settings.rings()) as later:
        later.outbox.codes = house.outbox.codes
        yield later


@asynccontextmanager
async def same_browser(before: Browser, house: House) -> AsyncIterator[Browser]:
    """The browser as it was, in front of other processes."""
    async with web_of(house) as app:
        after = browser(app)
        after.client.cookies = before.client.cookies
        yield after


@on_sqlite
@pytest.mark.parametrize("ring", RingName)
async def test_a_case_finishes_when_a_key_changes_between_code_and_password(house: House, ring: RingName) -> None:
    async with web_of(house) as app:
        ada = browser(app)
        reference = await ada.ask("ada@example.com")
        case = f"/case/{grouped(reference)}"
        await house.message(reference)
        await house.until(reference, State.AWAITING_CODE)
        await ada.get(case)
        await ada.post(f"{case}/code", code=str((await house.message(reference)).code))
    changed = with_ring(house.settings, ring, steps.rotated(ring_of(house.settings, ring), "later"))
    async with moved(house, changed) as later, same_browser(ada, later) as ada:
        await ada.get(case)
        await ada.post(f"{case}/password", new_password=PASSWORD)
        await later.until(reference, State.RECOVERED)
        assert (await ada.get(case)).status_code == 200
        assert await later.password_fits("ada@example.com", PASSWORD)
        assert first_break(later.rings.audit, await later.events(reference)) is None


@on_sqlite
@pytest.mark.parametrize("ring", RingName)
async def test_a_code_on_its_way_still_works_when_a_key_changes(house: House, ring: RingName) -> None:
    async with web_of(house) as app:
        ada = browser(app)
        reference = await ada.ask("ada@example.com")
        await house.message(reference)
        await house.idle(reference)
    changed = with_ring(house.settings, ring, steps.rotated(ring_of(house.settings, ring), "later"))
    async with moved(house, changed) as later, same_browser(ada, later) as ada:
        case = f"/case/{grouped(reference)}"
        await ada.get(case)
        await ada.post(f"{case}/code", code=str((await later.message(reference)).code))
        await later.until(reference, State.AWAITING_NEW_PASSWORD)


# ---- retiring -------------------------------------------------------------------------------------------------------


async def nothing(_house: House) -> None:
    pass


async def runs_are_not_retained(house: House) -> None:
    """A namespace that has later runs only, as after its retention. (To delete a run takes the server a minute.)"""
    address, name = house.client.service_client.config.target_host, f"{house.client.namespace}-later"
    house.client = await connected(address, name, house.client.data_converter)
    await namespace.make_ready(house.client)
    async with housed(house.client, house.settings, house.database, house.rings) as elsewhere:
        await elsewhere.prove("vip@example.com")
        async with asyncio.timeout(20):
            while not [run async for run in house.client.list_workflows()]:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.05)


async def links_are_over(house: House) -> None:
    await house.change(ObjectionLinkRow, expires_at=LONG_AGO)


async def codes_are_saved_anew(house: House) -> None:
    await rewrap(house.database, house.rings, RingName.INDEX)
    async with house.database.write() as session:
        await session.execute(delete(AccountRecoveryCodeRow))


def renewed(ring: RingName) -> Callable[[House], Awaitable[None]]:
    async def renew(house: House) -> None:
        await rewrap(house.database, house.rings, ring)

    return renew


RETIRING: dict[RingName, tuple[str, Callable[[House], Awaitable[None]]]] = {
    RingName.PAYLOAD: ("runs that Temporal keeps, such as recovery/", runs_are_not_retained),
    RingName.ISSUE: ("1 code of an open case", nothing),
    RingName.DIGEST: ("1 browser that holds an open case", links_are_over),
    RingName.INDEX: ("usernames; `reinstate keys rewrap index` makes them anew", codes_are_saved_anew),
    RingName.DECISION: ("1 decision that no case has answered", nothing),
    RingName.ROW: ("keys of people; `reinstate keys rewrap row` wraps them anew", renewed(RingName.ROW)),
    RingName.AUDIT: ("events in chains; `reinstate keys rewrap audit` chains them anew", renewed(RingName.AUDIT)),
}


@pytest.mark.parametrize("ring", RETIRING)
async def test_a_key_is_retired_once_nothing_needs_it(house: House, operator: Operator, ring: RingName) -> None:
    needed_by, let_go = RETIRING[ring]
    opened = await house.prove("ada@example.com")
    old = ring_of(house.settings, ring).current
    changed = with_ring(house.settings, ring, steps.rotated(ring_of(house.settings, ring), "later"))
    if ring is RingName.DECISION:
        decision = await house.sign(opened, "stop")
    async with moved(house, changed) as later:
        refused = await operator(later, "keys", "retire", ring, old)
        assert refused.exit_code == 1
        assert f"{ring}: {old} is still needed by" in refused.output
        assert needed_by in refused.output
        if ring is RingName.DECISION:
            await later.gateway.decide(decision)
        else:
            await withdrawn(later, opened)
        await later.until(opened.reference, State.WITHDRAWN, State.STOPPED)
        await later.handle(opened.reference).result()
        await let_go(later)
        allowed = await operator(later, "keys", "retire", ring, old)
        assert allowed.exit_code == 0, allowed.output
        assert allowed.output.startswith(f"{ring.variable}=later:")
        assert f"{old}:" not in allowed.output


async def withdrawn(house: House, opened: Opened) -> None:
    """The claimant gives up, from the browser that has held the case since before the rotation."""
    async with house.database.read() as session:
        _, holder = await reads.access(session, house.rings, opened.reference, opened.secret)
    await house.tell(opened.reference, Withdraw(holder))


@on_sqlite
async def test_the_key_in_use_cannot_be_retired(house: House, operator: Operator) -> None:
    refused = await operator(house, "keys", "retire", "row", house.rings.row.current)
    assert refused.exit_code == 1
    assert "is the key that is used; rotate first" in refused.output


@on_sqlite
async def test_an_unsent_message_needs_the_issue_key_that_its_link_comes_from(house: House, operator: Operator) -> None:
    opened = await house.prove("ada@example.com")
    await house.withdraw(opened)
    await house.until(opened.reference, State.WITHDRAWN)
    await house.change(NoticeRow, state="queued")
    old = house.rings.issue.current
    changed = with_ring(house.settings, RingName.ISSUE, steps.rotated(house.rings.issue, "later"))
    async with moved(house, changed) as later:
        refused = await operator(later, "keys", "retire", "issue", old)
    assert "1 message that waits to be sent" in refused.output


@on_sqlite
async def test_the_list_of_keys_says_which_are_needed(house: House, operator: Operator) -> None:
    await house.prove("ada@example.com")
    changed = with_ring(house.settings, RingName.AUDIT, steps.rotated(house.rings.audit, "later"))
    async with moved(house, changed) as later:
        listed = await operator(later, "keys", "list")
    assert "audit     later (used)" in listed.output
    assert "audit-1 (" in listed.output
    assert "events in chains" in listed.output


# ---- making anew ----------------------------------------------------------------------------------------------------


async def test_people_are_readable_under_the_new_key_alone(house: House) -> None:
    reference = (await house.prove("ada@example.com")).reference
    sealed = seal_totp(house.rings.row, "sam", b"secret")
    await house.change(AgentRow, col(AgentRow.name) == "sam", totp_sealed=sealed)
    ring = steps.rotated(house.rings.row, "later")
    changed = with_ring(house.settings, RingName.ROW, ring).rings()
    (people, factors) = await rewrap(house.database, changed, RingName.ROW)
    assert people.count > 5
    assert factors.count == 1
    assert [renewal.count for renewal in await rewrap(house.database, changed, RingName.ROW)] == [0, 0]
    alone = with_ring(house.settings, RingName.ROW, steps.without(ring, house.rings.row.current)).rings()
    async with house.database.read() as session:
        typed = await reads.typed(session, alone, reference)
        agent = await session.get_one(AgentRow, "sam")
    assert typed
    assert typed.normal == "ada@example.com"
    assert base64.b32decode(alone.row.open(agent.totp_sealed, "totp/sam")) == b"secret"


@on_sqlite
async def test_who_was_erased_stays_erased_when_keys_are_made_anew(house: House) -> None:
    async with house.database.write() as session:
        await RowKeys(house.rings.row).erase(session, account_subject(ACCOUNTS[0].ref))
    changed = with_ring(house.settings, RingName.ROW, steps.rotated(house.rings.row, "later")).rings()
    await rewrap(house.database, changed, RingName.ROW)
    async with house.database.read() as session:
        assert await session.get(RowKeyRow, account_subject(ACCOUNTS[0].ref)) is None


async def test_accounts_are_found_under_the_new_key_alone(house: House) -> None:
    ring = steps.rotated(house.rings.index, "later")
    changed = with_ring(house.settings, RingName.INDEX, ring)
    (renewal,) = await rewrap(house.database, changed.rings(), RingName.INDEX)
    assert renewal.count > 10
    assert (await rewrap(house.database, changed.rings(), RingName.INDEX))[0].count == 0
    alone = with_ring(house.settings, RingName.INDEX, steps.without(ring, house.rings.index.current))
    async with moved(house, alone) as later:
        opened = await later.open("ada@example.com")
        assert (await later.message(opened.reference)).code


async def test_chains_fit_under_the_new_key_alone(house: House) -> None:
    reference = (await house.prove("ada@example.com")).reference
    ring = steps.rotated(house.rings.audit, "later")
    changed = with_ring(house.settings, RingName.AUDIT, ring).rings()
    await rewrap(house.database, changed, RingName.AUDIT)
    alone = steps.without(ring, house.rings.audit.current)
    assert first_break(alone, await house.events(reference)) is None


async def test_a_chain_that_somebody_changed_is_not_made_to_fit(house: House) -> None:
    reference = (await house.prove("ada@example.com")).reference
    async with house.database.write() as session:
        second = col(CaseEventRow.case_ref) == reference, col(CaseEventRow.number) == 2
        await session.execute(update(CaseEventRow).where(*second).values(actor="eve"))
    changed = with_ring(house.settings, RingName.AUDIT, steps.rotated(house.rings.audit, "later")).rings()
    with pytest.raises(ChainBroken, match="broken at event 2"):
        await rewrap(house.database, changed, RingName.AUDIT)
    assert first_break(changed.audit, await house.events(reference)) == 2


# ---- rings and files ------------------------------------------------------------------------------------------------


def test_a_rotation_without_a_pause_has_two_steps() -> None:
    old = Ring.fresh("a")
    known = steps.prepared(old, "b")
    assert list(known.keys) == ["a", "b"]
    used = steps.preferred(known, "b")
    assert list(used.keys) == ["b", "a"]
    assert used.key("a") == old.key("a")
    assert list(steps.without(used, "a").keys) == ["b"]


def test_a_rotation_with_a_pause_has_one_step() -> None:
    assert list(steps.rotated(Ring.fresh("a"), "b").keys) == ["b", "a"]


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (lambda ring: steps.rotated(ring, "a"), "there is a key a already"),
        (lambda ring: steps.prepared(ring, "a:b"), "the id of a key is short"),
        (lambda ring: steps.preferred(ring, "c"), "there is no key c, only a"),
        (lambda ring: steps.without(ring, "c"), "there is no key c, only a"),
        (lambda ring: steps.without(ring, "a"), "rotate first"),
    ],
)
def test_what_cannot_be_done_to_a_ring(what: Callable[[Ring], Ring], says: str) -> None:
    with pytest.raises(NotThisRing, match=says):
        what(Ring.fresh("a"))


def test_only_one_line_of_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file, row, audit = tmp_path / "production.env", Ring.fresh("a"), Ring.fresh("b")
    file.write_text(f"# keys\nREINSTATE_ROW_KEYS={row.text()}\n\nREINSTATE_AUDIT_KEYS='{audit.text()}'\n")
    file.chmod(0o640)
    outcome = CliRunner().invoke(cli.app, ["keys", "rotate", "row", "--id", "c", "--file", str(file)])
    assert outcome.exit_code == 0, outcome.output
    comment, changed, empty, kept = file.read_text().splitlines()
    assert (comment, empty, kept) == ("# keys", "", f"REINSTATE_AUDIT_KEYS='{audit.text()}'")
    assert changed.startswith("REINSTATE_ROW_KEYS=c:")
    assert changed.endswith(row.text())
    assert file.stat().st_mode & 0o777 == 0o640
    assert row.text().partition(":")[2] not in outcome.output
    assert [path.name for path in tmp_path.iterdir()] == ["production.env"]


def test_a_file_without_the_ring_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "production.env"
    file.write_text("REINSTATE_MODE=production\n")
    outcome = CliRunner().invoke(cli.app, ["keys", "rotate", "row", "--file", str(file)])
    assert outcome.exit_code == 1
    assert "has no line REINSTATE_ROW_KEYS=" in outcome.output
    assert file.read_text() == "REINSTATE_MODE=production\n"
