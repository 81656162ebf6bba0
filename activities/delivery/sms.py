"""What all SMS providers share: one POST over HTTP, and what its answer means for the message."""

from collections.abc import Mapping

import httpx2

from activities.delivery.channels import Delayed, Undeliverable

NOT_ABOUT_THE_MESSAGE = frozenset({401, 403, 404, 405, 407, 408, 425, 429})
"""4xx that speak of us, our address or the moment (RFC 9110, RFC 8470, RFC 6585): mended or waited out, then sent."""


async def post(
    client: httpx2.AsyncClient,
    url: str,
    *,
    content: bytes,
    headers: Mapping[str, str],
    auth: httpx2.Auth | None = None,
) -> httpx2.Response:
    """The answer if it is a success; else `Delayed` or `Undeliverable`, with the status only.

    Redirects are not followed: a message must not wander to an address that nobody configured.
    """
    try:
        answer = await client.post(
            url, content=content, headers=headers, auth=auth or httpx2.Auth(), follow_redirects=False
        )
    except httpx2.HTTPError as failed:
        raise Delayed(type(failed).__name__) from None
    if answer.is_success:
        return answer
    final = answer.is_client_error and answer.status_code not in NOT_ABOUT_THE_MESSAGE
    raise (Undeliverable if final else Delayed)(f"HTTP {answer.status_code}")


def text_in(answer: httpx2.Response, field: str) -> str:
    """A text of the JSON object that was answered, or "": an id that we can do without must not fail a message."""
    try:
        found = answer.json()
    except ValueError:
        return ""
    value = found.get(field) if isinstance(found, dict) else None
    return value[:128] if isinstance(value, str) else ""
