"""The second factor: a secret for an authenticator app, shown once, and used from the first right code on."""

import base64
from urllib.parse import quote, urlencode

from markupsafe import Markup

from storage import desk
from storage.desk import SignedIn
from storage.keys import Ring, UnknownKey, Unreadable


def sealed_secret(ring: Ring, signed: SignedIn) -> str:
    """A new secret for the form that sets it up: nothing is stored until a code of it was right."""
    return ring.seal(desk.new_totp(), _context(signed))


def opened_secret(ring: Ring, signed: SignedIn, sealed: str) -> bytes | None:
    """The secret of a form that this very session was shown; None for any other text."""
    try:
        return ring.open(sealed, _context(signed))
    except (UnknownKey, Unreadable):
        return None


def _context(signed: SignedIn) -> str:
    return f"totp-setup/{signed.agent.name}/{signed.session}"


def spelled(secret: bytes) -> str:
    """For typing: base32 in groups of four."""
    text = base64.b32encode(secret).decode()
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def address(secret: bytes, platform: str, agent: str) -> str:
    """What authenticator apps read from the picture (the "Key Uri Format" that they share)."""
    issuer = f"{platform} desk"
    fields = {
        "secret": base64.b32encode(secret).decode(),
        "issuer": issuer,
        "algorithm": "SHA1",
        "digits": str(desk.TOTP_DIGITS),
        "period": str(desk.TOTP_STEP),
    }
    return f"otpauth://totp/{quote(f'{issuer}:{agent}')}?{urlencode(fields, quote_via=quote)}"


def picture(text: str) -> Markup:
    """The text as a QR code: an SVG of one path, without any style."""
    import segno  # noqa: PLC0415 - needed once in the life of an agent, so the process is not made to carry it

    drawn = segno.make(text, error="m", micro=False)
    return Markup(drawn.svg_inline(omitsize=True, svgclass=None, lineclass=None))  # noqa: S704 - made of numbers only
