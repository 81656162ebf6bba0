"""All addresses of the desk."""

from fastapi import APIRouter

from web.desk import (
    approvals,
    audit,
    bulk,
    case,
    conversation,
    dashboard,
    decision,
    deliveries,
    macros,
    presence,
    preview,
    queue,
    reveal,
    search,
    settings,
    sign_in,
    take_next,
    taking,
)

router = APIRouter()
for module in (sign_in, settings, dashboard, deliveries, audit, queue, search, take_next, bulk, case, decision):
    router.include_router(module.router)
for module in (approvals, macros, taking, conversation, reveal, preview, presence):
    router.include_router(module.router)
