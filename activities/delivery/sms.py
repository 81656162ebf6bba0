"""What all SMS providers share: one POST over HTTP, and what its answer means for the message."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress

import httpx2

from activities.delivery.channels import Delayed, Undeliverable

NOT_ABOUT_THE_MESSAGE = frozenset({401, 403, 404, 405, 407, 408, 425, 429})
"""4xx that speak of us, our address or the moment (RFC 9110, RFC 8470, RFC 6585): mended or waited out, then sent."""
LONGEST_ANSWER = 65_536
"""Bytes. Providers answer with some hundred; one that goes on has gone wrong, and must not take our memory."""
LISTEN_SECONDS = 2.0
"""How long we listen once the status has said that the message was taken."""


async def post(
    client: httpx2.AsyncClient,
    url: str,
    *,
    content: bytes,
    headers: Mapping[str, str],
    auth: httpx2.Auth | None = None,
) -> bytes:
    """The beginning of the answer if it is a success; else `Delayed` or `Undeliverable`, with the status only.

    Redirects are not followed: a message must not wander to an address that nobody configured.
    """
    headers = {**headers, "accept-encoding": "identity"}  # what is short when packed may be long without
    auth = auth or httpx2.Auth()
    try:
        async with client.stream(
            "POST", url, content=content, headers=headers, auth=auth, follow_redirects=False
        ) as answer:
            said = await _beginning(answer) if answer.is_success else b""
    except httpx2.HTTPError as failed:
        raise Delayed(type(failed).__name__) from None
    if answer.is_success:
        return said
    final = answer.is_client_error and answer.status_code not in NOT_ABOUT_THE_MESSAGE
    raise (Undeliverable if final else Delayed)(f"HTTP {answer.status_code}")


async def _beginning(answer: httpx2.Response) -> bytes:
    """What is said in time. The status counts already: sending again for a broken end would send twice."""
    said = bytearray()
    with suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(LISTEN_SECONDS):
            async for part in answer.aiter_raw():
                said += part
                if len(said) >= LONGEST_ANSWER:
                    break
    return bytes(said)


def text_in(answer: bytes, field: str) -> str:
    """A text of the JSON object that was answered, or "": an id that we can do without must not fail a message."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    value = found.get(field) if isinstance(found, dict) else None
    return value[:128] if isinstance(value, str) else ""
