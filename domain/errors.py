"""What can go wrong with a case, as the people involved would say it.

CaseError
  + NotAllowedNow      the case is not in a state where this makes sense
  + NotYours           another browser continues this case
  + UseTheNewest       the code belongs to an earlier message
  + CodeIsOver         the code ran out, or has no tries left
  + LinkIsOver         the link ran out, was replaced, or never was one of ours
  + TooSoon            the resend cooldown still runs
  + NoCodesLeft        this case may send no more codes by itself
  + TooMany            a limit was reached

The class name is the failure type that crosses Temporal; nobody parses messages.
"""

from datetime import datetime


class CaseError(Exception):
    """The case does not allow this."""


class NotAllowedNow(CaseError):
    """The case is not in a state where this makes sense."""


class NotYours(CaseError):
    """Another browser continues this case."""


class UseTheNewest(CaseError):
    """The code belongs to an earlier message; refused without counting a try."""


class CodeIsOver(CaseError):
    """The code ran out, or its tries are used up."""


class LinkIsOver(CaseError):
    """The link ran out, was replaced by a newer one, or was never sent."""


class TooSoon(CaseError):
    """The resend cooldown still runs."""


class NoCodesLeft(CaseError):
    """This case may send no more codes by itself."""


class TooMany(CaseError):
    """A limit was reached; `until` says when it opens again."""

    def __init__(self, what: str, until: datetime) -> None:
        super().__init__(what)
        self.what = what
        self.until = until


REFUSALS: tuple[type[CaseError], ...] = (
    NotAllowedNow,
    NotYours,
    UseTheNewest,
    CodeIsOver,
    LinkIsOver,
    TooSoon,
    NoCodesLeft,
)
"""What a case itself may answer; `TooMany` is said before a case is asked."""
