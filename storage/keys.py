"""Keys with ids and rotation, and the few things that are done with them: digest, seal, derive.

A ring lists keys newest first: the first one makes, all of them check. Digests name the key they were made with.
"""

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D 8.2.2: 96 random bits
TAG_BYTES = 16


class UnknownKey(Exception):
    """The id names no key of this ring."""


class Unreadable(Exception):
    """The sealed value was cut, changed, or belongs to something else."""


@dataclass(frozen=True)
class Ring:
    """Keys by id, newest first. `repr` never shows a key."""

    keys: dict[str, bytes]

    @classmethod
    def parse(cls, text: str) -> Self:
        """`id:base64,id:base64`, newest first. Raises `ValueError` without repeating the text."""
        keys: dict[str, bytes] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            name, _, encoded = entry.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise ValueError("a key is `id:base64`") from None
            if len(key) != KEY_BYTES or not name:
                raise ValueError(f"a key is `id:base64` of {KEY_BYTES} bytes")
            keys[name] = key
        if not keys:
            raise ValueError("no key")
        return cls(keys)

    @classmethod
    def fresh(cls, name: str) -> Self:
        return cls({name: os.urandom(KEY_BYTES)})

    def text(self) -> str:
        """The form that `parse` reads; for writing a key file, never for logs."""
        return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in self.keys.items())

    def __repr__(self) -> str:
        return f"Ring({', '.join(self.keys)})"

    @property
    def current(self) -> str:
        return next(iter(self.keys))

    def key(self, name: str) -> bytes:
        try:
            return self.keys[name]
        except KeyError:
            raise UnknownKey(name) from None

    def digest(self, *parts: str, key: str | None = None) -> str:
        """Hex HMAC-SHA-256 over the parts; which key made it must be known from elsewhere (or be the current one)."""
        return hmac.new(self.key(key or self.current), _framed(parts), hashlib.sha256).hexdigest()

    def digests(self, *parts: str) -> list[str]:
        """The digest under every key of the ring, newest first: for look-ups while a rotation is under way."""
        return [self.digest(*parts, key=name) for name in self.keys]

    def derive(self, *parts: str, key: str) -> bytes:
        """32 bytes that only holders of this key can make."""
        return hmac.new(self.key(key), _framed(parts), hashlib.sha256).digest()

    def sign(self, text: str) -> str:
        """`<key id>:<hex HMAC-SHA-256>`."""
        return f"{self.current}:{self.digest(text)}"

    def is_signed(self, text: str, signature: str) -> bool:
        name, _, _ = signature.partition(":")
        if name not in self.keys:
            return False
        # Bytes, because `compare_digest` raises on text beyond ASCII, and a signature comes from outside.
        return hmac.compare_digest(f"{name}:{self.digest(text, key=name)}".encode(), signature.encode())

    def seal(self, plain: bytes, context: str) -> str:
        """AES-256-GCM, bound to the context; text `<key id>:<base64>`."""
        return f"{self.current}:{base64.b64encode(seal(self.key(self.current), plain, context)).decode()}"

    def open(self, sealed: str, context: str) -> bytes:
        """What was sealed. Raises `UnknownKey` or `Unreadable`, neither with any content."""
        name, _, encoded = sealed.partition(":")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except ValueError:
            raise Unreadable("not base64") from None
        return unseal(self.key(name), raw, context)


@dataclass(frozen=True)
class Rings:
    """All rings but the payload codec's. `issue` is for workers; a web process may hold a ring of its own there."""

    issue: Ring
    digest: Ring
    index: Ring
    decision: Ring
    row: Ring
    audit: Ring


def seal(key: bytes, plain: bytes, context: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise Unreadable("too short")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
    except InvalidTag:
        raise Unreadable("not sealed with this key for this purpose") from None


def _framed(parts: tuple[str, ...]) -> bytes:
    """Length before content, so that ("ab", "c") and ("a", "bc") differ."""
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
