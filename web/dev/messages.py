"""What is in a caught message: its code, its links, the case it names. Read from the text, as a person would."""

import re
from dataclasses import dataclass
from textwrap import shorten

from development.catcher import CaughtMessage
from domain.case import parse_reference

CODE = re.compile(r"^\s*(\d{6})\b", re.MULTILINE)
"""Six digits at the beginning of a line: so neither a phone number nor the `#123456` that ends a text message."""
LINK = re.compile(r"https?://\S+/(?:link|not-me)/[^\s\"'<>]+")
REFERENCE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}\b")


@dataclass(frozen=True)
class Contents:
    """`link` proves the contact, `not_me` is for whoever did not ask; each empty if the message has none."""

    code: str = ""
    link: str = ""
    not_me: str = ""
    reference: str = ""


def contents_of(message: CaughtMessage) -> Contents:
    links = LINK.findall(message.text)
    without_links = LINK.sub(" ", message.text)
    code = CODE.search(without_links)
    link = next((found for found in links if "/link/" in found), "")
    return Contents(
        code=code.group(1) if code else "",
        link=link,
        not_me=next((found for found in links if "/not-me/" in found), ""),
        reference=_reference(without_links, link),
    )


def _reference(text: str, link: str) -> str:
    """The case that the text names; a text message has it only inside its link, `/link/<reference>.<token>`."""
    named = REFERENCE.search(text)
    typed = named.group() if named else link.rpartition("/")[2].partition(".")[0]
    return parse_reference(typed) or ""


def title_of(message: CaughtMessage) -> str:
    """The subject; a text message has none, so its first line."""
    first_line = message.text.strip().partition("\n")[0]
    return message.subject or shorten(first_line, 80, placeholder=" …") or "(no text)"
