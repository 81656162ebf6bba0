"""Ten thousand requests made by chance, against every address and every state of a case: no mistake of ours."""

import os
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.decisions import Outcome
from domain.policy import CURRENT_POLICY
from tests.bad_input import ask, bad_requests
from tests.web import claims
from tests.web.desk import asks_for_help, at_the_desk
from tests.web.stage import Browser, FakeGateway
from tests.web.test_after_the_proof import GOOD, prove
from web.services import Services

ROUNDS, IN_A_ROUND = 2000, 5
"""Together ten thousand requests."""
CHANCE = settings(
    max_examples=ROUNDS,
    deadline=None,
    database=None,
    derandomize=bool(os.environ.get("CI")),  # elsewhere new ones every time
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def services(services: Services) -> Services:
    """One code per case, so that every state is soon reached; and no limit that would answer before the page does."""
    plenty = 10**9
    policy = replace(CURRENT_POLICY, codes_per_case=1, sends_per_hour=plenty, sends_per_day=plenty)
    known = services.settings.model_copy(update={"starts_per_network": plenty})
    return replace(services, settings=known, policy=policy)


@dataclass
class Scene:
    """Cases in every state, all held by one browser, which also sits at the desk."""

    app: FastAPI
    cookies: dict[str, str]
    cases: tuple[str, ...]
    links: tuple[str, ...]


async def in_every_state(visitor: Browser, gateway: FakeGateway) -> tuple[str, ...]:
    """References of cases of one browser; which state each is in, its line says."""
    opened = [await visitor.ask(name) for name in ("ada", "ada@example.com", "nobody@example.com")]
    opened.append(await prove(visitor, gateway, "ada@example.com"))  # new password
    opened.append(await prove(visitor, gateway, "olu@example.com"))  # second proof
    opened.append(await prove(visitor, gateway, "ben@example.com"))  # referred
    await asks_for_help(visitor, "vip@example.com")
    opened.append(visitor.reference)
    recovered = await prove(visitor, gateway, "vip@example.com")
    await visitor.post(f"{visitor.address}/password", new_password=GOOD)
    opened.append(recovered)
    gone = await visitor.ask("+44 7700 900004")
    await gateway.clock(gone, timedelta(days=1))
    gateway.later = timedelta(0)
    return (*opened, gone, *await claims_in_many_states(visitor, gateway))


async def claims_in_many_states(visitor: Browser, gateway: FakeGateway) -> list[str]:
    """The first code, evidence, review, a question, cooling-off, probation with a password to set, and an end."""
    opened = [await claims.makes_claim(visitor), await claims.proves(visitor, gateway)]
    opened += [await claims.sends(visitor, gateway) for _ in range(3)]
    await gateway.judged(opened[-2], Outcome.ASK, items=("created", "document"))
    await gateway.judged(opened[-1], Outcome.DENY)
    opened.append(await claims.approved(visitor, gateway, evidence=claims.PAT))
    gateway.later = -timedelta(days=31)
    opened.append(await claims.handed_back(visitor, gateway))
    gateway.later = timedelta(0)
    await visitor.get(gateway.link(opened[-1]))
    await visitor.post(gateway.link(opened[-1]))
    return opened


@pytest.fixture
async def scene(app: FastAPI, ada: Browser, gateway: FakeGateway) -> Scene:
    cases = await in_every_state(ada, gateway)
    agent = await at_the_desk(app)
    links = tuple(gateway.link(reference) for reference in cases[1:3])
    cookies = {cookie.name: cookie.value or "" for jar in (ada, agent) for cookie in jar.client.cookies.jar}
    return Scene(app, cookies, cases, links)


@CHANCE
@given(data=st.data())
async def test_ten_thousand_bad_requests_are_no_mistake_of_ours(scene: Scene, data: st.DataObject) -> None:
    for _ in range(IN_A_ROUND):
        bad = data.draw(bad_requests(scene.cases, scene.links))
        held = scene.cookies if data.draw(st.booleans()) else {}
        assert await ask(scene.app, bad, held) < 500, bad
