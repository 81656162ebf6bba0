"""How every entry point talks to Temporal: one converter, one codec, one way to connect.

Payloads, failures and headers are encrypted with AES-256-GCM. Ids, types, names and
search attributes stay plain, so nothing personal may be in them.
"""

import dataclasses
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, HeaderCodecBehavior
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec
from temporalio.envconfig import ClientConfig
from temporalio.service import RetryConfig

from settings import Settings
from storage.keys import Ring, Unreadable, seal, unseal

ENCODING = b"binary/encrypted"
SUPPORT_ENCODINGS = (b"binary/null",)
"""What may stay plain even in production: nothing but "no value"."""


REFUSED = b"refused"
"""An encoding that no converter knows. A codec that raised instead would fail the workflow task for ever, and with it
the case: seen on a running server. This way a signal is dropped with a log line, and an update is refused."""


class SealedPayloads(PayloadCodec):
    """AES-256-GCM with key ids; the key id is bound into the seal, so a payload cannot be relabelled."""

    def __init__(self, ring: Ring, *, refuse_plain: bool) -> None:
        self._ring, self._refuse_plain = ring, refuse_plain

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        label = self._ring.current
        sealed = seal(self._ring.key(label), payload.SerializeToString(), f"payload/v1/{label}")
        return Payload(metadata={"encoding": ENCODING, "encryption-key-id": label.encode()}, data=sealed)

    def _open(self, payload: Payload) -> Payload:
        encoding = payload.metadata.get("encoding")
        if encoding != ENCODING:
            if self._refuse_plain and encoding not in SUPPORT_ENCODINGS:
                return Payload(metadata={"encoding": REFUSED})
            return payload
        label = payload.metadata.get("encryption-key-id", b"").decode(errors="replace")
        key = self._ring.key(label)  # an unknown key is the operator's to repair: nothing may be dropped for that
        try:
            return Payload.FromString(unseal(key, payload.data, f"payload/v1/{label}"))
        except (Unreadable, DecodeError):
            return Payload(metadata={"encoding": REFUSED})


def data_converter(ring: Ring, *, refuse_plain: bool) -> DataConverter:
    """The one converter of web, worker, scripts and Replayer."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=SealedPayloads(ring, refuse_plain=refuse_plain),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


WEB_RETRY = RetryConfig(max_elapsed_time_millis=1500)
"""A person waits: after a second and a half without a connection the page says so."""


async def connect(
    settings: Settings, *, lazy: bool = False, for_people: bool = False, address: str | None = None
) -> Client:
    """The one client of this process. `TEMPORAL_*` variables and profile are honoured (SDK environment configuration).

    `lazy` never fails and connects on first use, for the web; workers cannot use a lazy client.
    """
    config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    if address:
        config["target_host"] = address
    config.setdefault("target_host", "localhost:7233")
    config.setdefault("namespace", "default" if settings.is_development else "reinstate")
    if for_people:
        config["retry_config"] = WEB_RETRY
    return await Client.connect(
        **config,
        lazy=lazy,
        data_converter=data_converter(settings.payload_ring(), refuse_plain=not settings.is_development),
        header_codec_behavior=HeaderCodecBehavior.CODEC,
    )


def run_to_the_end(run: Callable[[], Any]) -> NoReturn:
    """Call `run`, then end this process without taking the interpreter apart.

    Threads of the SDK may still hold Python then: one of fourteen commands died of SIGABRT with its work done (SDK
    1.35: "PyGILState_Release: thread state must be current when releasing"), and compose waits for a status of 0.
    """
    status: Any = 0
    try:
        status = run()
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - whatever ends a program
        traceback.print_exc()
        status = 1
    if isinstance(status, str):
        sys.stderr.write(f"{status}\n")
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)
