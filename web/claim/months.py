"""The month in which an account was made, as people write it."""

import re

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORDS = re.compile(r"(?P<month>[^\W\d]{3,})\.?,?\s+(?P<year>\d{4})|(?P<year2>\d{4})\s+(?P<month2>[^\W\d]{3,})")
_NUMBERS = re.compile(r"(?P<month>\d{1,2})\s*[./-]\s*(?P<year>\d{4})|(?P<year2>\d{4})\s*[./-]\s*(?P<month2>\d{1,2})")
FIRST, LAST = 1970, 2200


def month_of(typed: str) -> str | None:
    """`2019-03` for `March 2019`, `mar 2019`, `03/2019`, `3.2019` or `2019-03`; None for anything else."""
    plain = " ".join(typed.split()).lower()
    if not plain.isascii():
        return None
    if found := _WORDS.fullmatch(plain):
        name = (found["month"] or found["month2"])[:3]
        number = _NAMES.index(name) + 1 if name in _NAMES else 0
    elif found := _NUMBERS.fullmatch(plain):
        number = int(found["month"] or found["month2"])
    else:
        return None
    year = int(found["year"] or found["year2"])
    return f"{year:04}-{number:02}" if 1 <= number <= 12 and FIRST <= year <= LAST else None


def month_words(month: str) -> str:
    """`March 2019` for `2019-03`."""
    year, _, number = month.partition("-")
    full = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
    names = (*full, "November", "December")
    return f"{names[int(number) - 1]} {year}" if number.isdecimal() and 1 <= int(number) <= 12 else month
