"""New passwords: long ones are welcome, common and stolen ones are not, and the list of stolen ones never sees one."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha1

import pytest

from domain.policy import CURRENT_POLICY
from web.passwords import problem_found, problem_with, was_stolen

STOLEN = "staple otter 82 moon"


class Range:
    """A list of stolen passwords, asked by the first five digits of a hash (as `api.pwnedpasswords.com` answers)."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = "200 OK"
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        digest = sha1(STOLEN.encode(), usedforsecurity=False).hexdigest().upper()
        body = f"{'0' * 35}:3\r\n{digest[5:]}:12\r\n{'F' * 35}:0\r\n".encode()
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def stolen() -> AsyncIterator[Range]:
    found = Range()
    server = await asyncio.start_server(found.answer, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield found
    server.close()


async def test_a_stolen_password_is_refused(stolen: Range) -> None:
    assert "stolen" in (await problem_found(STOLEN, "ada", CURRENT_POLICY, stolen.url) or "")
    assert await problem_found("another good one 77", "ada", CURRENT_POLICY, stolen.url) is None


async def test_the_list_hears_five_digits_of_a_hash_and_no_more(stolen: Range) -> None:
    await was_stolen(STOLEN, stolen.url)
    digest = sha1(STOLEN.encode(), usedforsecurity=False).hexdigest().upper()
    (asked,) = stolen.asked
    assert asked.startswith(f"GET /range/{digest[:5]} ")
    assert digest[5:11] not in asked
    assert STOLEN.split()[1] not in asked


async def test_a_list_that_does_not_answer_stops_nobody(stolen: Range) -> None:
    stolen.status = "503 Service Unavailable"
    assert await problem_found(STOLEN, "ada", CURRENT_POLICY, stolen.url) is None
    assert await problem_found(STOLEN, "ada", CURRENT_POLICY, "http://127.0.0.1:9") is None


async def test_without_a_list_nobody_is_asked(stolen: Range) -> None:
    assert await problem_found(STOLEN, "ada", CURRENT_POLICY, "") is None
    assert stolen.asked == []


@pytest.mark.parametrize(
    "password", ["x" * 60 + "abc", "correct horse battery staple", "пароль из слов", "🦦🦦🦀🐙🐬 sea zoo"]
)
def test_a_long_password_of_any_script_is_taken(password: str) -> None:
    assert problem_with(password, "ada", CURRENT_POLICY) is None


@pytest.mark.parametrize("password", ["password12", "PASSWORD12", "1234567890", "ada-lark77", "aaaabbbbaaaa"])
def test_a_password_that_is_tried_first_is_refused(password: str) -> None:
    username = "ada-lark"
    assert problem_with(password, username, CURRENT_POLICY)
