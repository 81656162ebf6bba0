"""Every figure that an alert or a panel of the dashboard asks for is one that a running web or worker shows."""

import asyncio
import itertools
import json
import re
import urllib.request
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client, WorkflowHandle

from connection import data_converter
from storage import erasure
from storage.engine import Database
from storage.keys import Ring
from storage.models import BudgetRow
from tests.stack import compose
from tests.stack.compose import ROOT
from tests.stack.people import Diary, Mailbox, Person
from tests.stack.stack import Stack
from workflows import CASES

ALERTS = ROOT / "deploy" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana.json"
STARTED = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
JOBS = ("reinstate-web", "reinstate-worker")
OF_PROMETHEUS = {"up"}
"""What Prometheus itself says about a job."""
_NAME = re.compile(r"\b(?:reinstate|temporal|process)_\w+|\bup\b")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> dict[str, str]:
    """Every query, by where it stands."""
    found = {f"alert {rule['alert']}": rule["expr"] for rule in rules()}
    for panel in panels():
        for target in panel["targets"]:
            found[f"panel {panel['title']} {target['refId']}"] = target["expr"]
    return found


def without_texts(expression: str) -> str:
    """The query without what stands in quotes."""
    return re.sub(r"\"[^\"]*\"", '""', expression)


@pytest.fixture(scope="module")
def shown(stack: Stack, numbers: "itertools.count[int]") -> dict[str, set[str]]:
    """Names of samples, with the names of their labels, after a little of everything has happened."""
    asyncio.run(_something_of_everything(stack, numbers))
    return _scraped(stack)


async def _something_of_everything(stack: Stack, numbers: "itertools.count[int]") -> None:
    client = await _client(stack)
    unknown = await client.start_workflow("NobodyKnows", id="nobody-knows", task_queue=CASES)
    stack.wait(lambda: "temporal_workflow_task_execution_failed_total" in _scraped(stack), "a failed workflow task")
    await unknown.terminate()
    await Person(stack.webs, Mailbox(stack.mailbox), Diary(), next(numbers)).recover()
    await _a_message_that_came_to_nothing(stack, client, next(numbers))


async def _client(stack: Stack) -> Client:
    values = compose.variables(stack.production.read_text())
    converter = data_converter(Ring.parse(values["REINSTATE_PAYLOAD_KEYS"]), refuse_plain=True)
    address = stack.environment("worker")["TEMPORAL_ADDRESS"]
    return await Client.connect(address, namespace="reinstate", data_converter=converter)


async def _a_message_that_came_to_nothing(stack: Stack, client: Client, number: int) -> None:
    """A mail server that says nothing, and a case that is gone when the worker tells Temporal about it."""
    person = Person(stack.webs, Mailbox(stack.mailbox), Diary(), number)
    with stack.asleep("catcher"):
        await person.visits_once(person.start)
        handle = client.get_workflow_handle(f"recovery/{person.reference}")
        async with asyncio.timeout(60):
            while not await _is_sending(handle):  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.1)
        await handle.terminate()
        stack.wait(lambda: "temporal_request_failure_total" in _scraped(stack), "a refused answer")
    await _forget(stack, person.reference.replace("-", ""))


async def _is_sending(handle: WorkflowHandle[Any, Any]) -> bool:
    pending = (await handle.describe()).raw_description.pending_activities
    return any(activity.state == STARTED for activity in pending)


async def _forget(stack: Stack, reference: str) -> None:
    """Its workflow is gone, so it would stay open for ever, and what it reserved until the end of the day."""
    database = Database(stack.database_url)
    async with database.write() as session:
        await session.execute(update(BudgetRow).values(reserved=0))
        await erasure.forget_case(session, reference)
    await database.close()


def _scraped(stack: Stack) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for address in stack.scraped:
        with urllib.request.urlopen(address, timeout=10) as answer:
            text = answer.read().decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("where", expressions())
def test_every_figure_that_is_asked_for_is_shown(shown: dict[str, set[str]], where: str) -> None:
    asked = set(_NAME.findall(without_texts(expressions()[where])))
    assert asked
    assert asked - set(shown) - OF_PROMETHEUS == set()


@pytest.mark.parametrize("where", expressions())
def test_every_label_that_is_asked_for_is_there(shown: dict[str, set[str]], where: str) -> None:
    expression = without_texts(expressions()[where])
    labels = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", expression))
    for inside in re.findall(r"\bby \(([^)]*)\)", expression):
        labels |= {label.strip() for label in inside.split(",")}
    offered = {"le", "job", "instance"}.union(*(shown.get(name, set()) for name in _NAME.findall(expression)))
    assert labels - offered == set()


def test_no_label_holds_a_reference_or_an_address(stack: Stack, shown: dict[str, set[str]]) -> None:
    for address in stack.scraped:
        with urllib.request.urlopen(address, timeout=10) as answer:
            text = answer.read().decode()
        assert "@" not in text
        assert not re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}", text)


def test_every_alarm_says_what_to_do() -> None:
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "action"}, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["for"]


def test_the_jobs_of_the_rules_are_those_that_are_scraped() -> None:
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())
    assert [job["job_name"] for job in scraped["scrape_configs"]] == list(JOBS)
    asked = {job for expression in expressions().values() for job in re.findall(r'job="([^"]+)"', expression)}
    assert asked <= set(JOBS)
    assert scraped["rule_files"] == [ALERTS.name]
