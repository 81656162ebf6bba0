"""What `cli.py` offers for audits and for agents in trouble: `audit verify`, `agents reset-factor`."""

import asyncio
from typing import Annotated

import typer
from sqlalchemy import update
from sqlmodel import col

from connection import connect
from domain.case import grouped, parse_reference
from operations import auditing
from settings import load
from storage import audit, desk
from storage.engine import Database, database_time
from storage.models import AgentRow, AgentSessionRow

audit_app = typer.Typer(no_args_is_help=True, help="The record of what happened.")


def register(app: typer.Typer, agents_app: typer.Typer) -> None:
    """Add the commands to the command line."""
    audit_app.command(name="verify")(verify)
    app.add_typer(audit_app, name="audit")
    agents_app.command(name="reset-factor")(reset_factor)


def fail(line: str) -> typer.Exit:
    typer.echo(line, err=True)
    return typer.Exit(1)


@audit_app.callback()
def about() -> None:
    """The record of what happened."""  # without this, the only command of a group would take the group's name


def verify(
    case: Annotated[str, typer.Option(help="Only the case with this reference.")] = "",
    workflows: Annotated[
        bool, typer.Option("--workflows", help="Compare the last event of open cases with their workflow, too.")
    ] = False,
) -> None:
    """Check the chain of every event, and say which one breaks; status 1 if any does."""
    reference = parse_reference(case) if case else ""
    if reference is None:
        raise fail(f"{case} is no reference")
    if asyncio.run(_verify(reference, workflows=workflows)):
        raise typer.Exit(1)


async def _verify(reference: str, *, workflows: bool) -> bool:
    """Whether anything is wrong."""
    settings = load()
    database, chains, events, wrong = Database(settings.database_url), 0, 0, 0
    ring = settings.rings().audit
    try:
        if reference:
            async with database.read() as session:
                parts = [await audit.check_case(session, ring, reference)]
        else:
            parts = [part async for part in auditing.check_all(database, ring)]
        for part in parts:
            chains, events, wrong = chains + part.chains, events + part.events, wrong + len(part.breaks)
            for one in part.breaks:
                typer.echo(auditing.line(one), err=True)
        if workflows:
            named = [reference] if reference else await auditing.open_references(database)
            async for other in auditing.differences(database, await connect(settings), named):
                wrong += 1
                said = f"{other.table} events here, {other.workflow} in its workflow"
                typer.echo(f"{grouped(other.case)}: {said}", err=True)
    finally:
        await database.close()
    typer.echo(f"{events:,} events of {chains:,} chains checked, {wrong:,} wrong")
    return wrong > 0


def reset_factor(name: str) -> None:
    """Remove the second factor of an agent who has lost it, and end all their sessions."""

    async def work() -> bool:
        settings = load()
        database = Database(settings.database_url)
        try:
            async with database.write() as session:
                if await session.get(AgentRow, name) is None:
                    return False
                await desk.set_totp(session, settings.rings().row, name, None)
                mine = (col(AgentSessionRow.agent) == name, col(AgentSessionRow.ended_at).is_(None))
                now = await database_time(session)
                await session.execute(update(AgentSessionRow).where(*mine).values(ended_at=now))
        finally:
            await database.close()
        return True

    if not asyncio.run(work()):
        raise fail(f"there is no agent {name}")
    typer.echo(f"{name} signs in with the password alone, and sets a new factor up in the settings of the desk")
