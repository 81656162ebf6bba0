"""`make lock` writes requirements.lock from pyproject.toml; `make check` asks whether it still fits.

Fitting means: with the versions in the lock preferred, the same lock comes out. A newer version of something is no
reason to fail.
"""

import argparse
import difflib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from development.terminal import say

LOCK = Path("requirements.lock")
COMPILE = (
    "uv", "pip", "compile", "pyproject.toml", "--group", "dev", "--python-version", "3.11", "--generate-hashes",
    "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet",
)  # fmt: skip
"""No address of a download gets into the file, so that everybody uses their own registry."""


def compile_into(target: Path, *, upgrade: bool = False) -> None:
    """What is in `target` already is preferred, unless `upgrade`. Raises `CalledProcessError`."""
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run(
        [uv, *COMPILE[1:], *(["--upgrade"] if upgrade else []), "-o", str(target)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def differences() -> list[str]:
    """Lines that a fresh lock has and ours has not, or the other way round."""
    with tempfile.TemporaryDirectory() as directory:
        fresh = Path(directory) / LOCK.name
        shutil.copy(LOCK, fresh)
        compile_into(fresh)
        old, new = LOCK.read_text().splitlines(), fresh.read_text().splitlines()
    return list(difflib.unified_diff(old, new, "requirements.lock", "pyproject.toml", lineterm="", n=0))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only say whether the lock fits")
    if not arguments.parse_args().check:
        compile_into(LOCK, upgrade=True)
        return
    found = differences()
    if found:
        say("\n".join(found[:20]))
        sys.exit("requirements.lock does not fit pyproject.toml: make lock")
    say("requirements.lock fits pyproject.toml")


if __name__ == "__main__":
    main()
