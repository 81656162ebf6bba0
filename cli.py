"""Entry point: everything an operator types. `reinstate --help` lists it; each command calls a function elsewhere."""

import asyncio
import base64
import os
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from google.protobuf import json_format
from pydantic import TypeAdapter
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.api.common.v1 import Payload

from connection import connect, data_converter, run_to_the_end
from development import keys, namespace, supervisor
from domain.case import parse_reference, workflow_id
from domain.decisions import Decision, Item, Outcome, Reason
from operations import audit_commands, commands
from settings import Settings, load
from storage import agents, intake, migrate, reads
from storage.engine import Database

ROOT = Path(__file__).resolve().parent

app = typer.Typer(
    name="reinstate",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
keys_app = typer.Typer(no_args_is_help=True, help="Secrets.")
agents_app = typer.Typer(no_args_is_help=True, help="The people of the desk.")
decision_app = typer.Typer(no_args_is_help=True, help="Decisions, for clients other than the desk.")
app.add_typer(keys_app, name="keys")
app.add_typer(agents_app, name="agents")
app.add_typer(decision_app, name="decision")


def fail(line: str) -> typer.Exit:
    """Say why on standard error and end with status 1: `raise fail("...")`."""
    typer.echo(line, err=True)
    return typer.Exit(1)


@app.callback()
def everything(
    instance: Annotated[
        Path | None, typer.Option(help="Act on the `make run` that keeps its data in this folder.")
    ] = None,
) -> None:
    """Give people back the accounts they have lost."""
    if instance is None:
        return
    try:
        os.environ.update(keys.read_variables(instance / supervisor.INSTANCE_FILE))
    except FileNotFoundError:
        raise fail(f"{instance} holds no instance; `make run VAR={instance}` makes one") from None


@app.command()
def dev(port: int = 8000, var: Path = Path("var")) -> None:
    """Run everything on this machine: Temporal, catcher, worker, web and demo people (`make run`)."""
    try:
        supervisor.run(port, var)
    except supervisor.CannotRun as reason:
        raise fail(str(reason)) from None


@app.command()
def web(
    host: str = "127.0.0.1",
    port: int = 8000,
    grace: Annotated[int, typer.Option(help="Seconds that open requests get when it is told to end.")] = 20,
) -> None:
    """Serve the pages."""
    load()
    # Which proxies are believed is a setting of ours; uvicorn would believe those on this machine.
    uvicorn.run("web.app:create_app", factory=True, host=host, port=port, timeout_graceful_shutdown=grace,
                access_log=False, proxy_headers=False, server_header=False, log_config=None)  # fmt: skip


@app.command(name="worker")
def run_worker() -> None:
    """Run the Temporal worker, in place of this process, so that signals reach it."""
    os.execv(sys.executable, [sys.executable, str(ROOT / "worker.py")])  # noqa: S606


@app.command(name="migrate")
def run_migrations(
    revision: str = "head",
    down: Annotated[bool, typer.Option("--down", help="Go back to the revision instead.")] = False,
) -> None:
    """Bring the database schema up to date."""
    url = load().database_url
    if down:
        migrate.downgrade(url, revision)
    else:
        migrate.upgrade(url, revision)


@app.command()
def setup(
    only_schedule: Annotated[
        bool, typer.Option(help="Namespace and search attributes are made elsewhere, as on Temporal Cloud.")
    ] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for Temporal to come up.")] = 120,
) -> None:
    """Make namespace, search attributes and Schedules in Temporal; changes nothing the second time."""
    settings = load()

    async def prepare() -> None:
        client = await namespace.when_up(lambda: connect(settings), wait)
        await (namespace.ensure_schedules(client) if only_schedule else namespace.prepare(client))
        typer.echo(f"namespace {client.namespace} is ready")

    asyncio.run(prepare())


@app.command()
def reconcile() -> None:
    """Start now the cases that were written but never reached Temporal; the Schedule does it every 30 seconds."""
    settings = load()

    async def trigger() -> None:
        await (await connect(settings)).get_schedule_handle(namespace.RECONCILER).trigger()

    asyncio.run(trigger())
    typer.echo("asked for; a worker does it")


@app.command()
def replay(
    history: Annotated[Path, typer.Argument(help="As `temporal workflow show --output json` prints it.")],
) -> None:
    """Say whether the code of today still fits what a case has done."""
    file = history.absolute()
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "development.replay", str(file)])  # noqa: S606


@keys_app.command(name="new")
def new_key(
    name: Annotated[str, typer.Argument(help="Its id; the month is a good one.")] = f"{datetime.now(UTC):%Y-%m}",
    webhook: Annotated[bool, typer.Option("--webhook", help="A secret for REINSTATE_SMS_SECRET.")] = False,
) -> None:
    """Print a fresh key for a REINSTATE_..._KEYS variable; to rotate, put it before the earlier ones."""
    typer.echo(keys.fresh_webhook_secret() if webhook else keys.fresh_key(name))


@agents_app.command(name="add")
def add_agent(
    name: str,
    role: agents.Role,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    display_name: str = "",
) -> None:
    """Add somebody to the desk; asks for a first password."""

    async def add(session: AsyncSession, _settings: Settings) -> None:
        await agents.add_agent(
            session, name=name, display_name=display_name or name.capitalize(), role=role, password=password
        )

    try:
        in_database(add)
    except agents.NameTaken:
        raise fail(f"there is an agent {name} already") from None


@agents_app.command(name="list")
def list_agents() -> None:
    """Everybody at the desk."""

    async def show(session: AsyncSession, _settings: Settings) -> None:
        for row in await agents.all_agents(session):
            typer.echo(f"{row.name:<16} {row.role:<10} {'' if row.is_active else 'left':<6} {row.display_name}")

    in_database(show)


@decision_app.command()
def sign(
    case: Annotated[str, typer.Option(help="The reference of the case.")],
    outcome: Annotated[Outcome, typer.Option()],
    reason: Annotated[Reason, typer.Option()],
    agent: Annotated[str, typer.Option(help="Who decided.")],
    plan: Annotated[str, typer.Option(help="Approvals of claims: the contact to replace, `all` or `keep`.")] = "",
    item: Annotated[list[Item] | None, typer.Option(help="Questions in claims: what is asked for.")] = None,
    sealed: Annotated[bool, typer.Option("--sealed", help="Print the encrypted payload instead of JSON.")] = False,
) -> None:
    """Write down a decision and print the signal that carries it: the argument, then a `temporal` command."""
    reference = parse_reference(case)

    async def write_and_print(session: AsyncSession, settings: Settings) -> None:
        row = await reads.case_row(session, reference) if reference else None
        if row is None:
            raise fail(f"there is no case {case}")
        decision = await intake.receive_decision(
            session,
            settings.rings(),
            reference=row.reference,
            version=reads.case_of(row).version,
            outcome=outcome,
            reason=reason,
            agent=agent,
            key=secrets.token_hex(16),
            items=tuple(item or ()),
            plan=plan,
        )
        # Whoever asked for it sends it: the reconciler must not decide in their place.
        await intake.mark_delivered(session, decision.id)
        typer.echo(await signal_text(decision, workflow_id(row.kind, row.reference), settings, sealed=sealed))

    in_database(write_and_print)


async def signal_text(decision: Decision, workflow: str, settings: Settings, *, sealed: bool) -> str:
    """The argument of `decision_made` on one line, and the command line that sends it on the next."""
    command = ["temporal", "workflow", "signal", "--workflow-id", workflow, "--name", "decision_made"]
    if not sealed:
        plain = TypeAdapter(Decision).dump_json(decision).decode()
        return f"{plain}\n{shlex.join([*command, '--input', plain])}"
    converter = data_converter(settings.payload_ring(), refuse_plain=not settings.is_development)
    (payload,) = await converter.encode([decision])
    return f"{payload_text(payload)}\n{shlex.join([*command, *payload_options(payload)])}"


def payload_text(payload: Payload) -> str:
    """Protobuf JSON: what `metadata` and `data` of a payload look like to every Temporal client."""
    return json_format.MessageToJson(payload, indent=None)


def payload_options(payload: Payload) -> list[str]:
    """How the `temporal` command takes a payload that is encrypted already."""
    metadata = [("--input-meta", f"{name}={value.decode()}") for name, value in payload.metadata.items()]
    data = base64.b64encode(payload.data).decode()
    return ["--input-base64", "--input", data, *(word for pair in metadata for word in pair)]


def in_database(work: Callable[[AsyncSession, Settings], Awaitable[Any]]) -> None:
    """Run `work` in one transaction. A database that is away or old ends the command with one line."""

    async def run() -> None:
        settings = load()
        database = Database(settings.database_url)
        try:
            async with database.write() as session:
                await work(session, settings)
        finally:
            await database.close()

    try:
        asyncio.run(run())
    except OperationalError as failure:
        raise fail(f"the database refused (is it up, and did `reinstate migrate` run?): {failure.orig}") from None


commands.register(app, keys_app)
audit_commands.register(app, agents_app)

if __name__ == "__main__":
    run_to_the_end(app)
