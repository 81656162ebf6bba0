"""What people send: short text fields and a hidden key. Anything else is read as nothing."""

from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

LONGEST = 1000
"""Characters of one field. Passwords may be long; nothing else here is longer than an address."""
SECRETS = frozenset({"code", "proof", "new_password", "password", "totp"})


@dataclass(frozen=True)
class Sent:
    """The fields of a form. `key` makes a form sent twice one action; a missing one gets its own."""

    fields: dict[str, str]
    key: str
    too_long: frozenset[str] = field(default_factory=frozenset)

    def get(self, name: str, otherwise: str = "") -> str:
        return self.fields.get(name, otherwise)

    @property
    def kept(self) -> dict[str, str]:
        """What a page with an error shows again: everything but secrets."""
        return {name: value for name, value in self.fields.items() if name not in SECRETS and name != "key"}


async def sent_by(request: Request) -> Sent:
    """The form of this request; at most 20 fields, no files. 400 for an encoding that says nothing readable."""
    try:
        async with request.form(max_files=0, max_fields=20) as form:
            texts = {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
        "".join((*texts, *texts.values())).encode()  # half a character, by a charset of the sender's own choice
    except UnicodeError:
        raise HTTPException(400) from None
    long = frozenset(name for name, value in texts.items() if len(value) > LONGEST)
    fields = {name: value[:LONGEST] for name, value in texts.items()}
    return Sent(fields, fields.get("key", "")[:64], long)
