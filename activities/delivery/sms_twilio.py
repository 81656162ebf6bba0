"""Text messages by Twilio's REST API, without its SDK: one form, one answer.

`POST <base>/2010-04-01/Accounts/<SID>/Messages.json`, basic authentication by SID and token. The API has no
idempotency key, so a message whose answer was lost goes out once more.
"""

from urllib.parse import quote, urlencode

import httpx2

from activities.delivery.channels import Text
from activities.delivery.sms import post, text_in

MESSAGING_SERVICE = "MG"  # a sender that begins so names a pool of numbers, which has a field of its own


class TwilioCarrier:
    """`base` is `https://api.twilio.com`, or whatever speaks like it."""

    def __init__(self, client: httpx2.AsyncClient, base: str, *, account: str, token: str, sender: str) -> None:
        self._client = client
        self._url = f"{base.rstrip('/')}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        self._auth = httpx2.BasicAuth(account, token)
        self._from = "MessagingServiceSid" if sender.startswith(MESSAGING_SERVICE) else "From", sender

    async def carry(self, message: Text) -> str:
        field, sender = self._from
        form = urlencode({"To": message.to, field: sender, "Body": message.text})
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        return text_in(
            await post(self._client, self._url, content=form.encode(), headers=headers, auth=self._auth), "sid"
        )
