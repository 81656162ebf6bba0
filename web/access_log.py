"""One line a request: method, route template, status and time. Never a path, an address or a query."""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("web")


class AccessLog:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            log.info(
                "answered",
                method=scope["method"],
                route=template_of(scope),
                status=status,
                milliseconds=round((time.perf_counter() - began) * 1000, 1),
            )


def template_of(scope: Scope) -> str:
    """`/case/{reference}`: the route's own words, whatever was asked for."""
    if "/static" in scope.get("root_path", ""):
        return "/static"
    return getattr(scope.get("route"), "path", "(none)")
