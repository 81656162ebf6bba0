"""`/metrics` of a web process, for Prometheus. Labels are route templates, classes of status, kinds and states:
never a path, a reference or a name, so their number is bounded and nothing in them is about anybody.
"""

import ipaddress
import time

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain import claim, recovery
from domain.case import Kind
from storage.figures import Figures, Waiting, figures
from web.access import NotFound
from web.access_log import template_of
from web.services import Services, services_of

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds. A request waits for a case for five at most (`web/gateway.py`)."""
SIGNALS = ("decision", "objection")
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")

log = structlog.get_logger(__name__)
router = APIRouter()


class Metrics:
    """The figures of one process, in a registry of its own."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        ProcessCollector(registry=own)
        self.requests = Counter(
            "reinstate_web_requests", "Requests answered", ["method", "route", "status"], registry=own
        )
        self.seconds = Histogram(
            "reinstate_web_request_seconds",
            "Time to the whole answer, streams left out",
            ["route"],
            buckets=BUCKETS,
            registry=own,
        )
        self.watchers = Gauge("reinstate_web_watchers", "Open streams of pages that change by themselves", registry=own)
        self._of_the_database(own)

    def _of_the_database(self, own: CollectorRegistry) -> None:
        """The same in every process: in a query take the greatest, not the sum."""
        self.database_up = Gauge("reinstate_database_up", "Whether the database answered this scrape", registry=own)
        self.open_cases = Gauge("reinstate_open_cases", "Open cases", ["kind", "state"], registry=own)
        self.unstarted = Gauge("reinstate_unstarted_cases", "Opening rows that no workflow has begun", registry=own)
        self.oldest_unstarted = Gauge("reinstate_oldest_unstarted_seconds", "Age of the oldest of these", registry=own)
        self.undelivered = Gauge(
            "reinstate_undelivered_signals", "Decisions and objections not yet in Temporal", ["kind"], registry=own
        )
        self.oldest_undelivered = Gauge(
            "reinstate_oldest_undelivered_seconds", "Age of the oldest of these", ["kind"], registry=own
        )
        for kind in SIGNALS:
            self._set_undelivered(kind, Waiting())

    def answered(self, method: str, route: str, status: int, seconds: float, *, is_stream: bool) -> None:
        """One request is over."""
        self.requests.labels(method, route, f"{status // 100}xx").inc()
        if not is_stream:
            self.seconds.labels(route).observe(seconds)

    def take(self, found: Figures) -> None:
        """What the database says; kinds and states without a case count as zero, so that no line stands still."""
        for kind, states in STATES.items():
            for state in states:
                self.open_cases.labels(kind, state).set(found.open_cases.get((kind, state), 0))
        self.unstarted.set(found.unstarted.count)
        self.oldest_unstarted.set(found.unstarted.oldest)
        for kind in SIGNALS:
            self._set_undelivered(kind, found.undelivered.get(kind, Waiting()))

    def _set_undelivered(self, kind: str, waiting: Waiting) -> None:
        self.undelivered.labels(kind).set(waiting.count)
        self.oldest_undelivered.labels(kind).set(waiting.oldest)


STATES: dict[str, tuple[str, ...]] = {
    Kind.RECOVERY.value: tuple(state.value for state in recovery.State if state not in recovery.ENDS),
    Kind.CLAIM.value: tuple(state.value for state in claim.State),
}


class Measured:
    """Counts and times every request; sees streams through to their end."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, is_stream = time.perf_counter(), 500, False

        async def send_and_see(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                is_stream = any(value.startswith(b"text/event-stream") for _, value in message.get("headers", ()))
                self._metrics.watchers.inc(is_stream)
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            self._metrics.watchers.dec(is_stream)
            took = time.perf_counter() - began
            self._metrics.answered(_method(scope), template_of(scope), status, took, is_stream=is_stream)


def _method(scope: Scope) -> str:
    """A client may make methods up; a label may not."""
    return scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "OPTIONS"} else "other"


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """For the networks of the settings only, and never through a proxy; for everybody else it is not there."""
    services = services_of(request)
    if not may_scrape(request, services.settings.metrics_networks):
        raise NotFound
    own: Metrics = request.app.state.metrics
    await _look(services, own)
    return Response(generate_latest(own.registry), media_type=CONTENT_TYPE_LATEST)


async def _look(services: Services, own: Metrics) -> None:
    """Figures of the database; without it the last ones stay, and `reinstate_database_up` says so."""
    try:
        async with services.database.read() as session:
            own.take(await figures(session))
    except (SQLAlchemyError, OSError) as failed:
        log.warning("no figures", error=type(failed).__name__)
        own.database_up.set(0)
    else:
        own.database_up.set(1)


def may_scrape(request: Request, networks: tuple[str, ...]) -> bool:
    """Whether the peer itself is in one of the networks. What a proxy passes on comes from anywhere."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        peer = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    peer = getattr(peer, "ipv4_mapped", None) or peer
    return any(peer in ipaddress.ip_network(network, strict=False) for network in networks)
