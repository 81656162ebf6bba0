"""Mail and text messages: is somebody there who would take them? Nothing is sent."""

import base64
import binascii
from urllib.parse import quote, urlsplit

import httpx2

from activities.delivery.channels import Delayed
from activities.delivery.smtp import Server, SmtpCarrier
from operations.findings import Finding, well, wrong
from settings import PLACEHOLDER, Settings

REFUSED = frozenset({401, 403})


async def mail(settings: Settings) -> Finding:
    """Connects, signs in, says goodbye."""
    where = Server.parse(settings.smtp_url)
    carrier = SmtpCarrier(
        settings.smtp_url,
        sender=settings.platform_sender,
        sender_name=settings.platform_name,
        host=settings.host,
        timeout=settings.smtp_timeout,
    )
    try:
        await carrier.greet()
    except Delayed as failure:
        return wrong("mail", f"the server at {where.host}:{where.port} does not let us in ({failure.kind})")
    return well("mail", f"the server at {where.host}:{where.port} lets us in")


async def text_messages(settings: Settings) -> list[Finding]:
    """Any answer of the webhook will do, for a real one would be a message; Twilio is asked about our account."""
    secret = settings.sms_secret.get_secret_value()
    faults = []
    if settings.sms_provider == "webhook" and secret != PLACEHOLDER and not _can_sign(secret):
        faults.append(wrong("SMS", "REINSTATE_SMS_SECRET signs nothing; `reinstate keys new --webhook` makes one"))
    host = urlsplit(settings.sms_url).netloc.rpartition("@")[2]
    try:
        status = await _asked(settings, secret)
    except httpx2.HTTPError as failure:
        return [*faults, wrong("SMS", f"the service at {host} does not answer ({type(failure).__name__})")]
    if settings.sms_provider == "twilio" and status in REFUSED:
        return [*faults, wrong("SMS", f"the service at {host} refuses our account or token")]
    return faults or [well("SMS", f"the service at {host} answers")]


async def _asked(settings: Settings, secret: str) -> int:
    async with httpx2.AsyncClient(timeout=settings.sms_timeout) as client:
        if settings.sms_provider == "twilio":
            url = f"{settings.sms_url.rstrip('/')}/2010-04-01/Accounts/{quote(settings.sms_account, safe='')}.json"
            return (await client.get(url, auth=httpx2.BasicAuth(settings.sms_account, secret))).status_code
        return (await client.head(settings.sms_url)).status_code


def _can_sign(secret: str) -> bool:
    """Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return False
    return 24 <= len(key) <= 64
