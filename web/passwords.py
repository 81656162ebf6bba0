"""How good a new password is: length, the list of common ones that comes with us, and a guess at its strength."""

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1

import structlog
from httpx2 import AsyncClient, HTTPError
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from domain.policy import Policy

LONGEST = 128
"""NIST SP 800-63B-4 3.1.1.2 asks to take at least 64 characters; more than this helps nobody and costs hashing."""
GUESSED = 72
"""zxcvbn looks at so many characters, since its time grows with the square of the length."""
BREACH_TIMEOUT = 2.0
"""Seconds. A person waits."""
STRENGTHS = ("very weak", "weak", "fair", "good", "strong")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Strength:
    """`score` is 0 to 4, as zxcvbn counts it."""

    score: int
    says: str


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """The 30,000 or so most common passwords, as zxcvbn carries them; compared in lower case."""
    return frozenset(FREQUENCY_LISTS["passwords"])


def problem_with(password: str, username: str, policy: Policy) -> str | None:
    """Why this password is not taken, in a sentence for its field; None if it is."""
    if not password:
        return "Write a new password"
    if len(password) < policy.password_length:
        return f"Write at least {policy.password_length} characters"
    if len(password) > LONGEST:
        return f"That is too long. Write at most {LONGEST} characters"
    if password.lower() in common_passwords():
        return "This password is on the list of common ones, which is tried first by whoever wants to get in"
    if username and username.lower() in password.lower() and len(password) < len(username) + 6:
        return "This password is your username with little added. Choose something else"
    if len(set(password)) < 4:
        return "This password repeats a few characters. Choose something else"
    return None


def strength(password: str, username: str, policy: Policy) -> Strength:
    """For the line below the field: what is missing, or how strong it is. Takes some milliseconds."""
    if not password:
        return Strength(0, "")
    problem = problem_with(password, username, policy)
    if problem:
        return Strength(0, problem)
    found = zxcvbn(password[:GUESSED], user_inputs=[username] if username else [])
    score = int(found["score"])
    advice = (found["feedback"]["warning"] or "").rstrip(".")
    return Strength(score, f"Strength: {STRENGTHS[score]}." + (f" {advice}." if advice and score < 3 else ""))


async def problem_found(password: str, username: str, policy: Policy, breached_url: str) -> str | None:
    """As `problem_with`, and whether the password is known to be stolen, if a list is configured."""
    problem = problem_with(password, username, policy)
    if problem is None and breached_url and await was_stolen(password, breached_url):
        return "This password is on a list of stolen ones. Choose another one"
    return problem


async def strength_found(password: str, username: str, policy: Policy) -> Strength:
    """`strength` away from the event loop."""
    return await asyncio.to_thread(strength, password, username, policy)


async def was_stolen(password: str, url: str) -> bool:
    """Ask a range API for the first five hex digits of the SHA-1 (k-anonymity: the password does not leave us).

    A list that does not answer stops nobody: the password is taken, and the log says so.
    """
    digest = sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        async with AsyncClient(timeout=BREACH_TIMEOUT) as client:
            answer = await client.get(f"{url.rstrip('/')}/range/{digest[:5]}", headers={"Add-Padding": "true"})
            answer.raise_for_status()
    except HTTPError as failed:
        log.warning("the list of stolen passwords did not answer", error=type(failed).__name__)
        return False
    found = (line.partition(":") for line in answer.text.splitlines())
    return any(suffix.strip().upper() == digest[5:] and count.strip() != "0" for suffix, _, count in found)
