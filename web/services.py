"""What a web process needs, gathered in one value on `app.state.services`; tests build their own."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request

from domain.policy import CURRENT_POLICY, Policy
from settings import Settings
from storage.engine import Database
from storage.estimates import Kept
from storage.keys import Rings
from web.live import Watch
from web.render import Pages

if TYPE_CHECKING:
    from web.gateway import Gateway


@dataclass(frozen=True)
class Services:
    settings: Settings
    database: Database
    rings: Rings
    gateway: "Gateway"
    pages: Pages
    watch: Watch
    policy: Policy = CURRENT_POLICY
    estimates: Kept = field(default_factory=Kept)


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services
