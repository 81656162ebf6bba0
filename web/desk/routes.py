"""All addresses of the desk."""

from fastapi import APIRouter

from web.desk import case, decision, queue, sign_in

router = APIRouter()
for module in (sign_in, queue, case, decision):
    router.include_router(module.router)
