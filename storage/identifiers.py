"""What people type to name an account or a contact: which kind it is, its normal form, and how it is shown masked."""

import re
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from email_validator import EmailNotValidError, validate_email

MAX_LENGTH = 254  # RFC 5321 4.5.3.1.3, the longest e-mail address
SHOWN_DIGITS = 2


class IdentifierKind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    USERNAME = "username"


class Problem(StrEnum):
    """Why something typed is no identifier; the words are in `web/words.py`."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    EMAIL = "email"
    PHONE = "phone"
    USERNAME = "username"


class NotUnderstood(Exception):
    """What was typed is no identifier; the problem never repeats it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True)
class Identifier:
    """`normal` is what is compared and written to: lower-case e-mail, E.164 phone, lower-case username."""

    kind: IdentifierKind
    normal: str


_PHONE_LIKE = re.compile(r"^[+(]?[\d][\d\s().\-/]{5,}$|^\+[\d\s().\-/]{3,}$")
_USERNAME = re.compile(r"^[\w][\w.\-]{1,63}$")


def identify(typed: str, region: str) -> Identifier:
    """Which of the three it is. `region` (ISO 3166, two letters) completes phone numbers without a country.

    No look-up of any kind happens here: the answer depends on the text alone.
    """
    plain = typed.strip()
    if not plain:
        raise NotUnderstood(Problem.EMPTY)
    if len(plain) > MAX_LENGTH:
        raise NotUnderstood(Problem.TOO_LONG)
    if "@" in plain:
        return _email(plain)
    if _PHONE_LIKE.match(plain):
        return _phone(plain, region)
    if not _USERNAME.match(plain):
        raise NotUnderstood(Problem.USERNAME)
    return Identifier(IdentifierKind.USERNAME, plain.lower())


def identify_contact(typed: str, region: str) -> Identifier:
    """As `identify`, for a place where a username is no answer."""
    found = identify(typed, region)
    if found.kind is IdentifierKind.USERNAME:
        raise NotUnderstood(Problem.EMAIL)
    return found


def masked(identifier: Identifier) -> str:
    """`d•••@posteo.example`, `+49 ••• ••• 78`; of what the person typed, never of our records (look: Masking)."""
    match identifier.kind:
        case IdentifierKind.EMAIL:
            local, _, domain = identifier.normal.rpartition("@")
            return f"{local[:1]}•••@{domain}"
        case IdentifierKind.PHONE:
            number = phonenumbers.parse(identifier.normal)
            return f"+{number.country_code} ••• ••• {identifier.normal[-SHOWN_DIGITS:]}"
        case IdentifierKind.USERNAME:
            return identifier.normal


def phone_prefix(normal: str) -> str:
    """The country calling code of an E.164 number, for the caps against SMS pumping."""
    return str(phonenumbers.parse(normal).country_code)


def _email(plain: str) -> Identifier:
    try:
        checked = validate_email(plain, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise NotUnderstood(Problem.EMAIL) from None
    return Identifier(IdentifierKind.EMAIL, checked.normalized.lower())


def _phone(plain: str, region: str) -> Identifier:
    try:
        number = phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        raise NotUnderstood(Problem.PHONE) from None
    # A number that can only be dialled within its own town, such as a typed code, is no number to write to.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise NotUnderstood(Problem.PHONE)
    return Identifier(
        IdentifierKind.PHONE, str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    )
