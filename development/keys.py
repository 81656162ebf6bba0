"""The secrets of one development instance: made once, kept in a file that only its owner may read."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path

from storage.keys import KEY_BYTES, Ring

KEY_ID = "dev"
RINGS = ("PAYLOAD", "ISSUE", "DIGEST", "INDEX", "DECISION", "ROW", "AUDIT")


def fresh_key(name: str) -> str:
    """One new key as the variables `REINSTATE_*_KEYS` take it: `id:base64`."""
    return Ring.fresh(name).text()


def fresh_webhook_secret() -> str:
    """A secret for `REINSTATE_SMS_SECRET`, in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(os.urandom(KEY_BYTES)).decode()


def load_keys(file: Path) -> dict[str, str]:
    """The variables in `file`, which is made with fresh secrets when it does not exist."""
    if not file.exists():
        secrets = {f"REINSTATE_{ring}_KEYS": fresh_key(KEY_ID) for ring in RINGS}
        write_variables(file, {**secrets, "REINSTATE_SMS_SECRET": fresh_webhook_secret()})
    return read_variables(file)


def read_variables(file: Path) -> dict[str, str]:
    """What `write_variables` wrote."""
    lines = (line.partition("=") for line in file.read_text().splitlines() if line)
    return {name: value for name, _, value in lines}


def write_variables(file: Path, variables: Mapping[str, str]) -> None:
    """`NAME=value` lines, readable by nobody else from the first moment; the file is complete or not there."""
    unfinished = file.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.writelines(f"{name}={value}\n" for name, value in variables.items())
    unfinished.rename(file)
