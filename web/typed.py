"""What people type where a code belongs: spaces, hyphens and other scripts' digits are all right."""

import unicodedata


def digits_of(typed: str) -> str:
    """The decimal digits of the text, as 0 to 9."""
    return "".join(
        str(unicodedata.decimal(letter)) for letter in typed if unicodedata.decimal(letter, None) is not None
    )


def code_problem(typed: str, wanted: int) -> str | None:
    """Why this cannot be a code of `wanted` digits, before a try is counted; None if it can be one."""
    plain = [letter for letter in typed if not letter.isspace() and letter not in "-‐‑–."]
    if not plain:
        return f"Enter the {wanted} digits of the code"
    digits = digits_of(typed)
    if len(digits) != len(plain):
        return f"The code has only digits. Enter the {wanted} digits from the message"
    if len(digits) < wanted:
        return f"The code has {wanted} digits. Some are missing"
    if len(digits) > wanted:
        return f"The code has {wanted} digits. These are too many"
    return None
