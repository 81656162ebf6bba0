"""Killed processes, decisions that wait, signals from other clients: the same tab finishes."""

import json
import os
import signal
import subprocess
import sys

from playwright.sync_api import expect

from domain.case import grouped
from domain.recovery import State
from tests.e2e.journeys import SETTLES, choose_password, enter_code, heading, is_back, is_signed_in_as, prove, sign_in
from tests.e2e.seeds import behind, hand_to, state_of, use_up_the_codes
from tests.e2e.town import ROOT, code_in, wait_until


def at_the_desk(page, name):
    page.goto("/desk/sign-in")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", "desk-demo-2025")
    page.click("main button[type=submit]")
    page.wait_for_url("**/desk")


def decide(page, reference, outcome):
    page.goto(f"/desk/cases/{grouped(reference)}")
    page.select_option("select[name=reason]", "codes_used_up")
    page.click(f"button[name=outcome][value={outcome}]")


def test_worker_is_killed_between_code_and_password_and_the_same_tab_finishes(town, people):
    vip = people.person()
    prove(vip, town, "vip@example.com", "vip@example.com")
    expect(heading(vip)).to_have_text("Choose a new password")
    town.kill("worker")
    choose_password(vip, "a lamp left burning")
    lost, done = vip.get_by_text("Nothing was lost"), vip.get_by_role("heading", name="You can sign in again")
    expect(done.or_(lost)).to_be_visible(timeout=3 * SETTLES)
    if lost.count():
        wait_until(lambda: town.children().get("worker"), 20)
        vip.click("text=Try again")
        try:
            expect(done).to_be_visible(timeout=SETTLES)  # it was taken, and the page says so by itself
        except AssertionError:
            choose_password(vip, "a lamp left burning")
    is_back(vip, "vip")
    sign_in(vip, "vip", "a lamp left burning")
    is_signed_in_as(vip, "vip")


def test_decision_made_while_no_worker_runs_brings_one_more_code_when_one_returns(town, people):
    opened = behind(town, lambda desk: use_up_the_codes(desk, "ada@example.com"))
    ada, sam = people.person(), people.person()
    hand_to(ada, town, opened)
    ada.click("text=Ask the desk for one more code")
    expect(ada.locator("main")).to_contain_text("desk")
    at_the_desk(sam, "sam")
    expect(sam.locator("main")).to_contain_text(grouped(opened.reference))
    before = len(town.messages("ada@example.com"))
    worker = town.children()["worker"]
    os.kill(worker, signal.SIGSTOP)  # a dead one would be started again at once
    try:
        decide(sam, opened.reference, "allow")
        expect(sam.locator("main")).to_contain_text("not answered yet")
    finally:
        os.kill(worker, signal.SIGKILL)
    message = town.code("ada@example.com", opened.reference, 3)
    expect(sam.locator("main")).to_contain_text("one more code", timeout=20_000)
    assert len(town.messages("ada@example.com")) == before + 1
    expect(heading(ada)).to_have_text("Enter the code", timeout=20_000)
    enter_code(ada, code_in(message))
    choose_password(ada, "two rivers and a bridge")
    is_back(ada, "ada")


def test_an_agent_stops_a_case_by_the_command_line_and_a_forged_signal_is_refused(town, people):
    opened = behind(town, lambda desk: use_up_the_codes(desk, "pat-is-nobody@example.com"))
    signed = _signed(town, opened.reference)
    forged = {**signed, "id": "decision/forged", "outcome": "stop"}

    async def send(desk, argument):
        handle = desk.client.get_workflow_handle(f"recovery/{grouped(opened.reference)}")
        await handle.signal("decision_made", argument)

    behind(town, lambda desk: send(desk, forged))
    kim = people.person()
    at_the_desk(kim, "kim")
    kim.goto(f"/desk/cases/{grouped(opened.reference)}")
    expect(kim.locator("main")).to_contain_text("no valid proof", timeout=20_000)
    behind(town, lambda desk: send(desk, signed))
    behind(town, lambda desk: state_of(desk, opened.reference, State.STOPPED))


def _signed(town, reference):
    """What `reinstate decision sign` prints: the argument of the signal on its first line."""
    options = ["--case", reference, "--outcome", "stop", "--reason", "suspicious", "--agent", "lee"]
    command = [sys.executable, "cli.py", "--instance", str(town.var), "decision", "sign", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[0])


def test_everything_stops_within_ten_seconds_and_goes_on_after_the_next_start(town, people):
    olu = people.person()
    prove(olu, town, "olu@example.com", "olu@example.com")
    expect(olu.locator("input[name=proof]")).to_be_visible()
    olu.goto("about:blank")
    started = list(town.children().values())
    assert town.stop() < 10
    assert not [pid for pid in started if _is_alive(pid)]
    assert town.start() < 30
    olu.go_back()
    olu.fill("input[name=proof]", "OLUA-0003")
    olu.click("main button.btn-go")
    choose_password(olu, "harmattan in january")
    is_back(olu, "olu")


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
