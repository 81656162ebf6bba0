"""The files that pages load from the CDN, kept in the cache: browser tests answer the CDN's requests from here."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from pathlib import Path

from development.cache import cache_directory
from development.terminal import say
from web.render import HTMX_SHA384, SSE_SHA384

PACKAGE = "htmx.org@4.0.1"
FILES = {"htmx.min.js": HTMX_SHA384, "ext/hx-sse.min.js": SSE_SHA384}
"""Path under `dist/` of the package, and the integrity that our pages demand."""
DOWNLOAD_WITHIN = 30.0


def vendored(name: str) -> Path | None:
    """The file in the cache when it is there and what our pages expect."""
    path = _directory() / name
    return path if path.is_file() and _integrity(path) == FILES[name] else None


def fetch(cdn: str) -> bool:
    """Put every file into the cache, from npm or from the CDN at `cdn`; whether all of them are there now."""
    if not _is_complete() and shutil.which("npm"):
        _from_npm()
    if not _is_complete():
        _from_cdn(cdn)
    return _is_complete()


def _is_complete() -> bool:
    return all(map(vendored, FILES))


def _from_npm() -> None:
    with tempfile.TemporaryDirectory() as place:
        packed = subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=place, capture_output=True, check=False)
        for tarball in Path(place).glob("*.tgz") if packed.returncode == 0 else ():
            with tarfile.open(tarball) as archive:
                for name in FILES:
                    member = archive.extractfile(f"package/dist/{name}")
                    _keep(name, member.read() if member else b"")


def _from_cdn(cdn: str) -> None:
    for name in FILES:
        try:
            with urllib.request.urlopen(f"{cdn}/{name}", timeout=DOWNLOAD_WITHIN) as answer:  # noqa: S310 - https
                _keep(name, answer.read())
        except OSError as failure:
            say(f"{cdn}/{name}: {failure}")


def _keep(name: str, content: bytes) -> None:
    path = _directory() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _integrity(path: Path) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()


def _directory() -> Path:
    return cache_directory("vendor", PACKAGE)
