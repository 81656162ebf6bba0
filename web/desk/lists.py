"""Words and small values that the desk's lists share: names of people, counts, where a page of a list begins."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from domain.claim import Reason
from storage.agent_events import Deed
from storage.audit import Wrong
from storage.queue import MOST_COUNTED, View

VIEWS: dict[View, str] = {
    View.DESK: "Waits for the desk",
    View.MINE: "Mine",
    View.FREE: "Nobody has it",
    View.LATE: "Overdue",
    View.SOON: "Due in the next hour",
    View.ESCALATED: "With a lead",
    View.ALL: "Everything open",
}

SHORT_REASONS: dict[str, str] = {
    Reason.CONTACT: "Contact lost or changed",
    Reason.COMPROMISED: "Compromised",
    Reason.DELETED: "Deleted",
    Reason.OTHER: "Other",
    "forgotten": "Password forgotten",
}

DEEDS: dict[str, str] = {
    Deed.SIGNED_IN: "signed in",
    Deed.SIGNED_OUT: "signed out",
    Deed.ENDED_SESSION: "ended sessions elsewhere",
    Deed.SET_UP_FACTOR: "set up a second factor",
    Deed.REMOVED_FACTOR: "removed the second factor",
    Deed.SWITCHED_KEYS: "switched keys on or off",
    Deed.TOOK_NEXT: "took the next case",
    Deed.RELEASED: "released cases",
    Deed.CHECKED: "checked chains",
    Deed.EXPORTED: "exported the log",
}

WRONGS: dict[Wrong, str] = {
    Wrong.CHANGED: "its content is not what was sealed",
    Wrong.MISSING: "the event before it is gone, or another one stands there",
    Wrong.CUT_OFF: "it is gone: the case has had more events than are there",
    Wrong.UNKNOWN_KEY: "it was sealed with a key that is not known here, so nothing can be said",
}
LOG_GROUPS: dict[str, str] = {
    "decisions": "Decisions",
    "revealed": "Hidden values shown",
    "objections": "Objections",
    "messages": "What was written and given",
    "account": "What was done at the account",
    "promises": "Promises missed, leases run out",
}

KEYS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("j", "k"), "to the next case of a list, and back"),
    (("Enter",), "open the case"),
    (("n",), "take the next case"),
    (("/",), "find a case"),
    (("t",), "take the case that is open, or release it"),
    (("a",), "go to the decision"),
    (("m",), "write a message"),
    (("w",), "write a note for the desk"),
    (("q",), "back to the queue"),
    (("Esc",), "leave a field, so that keys work again"),
    (("?",), "this list"),
)
"""Single keys, as `desk-keys.js` and the pages' `data-key` have them."""


def at_most(count: int) -> str:
    """`41`, `1,000+`: counting stops where the number is worth less than it costs."""
    return f"{count:,}" if count <= MOST_COUNTED else f"{MOST_COUNTED:,}+"


@dataclass(frozen=True)
class Link:
    """A link beside a list. `count` is None where nothing is counted."""

    title: str
    href: str
    is_current: bool
    count: int | None = None


def address(path: str, fields: Mapping[str, str]) -> str:
    """The path with those fields that say something."""
    said = {name: value for name, value in fields.items() if value}
    return f"{path}?{urlencode(said)}" if said else path
