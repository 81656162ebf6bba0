"""The whole examination, in the order in which one thing needs another. It changes nothing."""

import asyncio

from pydantic import SecretStr

from operations.checks import database, delivery, keys, scanner, settings, temporal
from operations.findings import Finding
from settings import Settings
from storage.engine import Database
from storage.keys import Ring, Rings


async def examine() -> list[Finding]:
    """Every finding, wrong or well. What cannot be looked at, because something before it is wrong, is left out."""
    found, findings = settings.read()
    if found is None:
        return findings
    rings, payload = _rings(found)
    parts = await asyncio.gather(
        _database(found, rings),
        _temporal(found, payload),
        delivery.mail(found),
        delivery.text_messages(found),
        scanner.clamd(found),
    )
    in_database, in_temporal, mail, text, files = parts
    return [*findings, *in_database, *in_temporal, mail, *text, files]


def _rings(found: Settings) -> tuple[Rings | None, Ring | None]:
    """What can be read of them; what cannot is among the findings about settings."""
    try:
        rings: Rings | None = found.rings()
    except ValueError:
        rings = None
    try:
        return rings, found.payload_ring()
    except ValueError:
        return rings, None


async def _database(found: Settings, rings: Rings | None) -> list[Finding]:
    opened = Database(found.database_url)
    try:
        answers = await database.answers(opened, found)
        if not answers.is_well:
            return [answers]
        async with opened.read() as session:
            schema = await database.schema(session, found)
            findings = [answers, schema, await database.clock(session)]
            if schema.is_well and rings:
                findings += await keys.in_database(session, rings)
            return findings
    finally:
        await opened.close()


async def _temporal(found: Settings, payload: Ring | None) -> list[Finding]:
    # Without its keys nobody can talk to Temporal as we do, but for asking whether it is there.
    known = found if payload else found.model_copy(update={"payload_keys": _any_key()})
    client, answers = await temporal.reach(known)
    if client is None:
        return [answers]
    namespace = await temporal.has_namespace(client)
    if not namespace.is_well:
        return [answers, namespace]
    now, clock = await temporal.clock(client)
    findings = [answers, namespace, await temporal.search_attributes(client), clock]
    findings += await temporal.workers(client, now)
    findings += await temporal.schedules(client, now)
    return [*findings, await keys.in_temporal(client, payload)] if payload else findings


def _any_key() -> SecretStr:
    return SecretStr(Ring.fresh("none").text())
