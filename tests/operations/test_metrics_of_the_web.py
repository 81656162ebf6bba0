"""What Prometheus reads from a web process: bounded labels, no reference, and for the right eyes only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from domain.policy import CURRENT_POLICY
from settings import Settings
from storage import intake
from storage.engine import Database
from storage.identifiers import identify
from storage.intake import Browser
from storage.keys import Rings
from storage.models import CaseRow
from web.app import create_app


@asynccontextmanager
async def asking(settings: Settings, peer: str = "127.0.0.1") -> AsyncIterator[httpx2.AsyncClient]:
    """A web process, and somebody who asks it from this address."""
    app = create_app(settings)
    transport = httpx2.ASGITransport(app, client=(peer, 4711))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as client,
    ):
        yield client


@pytest.fixture
async def web(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with asking(settings) as client:
        yield client


async def samples(web: httpx2.AsyncClient) -> dict[tuple[str, tuple[str, ...]], float]:
    """Value by name and values of labels, in the order of their names."""
    answer = await web.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def opening_row(database: Database, rings: Rings) -> str:
    async with database.write() as session:
        opened = await intake.open_recovery(
            session, rings, identify("ada@example.com", "GB"), Browser("ada-laptop"),
            key="k", policy=CURRENT_POLICY, starts_per_network=10,
        )  # fmt: skip
    return opened.reference


async def test_requests_are_counted_by_route_and_never_by_path(web: httpx2.AsyncClient) -> None:
    await web.get("/case/7F3K-Q2M9-XA")
    await web.get("/nowhere/7F3K-Q2M9-XA")
    await web.request("BREW", "/")
    found = await samples(web)
    assert found["reinstate_web_requests_total", ("GET", "/case/{reference}", "4xx")] == 1
    assert found["reinstate_web_requests_total", ("GET", "(none)", "4xx")] == 1
    assert "7F3K" not in (await web.get("/metrics")).text
    assert "BREW" not in (await web.get("/metrics")).text


async def test_how_long_requests_took_is_a_histogram_by_route(web: httpx2.AsyncClient) -> None:
    await web.get("/")
    found = await samples(web)
    assert found["reinstate_web_request_seconds_count", ("/",)] == 1
    assert found["reinstate_web_request_seconds_bucket", ("+Inf", "/")] == 1


async def test_cases_that_never_reached_temporal_are_seen(
    web: httpx2.AsyncClient, database: Database, rings: Rings
) -> None:
    reference = await opening_row(database, rings)
    async with database.write() as session:
        await session.execute(update(CaseRow).values(opened_at=datetime.now(UTC) - timedelta(minutes=5)))
    found = await samples(web)
    assert found["reinstate_unstarted_cases", ()] == 1
    assert found["reinstate_oldest_unstarted_seconds", ()] == pytest.approx(300, abs=30)
    assert found["reinstate_open_cases", ("recovery", "opening")] == 1
    async with database.write() as session:
        await intake.mark_started(session, reference)
    assert (await samples(web))["reinstate_oldest_unstarted_seconds", ()] == 0


async def test_decisions_that_never_reached_temporal_are_seen(
    web: httpx2.AsyncClient, database: Database, rings: Rings
) -> None:
    reference = await opening_row(database, rings)
    async with database.write() as session:
        decision = await intake.receive_decision(
            session,
            rings,
            reference=reference,
            version=1,
            outcome="allow",
            reason="codes_used_up",
            agent="sam",
            key="k",
        )
    assert (await samples(web))["reinstate_undelivered_signals", ("decision",)] == 1
    async with database.write() as session:
        await intake.mark_delivered(session, decision.id)
    assert (await samples(web))["reinstate_undelivered_signals", ("decision",)] == 0


async def test_without_the_database_the_figures_of_the_process_are_still_there(
    web: httpx2.AsyncClient, database: Database
) -> None:
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql('ALTER TABLE "case" RENAME TO somewhere_else')
    found = await samples(web)
    assert found["reinstate_database_up", ()] == 0
    assert ("process_resident_memory_bytes", ()) in found


@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8::1", "testclient"])
async def test_strangers_find_nothing_there(settings: Settings, peer: str) -> None:
    async with asking(settings, peer) as stranger:
        assert (await stranger.get("/metrics")).status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_what_comes_through_a_proxy_finds_nothing_there(web: httpx2.AsyncClient, header: str) -> None:
    assert (await web.get("/metrics", headers={header: "127.0.0.1"})).status_code == 404


async def test_number_of_lines_does_not_grow_with_what_people_ask_for(web: httpx2.AsyncClient) -> None:
    async def ask(number: int) -> None:
        for path in (f"/case/{number:010}", f"/link/{number:010}.token", f"/not-me/{number}", f"/{number}", "/metrics"):
            await web.get(path)

    await ask(0)
    before = set(await samples(web))
    for number in range(1, 10):
        await ask(number)
    assert set(await samples(web)) == before
