"""A fresh run asks for the same things, in the same order, as the one that was recorded from the processes."""

from domain.recovery import State
from tests.house import on_sqlite, wrong
from tests.replay import corpus

pytestmark = on_sqlite


def recorded(scenario: str) -> tuple[str, ...]:
    """What the newest recording of this scenario asked for."""
    *_, entry = [entry for entry in corpus.entries() if (entry.workflow, entry.scenario) == ("Recovery", scenario)]
    return corpus.undisturbed(entry.fingerprint)


async def done(house, reference: str) -> tuple[str, ...]:
    """What this case asked for, until its end."""
    handle = house.handle(reference)
    await handle.result()
    return corpus.undisturbed(corpus.fingerprint(corpus.lines(await handle.fetch_history())))


async def test_recovery_by_code_is_as_recorded(house):
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    await house.idle(opened.reference)
    await house.submit(opened, code)
    await house.set_password(opened, "a new and long password")
    assert await done(house, opened.reference) == recorded("by-code")


async def test_other_case_is_not_as_recorded(house):
    """Control: a wrong code is a difference."""
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    await house.submit(opened, wrong(code))
    answer = await house.submit(opened, code)
    assert answer.state == State.AWAITING_NEW_PASSWORD
    await house.set_password(opened, "a new and long password")
    assert await done(house, opened.reference) != recorded("by-code")
