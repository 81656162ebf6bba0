"""Where things that are downloaded or built are kept: outside the tree, shared by all clones."""

import os
from pathlib import Path


def cache_directory(*parts: str) -> Path:
    """`$XDG_CACHE_HOME/reinstate/<parts>`, made when missing; `~/.cache` when the variable is not set."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = root.joinpath("reinstate", *parts)
    directory.mkdir(parents=True, exist_ok=True)
    return directory
