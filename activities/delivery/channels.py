"""What can be carried, who carries it, and the two ways in which that fails.

Neither failure ever repeats an address or a server's words (which often do): `kind` is the class of what went
wrong, with the server's number where there is one. They are raised `from None`, because Temporal stores causes too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from temporalio.exceptions import ApplicationError


@dataclass(frozen=True)
class Mail:
    """`message_id` with its angle brackets; `headers` are added to those that every mail of ours carries."""

    to: str
    subject: str
    text: str
    html: str
    message_id: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Text:
    """A text message to a number in E.164. `id` is the same when it is sent again, so that a provider can tell."""

    to: str
    text: str
    id: str


Message_contra = TypeVar("Message_contra", contravariant=True)


class Carrier(Protocol[Message_contra]):
    """A way out of the house."""

    async def carry(self, message: Message_contra) -> str:
        """Hand the message over and answer the provider's id for it, or "" if it gave none.

        Raises `Undeliverable` or `Delayed`.
        """
        ...


class Undeliverable(ApplicationError):
    """This message will never arrive there: the receiving side said so. Not tried again."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind, type="Undeliverable", non_retryable=True)
        self.kind = kind


class Delayed(ApplicationError):
    """Not handed over this time, for a reason that may pass, or that an operator can mend. Tried again."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind, type="Delayed")
        self.kind = kind
