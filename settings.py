"""What differs between deployments. Promises to people are in `domain/policy.py`; only entry points read this.

Every variable has the prefix `REINSTATE_` and stands in `.env.example`. Keys are lists, newest first:
`2026-11:<base64 of 32 bytes>,2026-05:<...>`; the first one is used, all of them are understood.
"""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from storage.keys import Ring, Rings
from storage.uploads import Rules

PLACEHOLDER = "change-me"
RING_NAMES = ("payload", "issue", "digest", "index", "decision", "row", "audit")


class Settings(BaseSettings):
    """The environment. Wrong values stop the start with one line that names the variable."""

    model_config = SettingsConfigDict(
        env_prefix="REINSTATE_", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

    mode: Annotated[str, Field(pattern="^(development|production)$")] = "production"
    database_url: str = "sqlite:///var/reinstate.db"
    """`sqlite:///path` or `postgresql://user:password@host/name`."""
    public_url: str = "http://localhost:8000"
    """The only source of links in messages; never a request header."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Networks whose `X-Forwarded-For` is believed, such as `10.0.0.0/8`; empty: nobody's."""
    htmx_url: str = "https://cdn.jsdelivr.net/npm/htmx.org@4.0.1/dist"
    """Where htmx comes from; `/static/vendor` after copying the two files there."""

    payload_keys: SecretStr = SecretStr(PLACEHOLDER)
    issue_keys: SecretStr = SecretStr(PLACEHOLDER)
    digest_keys: SecretStr = SecretStr(PLACEHOLDER)
    index_keys: SecretStr = SecretStr(PLACEHOLDER)
    decision_keys: SecretStr = SecretStr(PLACEHOLDER)
    row_keys: SecretStr = SecretStr(PLACEHOLDER)
    audit_keys: SecretStr = SecretStr(PLACEHOLDER)

    platform_name: str = "Larkfield"
    platform_sender: str = "help@larkfield.example"
    platform_help: str = "help@larkfield.example"
    platform_accent: str = ""
    """A colour for light pages such as `#0a5c68`; empty: our petrol."""
    time_zone: str = "Europe/London"
    phone_region: str = "GB"
    """The country of phone numbers that are typed without one (ISO 3166, two letters)."""

    smtp_url: str = "smtp://localhost:1025"
    """`smtp://` (STARTTLS when offered; demanded where a password is sent to another machine), `smtp+starttls://`
    (demanded) or `smtps://`, with user and password."""
    smtp_timeout: float = 15.0
    sms_provider: Annotated[str, Field(pattern="^(webhook|twilio)$")] = "webhook"
    sms_url: str = "http://localhost:1026/sms"
    sms_secret: SecretStr = SecretStr(PLACEHOLDER)
    """Signs our requests to the SMS webhook (Standard Webhooks, `whsec_...`); Twilio: the auth token."""
    sms_account: str = ""
    """Twilio: the account SID."""
    sms_sender: str = "Larkfield"
    sms_timeout: float = 10.0
    clamd: str = ""
    """Where clamd scans files that claimants send, `tcp://host:port` or `unix:///path`; empty: no PDF is taken, and
    images, which are drawn anew, count as clean."""
    clamd_timeout: float = 10.0
    breached_passwords_url: str = ""
    """A Pwned Passwords range API, such as the public one; empty: only the list that comes with us."""

    starts_per_network: Annotated[int, Field(gt=0)] = 30
    """Cases an hour that one network (/32, IPv6 /64) may start before it is refused visibly."""
    desk_second_factor: bool = False
    """Whether everybody at the desk has to set up a second factor before anything else."""
    mailbox: Path = Path("var/mailbox")
    """Development: where the catcher keeps what it caught."""
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    metrics_networks: Annotated[tuple[str, ...], NoDecode] = ("127.0.0.0/8", "::1/128")
    """Networks that may read `/metrics` of the web, directly and not through a proxy."""
    worker_metrics: str = ""
    """Where a worker answers `/metrics`, such as `127.0.0.1:9464`; empty: nowhere."""

    @field_validator("trusted_proxies", "metrics_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies", "metrics_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network, strict=False)
        return value

    @field_validator("worker_metrics")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and port.isdecimal()):
            raise ValueError("must look like 127.0.0.1:9464, or be empty")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"smtp", "smtp+starttls", "smtps"} or not parts.hostname:
            raise ValueError("must look like smtp://host:port, smtp+starttls://… or smtps://…")
        return value

    @field_validator("clamd")
    @classmethod
    def _is_clamd(cls, value: str) -> str:
        parts = urlsplit(value)
        is_tcp = parts.scheme == "tcp" and bool(parts.hostname and parts.port) and not parts.path
        is_unix = parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/")
        if value and not (is_tcp or is_unix):
            raise ValueError("must look like tcp://host:3310 or unix:///run/clamd.ctl, or be empty")
        return value

    @model_validator(mode="after")
    def _fit_for_the_mode(self) -> Self:
        for fault in () if self.is_development else self.unfit_for_production():
            raise ValueError(fault)
        return self

    def unfit_for_production(self) -> Iterator[str]:
        """What may be so in development only, a sentence for each that names the variable."""
        for name in RING_NAMES:
            if PLACEHOLDER in getattr(self, f"{name}_keys").get_secret_value():
                yield f"REINSTATE_{name.upper()}_KEYS must be set; `reinstate keys new` makes one"
        if PLACEHOLDER in self.sms_secret.get_secret_value():
            yield "REINSTATE_SMS_SECRET must be set"
        if urlsplit(self.public_url).scheme != "https" and self.host not in {"localhost", "127.0.0.1"}:
            yield "REINSTATE_PUBLIC_URL must begin with https:// outside development"

    @property
    def is_development(self) -> bool:
        return self.mode == "development"

    @property
    def host(self) -> str:
        """The host of the public address; the last line of a text message names it."""
        return urlsplit(self.public_url).hostname or "localhost"

    @property
    def is_secure(self) -> bool:
        """Whether cookies are `Secure` and carry the `__Host-` prefix."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def uploads(self) -> Rules:
        """Which files people may send: PDF only where they are scanned."""
        return Rules(documents=bool(self.clamd))

    def rings(self) -> Rings:
        """The keys, parsed. Raises `ValueError` that names the variable."""

        def ring(name: str) -> Ring:
            try:
                return Ring.parse(getattr(self, f"{name}_keys").get_secret_value())
            except ValueError as wrong:
                raise ValueError(f"REINSTATE_{name.upper()}_KEYS: {wrong}") from None

        return Rings(*(ring(name) for name in ("issue", "digest", "index", "decision", "row", "audit")))

    def payload_ring(self) -> Ring:
        """The keys of the Temporal payload codec."""
        try:
            return Ring.parse(self.payload_keys.get_secret_value())
        except ValueError as wrong:
            raise ValueError(f"REINSTATE_PAYLOAD_KEYS: {wrong}") from None


def load() -> Settings:
    """The settings of this process, or an end with one line that names the variable."""
    try:
        settings = Settings()
        settings.rings(), settings.payload_ring()
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise SystemExit(f"settings: {f'REINSTATE_{name}: ' if name else ''}{first['msg']}") from None
    except ValueError as wrong:
        raise SystemExit(f"settings: {wrong}") from None
    return settings
