"""Whether the process lives, and whether it can serve. Neither depends on workers: pages read SQL."""

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from storage.engine import database_time
from web.services import services_of

router = APIRouter()
log = structlog.get_logger(__name__)


@router.get("/healthz")
async def healthz() -> JSONResponse:
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """503 while the database does not answer. Without Temporal cases can still be opened, so it is only reported."""
    services = services_of(request)
    try:
        async with services.database.read() as session:
            await database_time(session)
    except (SQLAlchemyError, OSError) as failed:
        log.warning("not ready", error=type(failed).__name__)
        return JSONResponse({"status": "unavailable", "database": "away"}, status_code=503)
    temporal = "ok" if await services.gateway.is_reachable() else "away"
    return JSONResponse({"status": "ok", "database": "ok", "temporal": temporal})
