"""Files in the forms of a claim: looked at before anything is kept, kept all or none, and once for each form."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from domain.claim import Claim
from storage import files, uploads
from storage.uploads import Refused, Upload
from web.forms import Sent
from web.services import Services
from web.words import REFUSALS

Uploads = list[Upload]


@dataclass(frozen=True)
class KeptFile:
    """A file as its sender sees it: its name was not kept, so its kind and size must do."""

    name: str
    what: str
    kilobytes: int
    state: str


KINDS = {"image/jpeg": "JPEG image", "image/png": "PNG image", "image/webp": "WebP image", "application/pdf": "PDF"}


async def accepted(services: Services, sent: Sent) -> Uploads | str:
    """The files of this form, or the sentence that says why one of them is not taken; then nothing is kept."""
    try:
        return await uploads.all_accepted(list(sent.files), services.settings.uploads)
    except Refused as refused:
        return REFUSALS[refused.kind]


async def kept(services: Services, reference: str, found: Uploads, token: str) -> int | str:
    """Keep the files; how many they are, or why they are too many. A form (`token`) sent twice keeps them once."""
    most = services.settings.uploads.per_case
    try:
        async with services.database.write() as session:
            return await files.keep(session, services.rings, reference, found, key=token, most=most)
    except Refused:
        return f"That is more than {most} files for one case. Describe what else you have instead"


async def unsent(session: AsyncSession, case: Claim) -> int:
    """How many files are kept that the case was not told of yet."""
    return await files.unsent(session, case.reference, case.files_waiting)


async def kept_by(session: AsyncSession, case: Claim) -> list[KeptFile]:
    """The files of the case, oldest first."""
    return [
        KeptFile(file.name, KINDS.get(file.media_type, "File"), max(file.size // 1024, 1), file.state)
        for file in await files.listed(session, case.reference)
    ]
