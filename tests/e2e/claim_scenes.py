"""Every page of a claim for its claimant, and for whoever may stop it; seen beside those of `scenes.py`."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from domain import claim_events
from domain.claim_events import Step
from domain.decisions import ALL, Outcome, Reason
from storage import intake_desk
from tests.e2e.scenes import ACTED, Scene, Stage, acted, case_of, now
from tests.web import claims
from tests.web.stage import Browser
from tests.web.test_after_the_proof import GOOD
from tests.web.test_not_me import mailed
from web.gateway import Unavailable

DAY = timedelta(days=1)
Begun = Callable[[Stage], Awaitable[str]]


def in_claim(name: str) -> Callable[[Begun], Begun]:
    """A scene whose page is that of the claim that was begun; the function gives its reference."""

    def note(begun: Begun) -> Begun:
        async def act(stage: Stage) -> Scene:
            await begun(stage)
            return Scene(case_of(stage.ada))

        ACTED[f"claim {name}"] = act
        return begun

    return note


def below(name: str, path: str, begun: Begun, *fields: tuple[str, str], button: str = "") -> None:
    """A page below that of a claim."""

    async def act(stage: Stage) -> Scene:
        await begun(stage)
        return Scene(case_of(stage.ada) + path, fields, button)

    ACTED[f"claim {name}"] = act


for reason in ("contact", "compromised", "deleted", "other"):
    ACTED[f"claim begins, {reason}"] = lambda _, reason=reason: _there(Scene(f"/claim?reason={reason}"))  # type: ignore[misc]


async def _there(scene: Scene) -> Scene:
    return scene


@acted("claim begins, nothing written")
async def _nothing(stage: Stage) -> Scene:
    return Scene("/claim?reason=other", (("contact", "x"), ("what", "")), "Send me a code")


@in_claim("opening")
async def _opening(stage: Stage) -> str:
    stage.gateway.trouble = Unavailable("away")
    return await claims.makes_claim(stage.ada)


@in_claim("code")
async def _code(stage: Stage) -> str:
    return await claims.makes_claim(stage.ada)


@in_claim("code, a new one possible")
async def _code_open(stage: Stage) -> str:
    stage.gateway.later = -timedelta(seconds=61)
    reference = await claims.makes_claim(stage.ada, contact="+44 7700 900077")
    await stage.gateway.clock(reference, timedelta(seconds=61))
    return reference


below("other contact", "/other", _code_open)


@in_claim("code, over")
async def _code_over(stage: Stage) -> str:
    reference = await claims.makes_claim(stage.ada)
    await stage.gateway.happen(reference, claim_events.CodeExpired(now(), 1))
    return reference


@in_claim("evidence")
async def _evidence(stage: Stage) -> str:
    return await claims.proves(stage.ada, stage.gateway)


below("evidence, none", "/evidence", _evidence, ("created", "long ago"), button="Continue to check")


@in_claim("frozen at once")
async def _frozen(stage: Stage) -> str:
    return await claims.proves(stage.ada, stage.gateway, reason="compromised", contact="ada@example.com")


async def _checked(stage: Stage) -> str:
    reference = await claims.proves(stage.ada, stage.gateway)
    await stage.ada.post(f"{stage.ada.address}/evidence", **claims.NIA)
    return reference


below("check answers", "/check", _checked)


@in_claim("review")
async def _review(stage: Stage) -> str:
    return await claims.sends(stage.ada, stage.gateway)


below("sent", "/sent", _review)
below("message, none", "", _review, ("message", ""), button="Send the message")
below("withdraw?", "/withdraw", _review)


async def says(stage: Stage, reference: str, text: str) -> str:
    """What `sam` writes to the claimant; the name of its row."""
    async with stage.database.write() as session:
        return await intake_desk.write_text(
            session,
            stage.rings,
            reference=reference,
            audience="both",  # type: ignore[arg-type]
            author="sam",
            text=text,
            token=f"{reference}{text}",
        )


@in_claim("late")
async def _late(stage: Stage) -> str:
    stage.gateway.later = -4 * DAY
    reference = await claims.sends(stage.ada, stage.gateway)
    await stage.gateway.clock(reference, 4 * DAY)
    return reference


@in_claim("question")
async def _question(stage: Stage) -> str:
    reference = await claims.sends(stage.ada, stage.gateway)
    text = await says(stage, reference, "Hello, thank you.\nCan you tell us when you opened it, and send an invoice?")
    await stage.gateway.judged(reference, Outcome.ASK, items=("created", "document", "explanation"), text=text)
    return reference


@in_claim("answered")
async def _answered(stage: Stage) -> str:
    stage.gateway.later = -timedelta(hours=30)
    reference = await _question(stage)
    page = case_of(stage.ada)
    stage.gateway.later = -timedelta(hours=5)
    await stage.ada.get(page)
    await stage.ada.post(f"{page}/reply", message="It was March 2018.\nI have no invoice any more.")
    return reference


@in_claim("second person")
async def _second(stage: Stage) -> str:
    reference = await claims.sends(stage.ada, stage.gateway)
    await stage.gateway.judged(reference, Outcome.APPROVE, plan=ALL)
    return reference


@in_claim("cooling-off")
async def _cooling(stage: Stage) -> str:
    return await claims.approved(stage.ada, stage.gateway)


@in_claim("contested")
async def _contested(stage: Stage) -> str:
    reference = await claims.approved(stage.ada, stage.gateway, evidence=claims.PAT)  # nobody else's account
    then = now() + stage.gateway.later
    await stage.gateway.happen(reference, claim_events.OwnerObjected(then, "objection/x", then))
    return reference


@in_claim("handing back")
async def _handing(stage: Stage) -> str:
    stage.gateway.later = -31 * DAY
    reference = await claims.approved(stage.ada, stage.gateway)
    stage.gateway.at_work = False
    try:
        await stage.gateway.clock(reference, 31 * DAY)
        await stage.gateway.happen(reference, claim_events.HandBackBegun(now()))
        await stage.gateway.happen(reference, claim_events.StepDone(now(), Step.LIFT_FREEZE, "not_frozen"))
        await stage.gateway.happen(reference, claim_events.StepDelayed(now(), Step.CHANGE_CONTACTS))
    finally:
        stage.gateway.at_work = True
    return reference


@in_claim("link sent")
async def _link_sent(stage: Stage) -> str:
    stage.gateway.later = -31 * DAY
    return await claims.handed_back(stage.ada, stage.gateway)


async def _back(stage: Stage) -> str:
    """Somebody else's claim, in its probation."""
    stage.gateway.later = -31 * DAY
    return await claims.handed_back(stage.eve, stage.gateway)


@acted("claim link to a password")
async def _password_link(stage: Stage) -> Scene:
    return Scene(stage.gateway.link(await _back(stage)))


@acted("claim link that proves")
async def _proof_link(stage: Stage) -> Scene:
    return Scene(stage.gateway.link(await claims.makes_claim(stage.eve)))


@in_claim("password")
async def _password(stage: Stage) -> str:
    reference = await _link_sent(stage)
    await _presses(stage.ada, stage.gateway.link(reference))
    return reference


below("password, too short", "", _password, ("new_password", "short"), button="Set the new password")


async def _presses(visitor: Browser, link: str) -> None:
    await visitor.get(link)
    await visitor.post(link)


@in_claim("probation")
async def _probation(stage: Stage) -> str:
    reference = await _password(stage)
    page = case_of(stage.ada)
    await stage.ada.post(f"{page}/password", new_password=GOOD)
    return reference


@in_claim("recovered")
async def _recovered(stage: Stage) -> str:
    stage.gateway.later = -70 * DAY
    reference = await claims.handed_back(stage.ada, stage.gateway)
    await stage.gateway.clock(reference, 35 * DAY)
    return reference


@in_claim("contested in the probation")
async def _contested_late(stage: Stage) -> str:
    stage.gateway.later = -31 * DAY
    reference = await claims.handed_back(stage.ada, stage.gateway, evidence=claims.PAT)
    await stage.gateway.happen(reference, claim_events.OwnerObjected(now(), "objection/x", now()))
    return reference


@in_claim("undone")
async def _undone(stage: Stage) -> str:
    reference = await _contested_late(stage)
    await stage.gateway.judged(reference, Outcome.UNDO, by="lee", reason=Reason.OWNER_OBJECTED)
    return reference


@in_claim("denied")
async def _denied(stage: Stage) -> str:
    reference = await claims.sends(stage.ada, stage.gateway)
    text = await says(stage, reference, "We could not find anything that fits.")
    await stage.gateway.judged(reference, Outcome.DENY, text=text)
    return reference


@in_claim("stopped by an agent")
async def _stopped(stage: Stage) -> str:
    reference = await claims.sends(stage.ada, stage.gateway)
    await stage.gateway.judged(reference, Outcome.STOP, reason=Reason.SUSPICIOUS)
    return reference


@in_claim("stopped by silence")
async def _silent(stage: Stage) -> str:
    stage.gateway.later = -15 * DAY
    reference = await _contested(stage)
    await stage.gateway.clock(reference, 15 * DAY)
    return reference


@in_claim("withdrawn")
async def _withdrawn(stage: Stage) -> str:
    reference = await claims.sends(stage.ada, stage.gateway)
    await stage.gateway.happen(reference, claim_events.Withdrawn(now()))
    return reference


@in_claim("expired, may go on")
async def _expired(stage: Stage) -> str:
    stage.gateway.later = -15 * DAY
    reference = await claims.proves(stage.ada, stage.gateway)
    await stage.gateway.clock(reference, 15 * DAY)
    return reference


@in_claim("expired for good")
async def _lapsed(stage: Stage) -> str:
    stage.gateway.later = -50 * DAY
    reference = await claims.proves(stage.ada, stage.gateway)
    await stage.gateway.clock(reference, 50 * DAY)
    return reference


@in_claim("never proved")
async def _unproved(stage: Stage) -> str:
    stage.gateway.later = -15 * DAY
    reference = await claims.makes_claim(stage.ada)
    await stage.gateway.clock(reference, 15 * DAY)
    return reference


# ---- whoever may stop it ----


def stopping(name: str, begun: Begun, *, may_object: bool = True, pressed: bool = False) -> None:
    async def act(stage: Stage) -> Scene:
        stage.gateway.later = timedelta(0)
        reference = await begun(stage)
        account = claims.ACCOUNT["nia"]
        path = await mailed(stage.database, stage.rings, reference, "claim", account=account, may_object=may_object)
        return Scene(path, button="Stop it: this was not me" if pressed else "")

    ACTED[f"stop, {name}"] = act


stopping("in the cooling-off", _cooling)
stopping("in the cooling-off, pressed", _cooling, pressed=True)
stopping("in the probation", _link_sent)
stopping("too young", _cooling, may_object=False)
stopping("stopped already", _contested)
stopping("too late", _recovered)
stopping("over", _withdrawn)
stopping("begun", _handing)


@acted("find, nothing written")
async def _find_nothing(stage: Stage) -> Scene:
    return Scene("/find", (("reference", "x"), ("contact", "")), "Send me a link")


@acted("find, asked")
async def _find_asked(stage: Stage) -> Scene:
    return Scene("/find", (("reference", "7F3K-Q2M9-XA"), ("contact", "nia.new@example.net")), "Send me a link")


CLAIM_NAMES = tuple(name for name in ACTED if name.startswith(("claim", "stop,", "find,")))
