"""Figures and deliveries as pages: charts with their tables, lists with filters, nothing personal in either."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

from domain.case import grouped
from storage.engine import Database
from storage.keys import Rings
from storage.models import NoticeRow
from tests.desk_cases import claim_to_review, recovery_begun, reference
from tests.web.desk import at_the_desk
from tests.web.pages import faults_of
from web.desk import charts


async def sent(database: Database, count: int, **more: object) -> None:
    now = datetime.now(UTC)
    values = {"channel": "email", "state": "handed_over", "attempts": 1, "address": "sealed", "subject": "", **more}
    async with database.write() as session:
        for number in range(count):
            session.add(
                NoticeRow(
                    name=f"{values['state']}/{number}",
                    case_ref=reference(1),
                    template="code",
                    message_id="",
                    made_at=now - timedelta(seconds=number),
                    handed_over_at=now if values["state"] == "handed_over" else None,
                    **values,  # type: ignore[arg-type]
                )
            )


async def test_an_empty_desk_has_figures_too(app: FastAPI) -> None:
    ina = await at_the_desk(app, "ina")
    assert (await ina.get("/desk/dashboard")).status_code == 200
    assert "Open now 0" in ina.said
    assert "fewer than 20 were decided" in ina.said
    assert faults_of(ina.page) == []


async def test_figures_have_charts_and_the_same_as_tables(app: FastAPI, database: Database, rings: Rings) -> None:
    now = datetime.now(UTC)
    await claim_to_review(database, rings, 1, now - timedelta(days=2))
    await recovery_begun(database, rings, 2, now)
    await sent(database, 3)
    lee = await at_the_desk(app, "lee")
    for span, days in (("", 14), ("30", 30), ("90", 90), ("9999", 14)):
        await lee.get(f"/desk/dashboard?span={span}")
        assert f"cases a day, {days} days" in lee.said
        assert lee.page.count("<polyline") == 2
        assert len(re.findall(r'<th scope="row">\d+ [A-Z][a-z]{2}</th>', lee.page)) == days
    assert lee.page.count('role="img"') == 5
    assert lee.page.count('<details class="disclose">') == 5
    assert "Open now 2 1 wait for the desk" in lee.said
    assert "Overdue 1" in lee.said
    assert faults_of(lee.page) == []


async def test_figures_are_counted_once_a_minute(app: FastAPI, database: Database, rings: Rings) -> None:
    sam = await at_the_desk(app)
    await sam.get("/desk/dashboard")
    await claim_to_review(database, rings, 1, datetime.now(UTC))
    await sam.get("/desk/dashboard")
    assert "Open now 0" in sam.said
    await sam.get("/desk/dashboard?span=30")
    assert "Open now 1" in sam.said


async def test_deliveries_show_what_fails_and_no_address(app: FastAPI, database: Database, rings: Rings) -> None:
    await recovery_begun(database, rings, 1, datetime.now(UTC))
    await sent(database, 2)
    await sent(database, 1, state="queued", error="SMTPConnectError", attempts=3)
    sam = await at_the_desk(app)
    await sam.get("/desk/deliveries")
    assert "E-mail 66.7 % 2 of 3 handed over; 1 waiting" in sam.said
    assert "What went wrong last 24 hours" in sam.said
    assert "SMTPConnectError" in sam.said
    assert grouped(reference(1)) in sam.said
    assert "sealed" not in sam.page
    assert faults_of(sam.page) == []
    await sam.get("/desk/deliveries?state=queued&channel=email&template=code")
    assert sam.said.count("Code and link") == 2  # in the list, and to choose
    await sam.get("/desk/deliveries?channel=sms")
    assert "No message matches the filter" in sam.said
    await sam.get("/desk/deliveries?channel=nonsense&state=nonsense&before=nonsense&case=nonsense")
    assert sam.said.count(grouped(reference(1))) == 3


async def test_many_deliveries_have_pages(app: FastAPI, database: Database, rings: Rings) -> None:
    await recovery_begun(database, rings, 1, datetime.now(UTC))
    await sent(database, 70)
    sam = await at_the_desk(app)
    await sam.get("/desk/deliveries")
    assert sam.said.count(grouped(reference(1))) == 50
    await sam.get(sam.page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&"))
    assert sam.said.count(grouped(reference(1))) == 20
    assert "Newest messages" in sam.said


# ---- charts --------------------------------------------------------------------------------------------------------


def test_bars_fill_their_width_and_no_more() -> None:
    chart = charts.bars([("a", (("a", 3), ("b", 1)), "4", ""), ("b", (("a", 0),), "0", "")], "says")
    first, second = chart.bars
    assert [(part.x, part.width) for part in first.parts] == [(31.0, 28.5), (59.5, 9.5)]
    assert second.parts == ()
    assert charts.bars([], "says").bars == ()
    assert charts.bars([("a", (("a", 0),), "0", "")], "says").bars[0].value_x == 32.5


@pytest.mark.parametrize(("most", "step"), [(1, "1"), (4, "1"), (5, "2"), (9, "5"), (131, "50"), (999, "500")])
def test_lines_have_even_steps_of_whole_numbers(most: int, step: str) -> None:
    chart = charts.lines(["x", "y"], [0, most], [0, 0], "says")
    assert chart.steps[1].label == step
    assert chart.opened.endswith(f"100.0,{round(100 - 100 * most / (4 * int(step)), 2)}")


def test_a_line_of_one_day_and_of_none_is_drawn() -> None:
    assert charts.lines(["x"], [3], [3], "says").opened == "0.0,25.0"
    assert charts.lines([], [], [], "says").ends == ()
