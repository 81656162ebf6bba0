"""All addresses of the desk."""

from fastapi import APIRouter

from web.desk import bulk, case, decision, queue, search, settings, sign_in, take_next

router = APIRouter()
for module in (sign_in, settings, queue, search, take_next, bulk, case, decision):
    router.include_router(module.router)
