"""What the tests of the production-like stack need: Temporal's own SQL tool, and the published schema of compose files.

Both come from Go modules: the tool is built from the same module as the server, the schema lies in `compose-go`.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from development.cache import cache_directory
from development.temporal_binary import SERVER_MODULE
from development.terminal import say

VERSION = SERVER_MODULE.rpartition("@")[2]
SQL_TOOL_MODULE = f"go.temporal.io/server/cmd/tools/sql@{VERSION}"
COMPOSE_MODULE = "github.com/compose-spec/compose-go/v2@v2.16.2"
"""The library that `docker compose` itself reads files with."""
DOWNLOAD_WITHIN = 300.0
BUILD_WITHIN = 1200.0


def sql_tool() -> Path | None:
    """`temporal-sql-tool`, which makes Temporal's tables: the one in the cache, or built now; None without Go."""
    final = _tool()
    if final.exists():
        return final
    go = shutil.which("go")
    if go is None:
        return None
    say("building Temporal's SQL tool with Go ...")
    place = final.with_name(f"building-{os.getpid()}")
    try:
        done = subprocess.run(
            [go, "install", SQL_TOOL_MODULE],
            env={**os.environ, "GOBIN": str(place)},
            capture_output=True,
            text=True,
            timeout=BUILD_WITHIN,
            check=False,
        )
        if done.returncode:
            say(f"go install {SQL_TOOL_MODULE} failed: {done.stderr.strip()[-500:]}")
            return None
        (place / "sql").replace(final)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return final


def compose_schema() -> Path | None:
    """The JSON schema of compose files: the one in the cache, or fetched now; None without Go or a way out."""
    final = _schema()
    if final.exists():
        return final
    go = shutil.which("go")
    if go is None:
        return None
    done = subprocess.run(
        [go, "mod", "download", "-json", COMPOSE_MODULE],
        cwd=final.parent,
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_WITHIN,
        check=False,
    )
    if done.returncode:
        say(f"go mod download {COMPOSE_MODULE} failed: {(done.stdout + done.stderr).strip()[-500:]}")
        return None
    unfinished = final.with_suffix(".part")
    shutil.copyfile(Path(json.loads(done.stdout)["Dir"]) / "schema" / "compose-spec.json", unfinished)
    unfinished.replace(final)
    return final


def present() -> tuple[Path, Path] | None:
    """Tool and schema, if nothing has to be got."""
    found = _tool(), _schema()
    return found if all(path.exists() for path in found) else None


def _tool() -> Path:
    return cache_directory("temporal", f"built-{VERSION}") / "temporal-sql-tool"


def _schema() -> Path:
    return cache_directory("compose", COMPOSE_MODULE.rpartition("@")[2]) / "compose-spec.json"
