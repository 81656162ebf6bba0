"""The codec of all payloads: keys with names, rotation, and what it makes of everything that nobody of ours sealed."""

import pytest
from temporalio.api.common.v1 import Payload

from connection import SealedPayloads
from storage.keys import Ring, UnknownKey


async def test_a_missing_key_stops_loudly_and_drops_nothing():
    """A key that is not there yet is the operator's to repair: the case waits for it."""
    (sealed,) = await SealedPayloads(Ring.fresh("next-year"), refuse_plain=True).encode([Payload(data=b"x")])
    with pytest.raises(UnknownKey, match="next-year"):
        await SealedPayloads(Ring.fresh("this-year"), refuse_plain=True).decode([sealed])


async def test_earlier_keys_still_open_what_they_sealed():
    earlier = Ring.fresh("this-year")
    rotated = Ring({**Ring.fresh("newer").keys, **earlier.keys})
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b'"words"')
    (sealed,) = await SealedPayloads(earlier, refuse_plain=True).encode([payload])
    assert await SealedPayloads(rotated, refuse_plain=True).decode([sealed]) == [payload]
    (newer,) = await SealedPayloads(rotated, refuse_plain=True).encode([payload])
    assert newer.metadata["encryption-key-id"] == b"newer"


async def test_a_seal_cannot_be_relabelled():
    ring = Ring({"a": bytes(32), "b": bytes(32)})
    codec = SealedPayloads(ring, refuse_plain=True)
    (sealed,) = await codec.encode([Payload(metadata={"encoding": b"json/plain"}, data=b'"words"')])
    sealed.metadata["encryption-key-id"] = b"b"
    (opened,) = await codec.decode([sealed])
    assert opened.metadata["encoding"] == b"refused"
    assert not opened.data


async def test_plain_payloads_are_read_in_development_only():
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'"words"')
    ring = Ring.fresh("one")
    assert await SealedPayloads(ring, refuse_plain=False).decode([plain]) == [plain]
    (refused,) = await SealedPayloads(ring, refuse_plain=True).decode([plain])
    assert not refused.data
