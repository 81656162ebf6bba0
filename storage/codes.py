"""Codes and links: derived from case and issue number, never stored; compared as keyed digests (design 6)."""

import base64

from storage.keys import Rings

LINK_BYTES = 16  # 128 bits


def code(rings: Rings, reference: str, issue: int, digits: int, *, key: str) -> str:
    """The code, of so many decimal digits, uniform over 0…9: 256 bits taken modulo 10^6 are off by less than 2^-230."""
    number = int.from_bytes(rings.issue.derive("code", reference, str(issue), key=key), "big")
    return f"{number % 10**digits:0{digits}d}"


def link(rings: Rings, reference: str, issue: int, *, key: str) -> str:
    """The token of the mailed link, base64url."""
    derived = rings.issue.derive("link", reference, str(issue), key=key)[:LINK_BYTES]
    return base64.urlsafe_b64encode(derived).decode().rstrip("=")


def code_digest(rings: Rings, reference: str, issue: int, digits: str, *, key: str) -> str:
    """What the workflow compares; bound to case and issue number."""
    return rings.digest.digest("code", reference, str(issue), digits, key=key)


def link_digest(rings: Rings, reference: str, token: str, *, key: str) -> str:
    return rings.digest.digest("link", reference, token, key=key)
