"""Requests that nobody honest sends, made by chance, and two ways to send them: straight into the application, or
over a socket. The parts are mixed from what the product knows (addresses, fields, cookies) and from garbage.
"""

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote, urlsplit

from hypothesis import strategies as st

STEPS = (
    "contact", "code", "resend", "account", "second-proof", "password", "password/strength", "help", "withdraw",
    "evidence", "reply", "nudge", "reopen",
)  # fmt: skip
CASE_PATHS = ("", "/events", "/other", "/withdraw", "/check", "/sent", *(f"/{step}" for step in STEPS))
FIXED_PATHS = (
    "/", "/recover", "/start", "/claim", "/find", "/appeal/x", "/help/no-code", "/help/x", "/desk", "/desk/sign-in",
    "/desk/sign-out", "/dev/login", "/dev/mailbox", "/dev/mailbox.json", "/static/reinstate.css", "/static/../app.py",
    "/healthz", "/metrics", "/openapi.json", "//", "/%00", "/case/", "/link/", "/not-me/",
)  # fmt: skip
FIELDS = (
    "key", "identifier", "contact", "code", "issue", "account", "proof", "new_password", "other", "name", "password",
    "totp", "then", "what", "error_code", "reference", "username", "email", "phone", "created", "devices", "files",
    "password_1", "recovery_code", "send", "evidence", "forget", "message", "outcome", "reason", "text",
    "version", "number",
)  # fmt: skip
QUERIES = ("after", "shown", "reason", "reference", "then", "state", "kind", "q", "seen", "to", "id")
COOKIES = ("reinstate_browser", "reinstate_known", "reinstate_desk", "reinstate_AAAABBBBCC", "larkfield_session", "x")
HEADERS = (
    "host", "origin", "referer", "user-agent", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded",
    "hx-request", "hx-target", "last-event-id", "sec-fetch-site", "content-length", "accept-language", "range",
    "if-none-match", "if-modified-since", "transfer-encoding", "expect",
)  # fmt: skip
NASTY = (
    "", " ", "\0", "\r\n", "\r\nSet-Cookie: a=b", "\u202e", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "<script>alert(1)</script>", "{{ 7*7 }}", "' OR 1=1 --", "../../etc/passwd", "//evil.example", "http://[", "[::1",
    "²", "٣", "١٢٣٤٥٦", "1" * 5000, "-1", "1e9", "NaN", "null", "a" * 300, "x@" + "y." * 120, '"a b"@example.com',
    "@", "+", "++44", "+44 7700 900001", "ada", "ada@example.com", "a@[127.0.0.1]", "xn--@xn--", "ß" * 40, "İ" * 40,
    "999999999999999999999", "7F3K-Q2M9-XA", "AAAA-BBBB-CC", "AAAABBBBCC.x", ".", "..", "%", "%%", "%zz", "&=&", "=",
    "recovery", "claim", "opening", "allow", "stop", "/desk", "/desk/cases/€", "/desk\nX: y", "same-origin",
)  # fmt: skip
BODY_TYPES = (
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-7",
    "multipart/form-data",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=b; charset=undefined",
    "multipart/form-data; boundary=b; charset=raw_unicode_escape",
    "multipart/form-data; boundary=",
    "application/json",
    "text/plain",
    "",
    "\xff",
)

texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
raw_values = st.one_of(texts.map(lambda text: quote(text, safe="")), st.binary(max_size=30).map(quote_from_bytes))
header_values = st.one_of(
    st.sampled_from(NASTY), st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=40)
).map(lambda text: text.encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b""))
pairs = st.lists(st.tuples(st.sampled_from((*FIELDS, "x", "")), raw_values), max_size=25)


@dataclass(frozen=True)
class Bad:
    """One request. `target` is the path with its query as it stands in the first line of a request."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def parts_of_a_form(fields: list[tuple[str, str]], *, is_file: bool) -> bytes:
    """`multipart/form-data` with the boundary `b`."""
    named = ((name, f'; filename="{value[:9]}"' if is_file else "", value) for name, value in fields)
    lines = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{value}\r\n' for name, file, value in named
    )
    return (lines + "--b--\r\n").encode("utf-8", "surrogatepass")


def bodies(kind: str) -> st.SearchStrategy[bytes]:
    if kind.startswith("multipart"):
        broken = st.binary(max_size=60).map(lambda raw: b"--b\r\nContent-Disposition: form-data; " + raw)
        return st.one_of(
            pairs.map(lambda fields: parts_of_a_form(fields, is_file=False)),
            pairs.map(lambda fields: parts_of_a_form(fields, is_file=True)),
            st.just(b'--b\r\nContent-Disposition: form-data; name="identifier"\r\n\r\n\\ud800\r\n--b--\r\n'),
            broken,
        )
    forms = pairs.map(lambda fields: "&".join(f"{name}={value}" for name, value in fields).encode())
    return st.one_of(forms, forms, forms, st.binary(max_size=80))


@st.composite
def bad_requests(draw: st.DrawFn, cases: tuple[str, ...], links: tuple[str, ...]) -> Bad:
    """`cases` are references of cases that exist, `links` paths that messages carried."""
    method = draw(st.sampled_from(("GET", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW")))
    asked = draw(st.lists(st.tuples(st.sampled_from(QUERIES), raw_values), max_size=3))
    query = "&".join(f"{name}={value}" for name, value in asked)
    target = draw(_paths(cases, links)) + (f"?{query}" if query else "")
    headers = draw(st.lists(st.tuples(st.sampled_from(HEADERS), header_values), max_size=3))
    jar = draw(st.lists(st.tuples(st.sampled_from(COOKIES), header_values), max_size=2))
    made = [(name.encode(), value) for name, value in headers]
    made += [(b"cookie", b"; ".join(name.encode() + b"=" + value for name, value in jar))] if jar else []
    if method == "GET":
        return Bad(method, target, tuple(made), b"")
    kind = draw(st.one_of(st.just(BODY_TYPES[0]), st.sampled_from(BODY_TYPES)))
    return Bad(method, target, (*made, (b"content-type", kind.encode("latin-1"))), draw(bodies(kind)))


def _paths(cases: tuple[str, ...], links: tuple[str, ...]) -> st.SearchStrategy[str]:
    references = st.one_of(st.sampled_from(cases), st.sampled_from(cases), raw_values)
    of_a_case = st.tuples(references, st.sampled_from(CASE_PATHS)).map(lambda parts: f"/case/{parts[0]}{parts[1]}")
    at_the_desk = st.tuples(references, st.sampled_from(("", "/events", "/decision", "/x"))).map(
        lambda parts: f"/desk/cases/{parts[0]}{parts[1]}"
    )
    tokens = ("/link/", "/not-me/", "/access/", "/appeal/", "/help/", "/dev/mailbox/")
    mailed = st.tuples(st.sampled_from(tokens), raw_values)
    return st.one_of(
        of_a_case,
        of_a_case,
        at_the_desk,
        mailed.map("".join),
        st.sampled_from(FIXED_PATHS),
        st.sampled_from(links),
        raw_values.map(lambda text: f"/{text}"),
    )


# ---- straight into the application ----------------------------------------------------------------------------------


async def ask(app: Any, bad: Bad, cookies: Mapping[str, str], address: str = "203.0.113.7") -> int:
    """The status of the answer, 500 for an exception that got through. A stream is left after its first line."""
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    body = [{"type": "http.request", "body": bad.body, "more_body": False}]

    async def receive() -> Any:
        return body.pop() if body else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and not answer.done():
            answer.set_result(message["status"])
            for name, value in message["headers"]:  # what a server refuses to send would be a broken answer
                assert not any(byte in name + value for byte in b"\r\n\0"), (name, value)

    task = asyncio.ensure_future(app(_scope(bad, cookies, address), receive, send))
    done, _ = await asyncio.wait({task, answer}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    if task in done and task.exception() is not None:
        return 500
    await asyncio.wait({task}, timeout=0.5)
    if not task.done():  # a stream
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return answer.result() if answer.done() else 500


def _scope(bad: Bad, cookies: Mapping[str, str], address: str) -> dict[str, Any]:
    parts = urlsplit("http://host" + bad.target.replace("[", "%5B").replace("]", "%5D"))
    held = "; ".join(f"{name}={value}" for name, value in cookies.items()).encode()
    raw = parts.path.encode("ascii", "replace")
    headers = [*bad.headers, *([(b"cookie", held)] if held else [])]
    given = {name for name, _ in headers}
    if b"content-length" not in given:
        headers.append((b"content-length", str(len(bad.body)).encode()))
    if b"host" not in given:
        headers.append((b"host", b"localhost:8000"))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": bad.method,
        "scheme": "http",
        "path": unquote(raw.decode("ascii")),
        "raw_path": raw,
        "query_string": parts.query.encode("ascii", "replace"),
        "root_path": "",
        "headers": headers,
        "client": (address, 4711),
        "server": ("localhost", 8000),
        "state": {},
    }


# ---- over a socket ---------------------------------------------------------------------------------------------------


def send(host: str, port: int, bad: Bad, cookies: Mapping[str, str]) -> int:
    """The status that a running server gives; 0 if it closes the connection without a word."""
    held = "; ".join(f"{name}={value}" for name, value in cookies.items()).encode()
    headers = [(name, value) for name, value in bad.headers if name not in {b"content-length", b"transfer-encoding"}]
    headers += [(b"content-length", str(len(bad.body)).encode()), (b"connection", b"close")]
    headers += [(b"cookie", held)] if held else []
    lines = [f"{bad.method} {bad.target} HTTP/1.1".encode("ascii", "replace")]
    lines += [name + b": " + value for name, value in headers]
    with socket.create_connection((host, port), timeout=20) as connection:
        with contextlib.suppress(OSError):  # it may refuse what it saw so far and close
            connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + bad.body)
        answer = b""
        with contextlib.suppress(OSError):
            while b"\r\n" not in answer and (more := connection.recv(4096)):
                answer += more
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
