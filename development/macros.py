"""A few texts at hand for the demo desk, loaded into an empty table. Leads write their own at `/desk/macros`."""

from dataclasses import dataclass

from domain.decisions import Outcome, Reason
from storage import macros
from storage.engine import Database
from storage.macros import MESSAGE


@dataclass(frozen=True)
class DemoMacro:
    title: str
    outcome: str
    text: str
    reason: str = ""
    language: str = "en"


MACROS = (
    DemoMacro(
        "We are looking at it",
        MESSAGE,
        "We have what you sent and are looking at it. You need not do anything now. The page of your case "
        "{reference} shows until when we answer.",
    ),
    DemoMacro(
        "Ask for more",
        Outcome.ASK,
        "What you gave us helps, and is not enough to decide. We need {items}. You have until {due}. "
        "If you do not have something, say so in your own words.",
        Reason.MORE_NEEDED,
    ),
    DemoMacro(
        "Mehr wird gebraucht",
        Outcome.ASK,
        "Was Sie geschickt haben, hilft, reicht aber noch nicht. Wir haben aufgeschrieben, was fehlt. "
        "Sie haben Zeit bis {due}. Wenn Sie etwas nicht haben, schreiben Sie es uns mit eigenen Worten.",
        Reason.MORE_NEEDED,
        "de",
    ),
    DemoMacro(
        "Approved, with cooling-off",
        Outcome.APPROVE,
        "What you showed us fits the account. For its safety the change waits until {due}; until then every contact "
        "of the account is told and may stop it. After that we send a link to set a new password.",
        Reason.EVIDENCE_FITS,
    ),
    DemoMacro(
        "Denied: not enough",
        Outcome.DENY,
        "We could not tell from what you gave us that the account is yours, and an account that is given to the "
        "wrong person is lost for its owner. If you find more, such as an old bill or a saved recovery code, "
        "make a new claim. Questions: {help}.",
        Reason.NOT_ENOUGH_EVIDENCE,
    ),
    DemoMacro(
        "Denied: does not fit",
        Outcome.DENY,
        "Several things you gave us are not those of this account. Perhaps it is another account of yours: "
        "look for mails from {platform} and use the address they came to.",
        Reason.EVIDENCE_DOES_NOT_FIT,
    ),
    DemoMacro("Stopped on request", Outcome.STOP, "You asked us to stop it, and we did.", Reason.ASKED_BY_CLAIMANT),
)


async def load_macros(database: Database) -> int:
    """Add them if there are none; returns how many were added."""
    async with database.write() as session:
        if await macros.every(session):
            return 0
        for demo in MACROS:
            await macros.save(
                session,
                name=macros.new_name(),
                title=demo.title,
                outcome=demo.outcome,
                reason=demo.reason,
                language=demo.language,
                text=demo.text,
                agent="",
            )
    return len(MACROS)
