"""Text messages to any provider that takes a signed webhook (Standard Webhooks).

POST, JSON `{"to", "from", "text", "id"}`, signed over id, time and body. `webhook-id` is `id`, the same on every
try, so the receiver can drop what it already has. A 2xx answer may name the message: `{"id": "..."}`.
"""

import json
from datetime import UTC, datetime

import httpx2
from standardwebhooks.webhooks import Webhook

from activities.delivery.channels import Text
from activities.delivery.sms import post, text_in


class WebhookCarrier:
    """`secret` is `whsec_<base64>`; the client brings timeouts and proxies."""

    def __init__(self, client: httpx2.AsyncClient, url: str, *, secret: str, sender: str) -> None:
        self._client, self._url, self._sender = client, url, sender
        self._signer = Webhook(secret)

    async def carry(self, message: Text) -> str:
        body = json.dumps({"to": message.to, "from": self._sender, "text": message.text, "id": message.id})
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message.id, now, body),
        }
        return text_in(await post(self._client, self._url, content=body.encode(), headers=headers), "id")
