"""The environment: is every value possible, fit for production, and every key a key of its own?"""

from collections.abc import Iterator
from itertools import combinations
from typing import Self

from pydantic import ValidationError, model_validator

from operations.findings import Finding, well, wrong
from operations.rings import RingName, ring_of
from settings import PLACEHOLDER, Settings
from storage.keys import Ring

ABOUT = "settings"


class Forgiving(Settings):
    """Settings that are read although they are not fit for production, so that everything else can be looked at."""

    @model_validator(mode="after")
    def _fit_for_the_mode(self) -> Self:
        return self


def read() -> tuple[Settings | None, list[Finding]]:
    """The settings if they can be read at all, and what is wrong with them."""
    try:
        settings = Forgiving()
    except ValidationError as failure:
        return None, [wrong(ABOUT, _sentence(error)) for error in failure.errors(include_input=False)]
    unfit = [] if settings.is_development else list(settings.unfit_for_production())
    faults = [*(wrong(ABOUT, fault) for fault in unfit), *_keys(settings)]
    return settings, faults or [well(ABOUT, f"complete, for {settings.mode}")]


def _sentence(error: object) -> str:
    details = dict(error) if isinstance(error, dict) else {}
    name = "_".join(str(part) for part in details.get("loc", ())).upper()
    return f"REINSTATE_{name}: {details.get('msg', 'is wrong')}" if name else str(details.get("msg", "wrong"))


def _keys(settings: Settings) -> Iterator[Finding]:
    """Keys of a wrong form, and keys that do two jobs."""
    rings: dict[RingName, Ring] = {}
    for name in RingName:
        try:
            rings[name] = ring_of(settings, name)
        except ValueError as failure:
            if PLACEHOLDER not in getattr(settings, f"{name}_keys").get_secret_value() or settings.is_development:
                yield wrong(ABOUT, f"{name.variable}: {failure}")
    for (one, first), (other, second) in combinations(rings.items(), 2):
        if set(first.keys.values()) & set(second.keys.values()):
            yield wrong(ABOUT, f"{one.variable} and {other.variable} hold the same key; each needs its own")
