"""All addresses that exist only in development."""

from fastapi import APIRouter

from web.dev import login, mailbox, patterns

router = APIRouter()
for module in (mailbox, login, patterns):
    router.include_router(module.router)
