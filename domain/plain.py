"""Names that came in from outside, made harmless: a forged signal may hold anything, even what no database stores."""

LONGEST_NAME = 64
"""Characters of a decision's id or an agent's name that are kept when the decision is refused."""


def plain(name: str) -> str:
    """The name if it looks like one of ours, else `unreadable`."""
    return name if name.isascii() and name.isprintable() and len(name) <= LONGEST_NAME else "unreadable"
