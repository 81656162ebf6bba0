"""`reinstate replay FILE`: whether the code of today still fits what a case has done.

The file is what `temporal workflow show --output json` prints, or `{"workflow_id": ..., "history": ...}`.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from temporalio.client import HeaderCodecBehavior, WorkflowHistory
from temporalio.worker import Replayer

import worker
from connection import data_converter
from development.terminal import say
from settings import Settings, load


def stored(file: Path) -> WorkflowHistory:
    """The history in the file. Raises `OSError` or `ValueError`."""
    read: dict[str, Any] = json.loads(file.read_text())
    return WorkflowHistory.from_json(read.get("workflow_id", file.stem), read.get("history", read))


async def failure(history: WorkflowHistory, settings: Settings) -> Exception | None:
    """Why the code does not fit the history; None if it does."""
    replayer = Replayer(
        workflows=worker.WORKFLOWS,
        workflow_runner=worker.runner(),
        data_converter=data_converter(settings.payload_ring(), refuse_plain=not settings.is_development),
        header_codec_behavior=HeaderCodecBehavior.CODEC,
    )
    return (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


def main() -> None:
    file = Path(sys.argv[1])
    found = asyncio.run(failure(stored(file), load()))
    if found is not None:
        sys.exit(f"{file} does not replay: {found}")
    say(f"{file} replays")


if __name__ == "__main__":
    main()
