"""What an examination found: a sentence for each thing that was looked at, and what to do about what is wrong."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`says` never holds a secret, an address of a person, or a reference."""

    about: str
    says: str
    is_well: bool

    def line(self) -> str:
        return f"{'ok   ' if self.is_well else 'WRONG'} {self.about}: {self.says}"


def well(about: str, says: str) -> Finding:
    return Finding(about, says, is_well=True)


def wrong(about: str, says: str) -> Finding:
    return Finding(about, says, is_well=False)
