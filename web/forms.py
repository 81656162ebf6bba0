"""What people send: short text fields and a hidden key, and files where a claim takes them; else nothing."""

from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from storage.uploads import RULES

LONGEST = 1000
"""Characters of one field. Passwords may be long; most others are no longer than an address."""
LONG = 4000
"""Characters of what somebody tells in their own words, such as a message."""
EVIDENCE_SECRETS = ("password_1", "password_2", "password_3", "recovery_code")
SECRETS = frozenset({"code", "proof", "new_password", "password", "totp", *EVIDENCE_SECRETS})
LONG_FIELDS = frozenset({"what", "message", "devices"})
MOST_FILES = RULES.at_once
MOST_TEXT = 256 * 1024
"""Bytes of one text field of a form with files; more is cut off with an answer of its own."""


@dataclass(frozen=True)
class Sent:
    """The fields of a form. `key` makes a form sent twice one action; a missing one gets its own."""

    fields: dict[str, str]
    key: str
    too_long: frozenset[str] = field(default_factory=frozenset)
    files: tuple[UploadFile, ...] = ()
    """Parts with a file in them; closed with the request."""

    def get(self, name: str, otherwise: str = "") -> str:
        return self.fields.get(name, otherwise)

    @property
    def kept(self) -> dict[str, str]:
        """What a page with an error shows again: everything but secrets."""
        return {name: value for name, value in self.fields.items() if name not in SECRETS and name != "key"}


class TooLarge(Exception):
    """A form with files holds more than is taken: too much text, too many files, or parts that make no form."""


async def sent_by(request: Request) -> Sent:
    """The form of this request; at most 20 fields, no files. 400 for an encoding that says nothing readable."""
    try:
        async with request.form(max_files=0, max_fields=20) as form:
            texts = {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
        _readable(texts)
    except UnicodeError:
        raise HTTPException(400) from None
    return _sent(texts)


async def sent_with_files(request: Request) -> Sent:
    """As `sent_by`, for the few forms that take files. Raises `TooLarge`; the caller closes the form's files."""
    if not request.headers.get("Content-Type", "").startswith("multipart/form-data"):
        return await sent_by(request)
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=MOST_FILES + 1, max_fields=30, max_part_size=MOST_TEXT
    )
    try:
        form = await parser.parse()
    except MultiPartException:
        raise TooLarge from None
    try:
        texts = {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
        _readable(texts)
    except UnicodeError:
        await form.close()
        raise HTTPException(400) from None
    parts = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
    for name, file in parts:
        if not _is_meant(name, file):
            await file.close()
    return _sent(texts, tuple(file for name, file in parts if _is_meant(name, file)))


def _is_meant(name: str, file: UploadFile) -> bool:
    """Browsers send an empty part without a name where no file was chosen."""
    return name == "files" and bool(file.filename)


def _readable(texts: dict[str, str]) -> None:
    """Raises `UnicodeError` for half a character, by a charset of the sender's own choice."""
    "".join((*texts, *texts.values())).encode()


def _sent(texts: dict[str, str], files: tuple[UploadFile, ...] = ()) -> Sent:
    long = frozenset(name for name, value in texts.items() if len(value) > _longest(name))
    fields = {name: value[: _longest(name)] for name, value in texts.items()}
    return Sent(fields, fields.get("key", "")[:64], long, files)


def _longest(name: str) -> int:
    return LONG if name in LONG_FIELDS else LONGEST
