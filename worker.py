"""Entry point: the Temporal worker. Builds the activities from the settings and runs until SIGTERM or SIGINT."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import structlog
import uvloop
from temporalio.client import Client
from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import logs
from activities.accounts.addresses import SqlAddressBook
from activities.accounts.claims import SqlClaims
from activities.accounts.hashing import Hashers
from activities.accounts.sql import SqlAccounts
from activities.clamd import Clamd
from activities.codes import DerivedCodes
from activities.decisions import ProvedDecisions, ReceivedObjections
from activities.delivery.channels import Carrier, Text
from activities.delivery.render import Platform, Renderer
from activities.delivery.sender import Sender
from activities.delivery.sms_twilio import TwilioCarrier
from activities.delivery.sms_webhook import WebhookCarrier
from activities.delivery.smtp import SmtpCarrier
from activities.erasure import SqlErasure
from activities.files import ScannedFiles
from activities.find import SentWaysBack
from activities.notices import SentNotices
from activities.records import SqlRecords
from activities.upkeep import SqlUpkeep
from connection import connect, run_to_the_end
from settings import Settings, load
from storage.engine import Database
from storage.keys import Rings
from storage.people import RowKeys
from workflows import ACCOUNTS, CASES, DELIVERY
from workflows.claim import ClaimWorkflow
from workflows.find import FindWorkflow
from workflows.reconcile import ReconcileWorkflow
from workflows.recovery import RecoveryWorkflow
from workflows.retention import RetentionWorkflow

log = structlog.get_logger()

WORKFLOWS = [RecoveryWorkflow, ClaimWorkflow, FindWorkflow, ReconcileWorkflow, RetentionWorkflow]
GRACE = timedelta(seconds=8)
"""How long running activities may go on after a signal; `make run` must end within 10 s."""
STICKY = timedelta(seconds=2)
"""What a person waits after this process was killed and another goes on (the default is 10 s)."""
OURS = ("domain", "activities.contract", "activities", "workflows")


def runner() -> SandboxedWorkflowRunner:
    """The sandbox keeps its checks at run time; our pure modules are imported once instead of once a workflow."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*OURS))


def sender_of(settings: Settings, database: Database, rings: Rings, sms: httpx2.AsyncClient) -> Sender:
    """Mail and text messages as the settings say."""
    platform = Platform(
        name=settings.platform_name,
        sender=settings.platform_sender,
        help=settings.platform_help,
        public_url=settings.public_url,
        time_zone=settings.time_zone,
        accent=settings.platform_accent,
    )
    mail = SmtpCarrier(
        settings.smtp_url,
        sender=settings.platform_sender,
        sender_name=f"{settings.platform_name} account help",
        host=settings.host,
        timeout=settings.smtp_timeout,
    )
    secret, sender = settings.sms_secret.get_secret_value(), settings.sms_sender
    text: Carrier[Text]
    if settings.sms_provider == "twilio":
        text = TwilioCarrier(sms, settings.sms_url, account=settings.sms_account, token=secret, sender=sender)
    else:
        text = WebhookCarrier(sms, settings.sms_url, secret=secret, sender=sender)
    return Sender(
        database,
        rings,
        RowKeys(rings.row),
        Renderer(platform),
        mail=mail,
        text=text,
        meter=Runtime.default().metric_meter,
    )


def clamd_of(settings: Settings) -> Clamd | None:
    """The scanner of files, if there is one."""
    return Clamd(settings.clamd, timeout=settings.clamd_timeout) if settings.clamd else None


@asynccontextmanager
async def workers(client: Client, settings: Settings, sender: Sender | None = None) -> AsyncIterator[None]:
    """Workers of all three task queues in this process, from the first poll to the drained end."""
    database, rings = Database(settings.database_url), settings.rings()
    hashers, row_keys = Hashers(), RowKeys(rings.row)
    sms = httpx2.AsyncClient(timeout=settings.sms_timeout)
    sender = sender or sender_of(settings, database, rings, sms)
    accounts, claims = SqlAccounts(database, rings, hashers), SqlClaims(database, rings, hashers)
    codes = DerivedCodes(database, rings, sender)
    notices = SentNotices(database, row_keys, SqlAddressBook(database, rings), sender)
    files, ways_back = ScannedFiles(database, rings, clamd_of(settings)), SentWaysBack(database, rings, sender)
    records, decisions = SqlRecords(database, rings), ProvedDecisions(database, rings)
    objections, upkeep, erasure = ReceivedObjections(database), SqlUpkeep(database), SqlErasure(database)
    quick: list[Any] = [
        records.record_recovery,
        records.record_claim,
        codes.issue_code,
        accounts.look_at_accounts,
        accounts.check_recovery_code,
        claims.look_at_contact,
        decisions.check_decision,
        objections.check_objection,
        upkeep.find_orphans,
        upkeep.mark_reached,
        upkeep.forget_what_is_over,
        erasure.erase_people,
        erasure.erase_records,
    ]
    common: dict[str, Any] = {"graceful_shutdown_timeout": GRACE}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        stack.push_async_callback(sms.aclose)
        stack.callback(hashers.close)
        await hashers.warm()
        for worker in (
            Worker(
                client,
                task_queue=CASES,
                workflows=WORKFLOWS,
                activities=quick,
                workflow_runner=runner(),
                max_cached_workflows=500,
                max_concurrent_workflow_tasks=8,
                sticky_queue_schedule_to_start_timeout=STICKY,
                **common,
            ),
            Worker(
                client,
                task_queue=ACCOUNTS,
                activities=[
                    accounts.apply_password,
                    accounts.freeze_account,
                    accounts.end_freeze,
                    claims.weigh_evidence,
                    claims.begin_hand_back,
                    claims.take_step,
                ],
                max_concurrent_activities=8,
                **common,
            ),
            Worker(
                client,
                task_queue=DELIVERY,
                activities=[codes.send_code, notices.send_notice, ways_back.send_way_back, files.scan_files],
                max_concurrent_activities=20,
                **common,
            ),
        ):
            await stack.enter_async_context(worker)
        yield


async def connected(settings: Settings) -> Client:
    """A client, however long Temporal takes to come up."""
    delay = 0.2
    while True:
        try:
            return await connect(settings)
        except RuntimeError as failure:
            log.warning("temporal is away", error=type(failure).__name__, again_in=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)


def runtime(settings: Settings) -> Runtime:
    """What is under the SDK: its log, and `/metrics` with its own figures and ours. Once a process."""
    # Core writes to standard output, sometimes whole histories in one line: errors only.
    quiet = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    scraped = None
    if settings.worker_metrics:
        scraped = PrometheusConfig(
            settings.worker_metrics, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
        )
    try:
        telemetry = TelemetryConfig(logging=LoggingConfig(filter=quiet), metrics=scraped, attach_service_name=False)
        return Runtime(telemetry=telemetry)
    except ValueError as failure:
        raise SystemExit(f"worker: REINSTATE_WORKER_METRICS={settings.worker_metrics}: {failure}") from None


async def main() -> None:
    settings = load()
    logs.configure(level=settings.log_level, as_json=not settings.is_development)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    Runtime.set_default(runtime(settings))
    starting = asyncio.create_task(connected(settings))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        starting.cancel()
        return
    async with workers(await starting, settings):
        print("worker: ready", flush=True)  # noqa: T201 - the supervisor waits for this line
        await stop.wait()
        log.info("worker stops")


if __name__ == "__main__":
    run_to_the_end(lambda: uvloop.run(main()))
