"""What `cli.py` offers operators from this package: `keys rotate|retire|rewrap|list`, `erase`, `doctor`.

Commands say what they did on standard output, and why not on standard error with status 1.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from connection import connect
from domain.case import grouped, parse_reference
from operations import doctor, erasing, rings
from operations.key_uses import Uses, uses
from operations.rewrap import ChainBroken, rewrap
from operations.rings import NotThisRing, RingName
from operations.runs import TooManyRuns, runs_with_key
from settings import Settings, load
from storage.engine import Database
from storage.keys import Ring

T = TypeVar("T")
KeysFile = Annotated[
    Path | None, typer.Option("--file", help="Change the line in this file instead of printing it.", exists=True)
]


def register(app: typer.Typer, keys_app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(name="doctor")(examine)
    app.command(name="erase")(erase)
    keys_app.command(name="list")(list_keys)
    keys_app.command(name="rotate")(rotate)
    keys_app.command(name="retire")(retire)
    keys_app.command(name="rewrap")(rewrap_keys)


def fail(line: str) -> typer.Exit:
    typer.echo(line, err=True)
    return typer.Exit(1)


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        database = Database(settings.database_url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


# ---- keys -----------------------------------------------------------------------------------------------------------


def rotate(
    ring: RingName,
    key: Annotated[str, typer.Option("--id", help="Id of the new key; the month is a good one.")] = "",
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Put the new key last: processes learn it before any uses it.")
    ] = False,
    to: Annotated[str, typer.Option("--to", help="Use this key, which every process knows already.")] = "",
    file: KeysFile = None,
) -> None:
    """Print a ring with a new key, newest first. Without a pause: `--prepare`, restart all, `--to ID`, restart all."""
    name = key or f"{datetime.now(UTC):%Y-%m-%d}"
    try:
        old = _read(ring, file)
        new = rings.preferred(old, to) if to else (rings.prepared if prepare else rings.rotated)(old, name)
    except (NotThisRing, ValueError) as reason:
        raise fail(str(reason)) from None
    _hand_over(ring, new, file)
    if not prepare:
        typer.echo(f"{ring}: {new.current} is used once all processes were restarted with this", err=True)


def retire(ring: RingName, key: str, file: KeysFile = None) -> None:
    """Print a ring without a key. Refused while anything still needs it."""
    try:
        old = _read(ring, file)
        new = rings.without(old, key)
        needed = _needed(ring, key)
    except (NotThisRing, TooManyRuns, ValueError) as reason:
        raise fail(str(reason)) from None
    if needed:
        raise fail("\n".join([f"{ring}: {key} is still needed by", *(f"  {use}" for use in needed)]))
    _hand_over(ring, new, file)


def rewrap_keys(ring: Annotated[RingName | None, typer.Argument(help="Only this ring.")] = None) -> None:
    """Make what lasts anew with the newest keys: keys of people, the blind index, chains of events."""
    settings = load()

    async def work(database: Database) -> None:
        for name in [ring] if ring else list(RingName):
            for renewal in await rewrap(database, settings.rings(), name):
                typer.echo(f"{name}: {renewal.count:,} {renewal.what} made anew")

    try:
        with_database(settings, work)
    except ChainBroken as reason:
        raise fail(f"{reason}; nothing of this case was changed") from None


def list_keys() -> None:
    """The ids of all keys, newest first, with what still needs the earlier ones."""
    settings = load()
    for name in RingName:
        first, *earlier = rings.ring_of(settings, name).keys
        typer.echo(f"{name:<9} {first} (used)")
        for key in earlier:
            needed = _needed(name, key)
            typer.echo(f"{'':<9} {key} ({'; '.join(needed) if needed else 'needed by nothing: retire it'})")


def _read(ring: RingName, file: Path | None) -> Ring:
    return rings.read_ring(file, ring) if file else rings.ring_of(load(), ring)


def _hand_over(ring: RingName, new: Ring, file: Path | None) -> None:
    if file:
        rings.write_ring(file, ring, new)
        typer.echo(f"{file}: {ring.variable} is now {', '.join(new.keys)}")
    else:
        typer.echo(f"{ring.variable}={new.text()}")


def _needed(ring: RingName, key: str) -> Uses:
    settings = load()

    async def in_temporal() -> Uses:
        found = await runs_with_key(await connect(settings), key)
        return [f"runs that Temporal keeps, such as {', '.join(found)}"] if found else []

    async def in_database(database: Database) -> Uses:
        async with database.read() as session:
            return await uses(session, settings.rings(), ring, key)

    return asyncio.run(in_temporal()) if ring is RingName.PAYLOAD else with_database(settings, in_database)


# ---- people ---------------------------------------------------------------------------------------------------------


def erase(
    case: Annotated[str, typer.Option(help="The reference of one case.")] = "",
    account: Annotated[str, typer.Option(help="The opaque reference of an account, with all its cases.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person: destroy the key of what is sealed, and delete it. Nobody can bring it back."""
    if bool(case) == bool(account):
        raise fail("either --case or --account")
    reference = parse_reference(case) if case else None
    if case and not reference:
        raise fail(f"{case} is no reference")
    if not yes:
        typer.confirm(f"Erase everything personal about {case or account}, for good?", abort=True)

    async def work(database: Database) -> list[str]:
        async with database.write() as session:
            return await _erase(session, reference, account)

    try:
        erased = with_database(load(), work)
    except erasing.NobodyThere as reason:
        raise fail(str(reason)) from None
    typer.echo(f"erased; cases: {', '.join(map(grouped, erased)) or 'none'}")


async def _erase(session: AsyncSession, reference: str | None, account: str) -> list[str]:
    return await (erasing.case(session, reference) if reference else erasing.account(session, account))


# ---- health ---------------------------------------------------------------------------------------------------------


def examine() -> None:
    """Say in plain words what is wrong: settings, database, Temporal, workers, mail, SMS, keys, clocks."""
    findings = asyncio.run(doctor.examine())
    for finding in findings:
        typer.echo(finding.line(), err=not finding.is_well)
    wrong = sum(not finding.is_well for finding in findings)
    if wrong:
        raise fail(f"\n{wrong} {'thing is' if wrong == 1 else 'things are'} wrong")
    typer.echo("\neverything is well")
