"""Who else has the case on the screen. A page with script says that it is there; one without is not seen, no more."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.case import grouped
from storage import agents, presence
from web.desk.case import desk_row
from web.desk.session import agent_of
from web.forms import sent_by
from web.render import page
from web.services import services_of

router = APIRouter()


@router.get("/desk/cases/{reference}/presence")
async def show_people(request: Request, reference: str) -> Response:
    """The others, as a fragment: the stream says when it is worth asking."""
    agent, row = await agent_of(request, at_work=False), await desk_row(request, reference)
    async with services_of(request).database.read() as session:
        here = (await presence.present(session, [row.reference])).get(row.reference, ())
        names = {agent.name: agent.display_name for agent in await agents.all_agents(session)}
    others = [one for one in here if one.agent != agent.name]
    address = f"/desk/cases/{grouped(row.reference)}"
    return page(request, "desk/_people.html", people=others, names=names, address=address)


@router.post("/desk/cases/{reference}/presence")
async def say_here(request: Request, reference: str) -> Response:
    """The page says that it is open (`is` empty), that somebody writes in it (`writing`), or that it goes (`gone`)."""
    agent, row, sent = (
        await agent_of(request, at_work=False),
        await desk_row(request, reference),
        await sent_by(request),
    )
    async with services_of(request).database.write() as session:
        if sent.get("is") == "gone":
            await presence.left(session, row.reference, agent.name)
        else:
            await presence.seen(session, row.reference, agent.name, is_writing=sent.get("is") == "writing")
    return Response(status_code=204)
