"""What agents send: as everywhere short fields and a key, and besides them one long text and a list of ticks."""

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from web.forms import LONGEST, Sent

LONGEST_TEXT = 4000
"""Characters of what an agent writes, some two pages; as much as a claimant may write."""
TEXTS = frozenset({"text"})
LISTS = frozenset({"items"})
"""Fields of which several may be ticked; they are read as one text with spaces."""


async def sent_by(request: Request) -> Sent:
    """The form of this request; at most 40 fields, no files. 400 for an encoding that says nothing readable.

    A text that is too long is kept whole, so that it can be shown again and cut by the person who wrote it.
    """
    try:
        async with request.form(max_files=0, max_fields=40) as form:
            sent = {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
            sent |= {name: " ".join(str(one) for one in form.getlist(name)) for name in LISTS & sent.keys()}
        "".join((*sent, *sent.values())).encode()  # half a character, by a charset of the sender's own choice
    except UnicodeError:
        raise HTTPException(400) from None
    long = frozenset(name for name, value in sent.items() if len(value) > _longest(name))
    fields = {name: value if name in TEXTS else value[:LONGEST] for name, value in sent.items()}
    return Sent(fields, fields.get("key", "")[:64], long)


def _longest(name: str) -> int:
    return LONGEST_TEXT if name in TEXTS else LONGEST


def text_of(sent: Sent) -> str:
    """What was written, with line ends as on paper and nothing that no page can show."""
    return sent.get("text").replace("\r\n", "\n").replace("\0", "").strip()
