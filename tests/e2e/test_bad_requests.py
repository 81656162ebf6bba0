"""Hundreds of requests made by chance over a socket, to the product as it runs; it still gives an account back."""

import os

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.case import grouped
from tests.bad_input import Bad, bad_requests, send
from tests.e2e.journeys import choose_password, is_back, prove
from tests.e2e.seeds import behind, open_case
from tests.e2e.town import Town

REQUESTS = 400
FINE = {0, *range(200, 500), 503}
"""0: closed without a word, as HTTP allows for what is none. 503: a case that was asked too much at once."""


def bombarded(town: Town, cases: tuple[str, ...], cookies: dict[str, str]) -> list[tuple[int, Bad]]:
    """What was answered with anything but an answer of ours."""
    wrong: list[tuple[int, Bad]] = []

    @settings(
        max_examples=REQUESTS,
        deadline=None,
        database=None,
        derandomize=bool(os.environ.get("CI")),
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(bad=bad_requests(cases, (f"/link/{cases[0]}.guess",)), is_held=st.booleans())
    def one(bad: Bad, is_held: bool) -> None:
        status = send("127.0.0.1", town.port, bad, cookies if is_held else {})
        if status not in FINE:
            wrong.append((status, bad))

    one()
    return wrong


def test_what_nobody_honest_sends_breaks_nothing(town, people):
    typed = ("ada", "ada@example.com", "nobody@example.com")
    opened = [behind(town, lambda desk, name=name: open_case(desk, name)) for name in typed]
    cookies = {f"reinstate_{one.reference}": one.secret for one in opened}
    assert bombarded(town, tuple(grouped(one.reference) for one in opened), cookies) == []
    log = (town.var / "logs" / "web.log").read_text(errors="replace")
    assert "Traceback" not in log, log[log.index("Traceback") :][:3000]
    ada = people.person()
    prove(ada, town, "vip@example.com", "vip@example.com")
    choose_password(ada, "seven quiet lamps")
    is_back(ada, "vip")
