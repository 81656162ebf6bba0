"""argon2id in a few processes of its own: two threads of one process hash no faster than one (measured: 50/s
against 100/s for two processes on two cores)."""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from storage.directory import HASHER, fits_any


class Hashers:
    """A small pool; `close` it. Processes are spawned, not forked: the parent holds Temporal's runtime."""

    def __init__(self, processes: int = 2) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(processes, mp_context=spawn, initializer=_end_with_the_worker)

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._pool, HASHER.hash, password)

    async def fits_any(self, hashes: Sequence[str | None], password: str) -> bool:
        """Whether the password has one of these hashes; None takes its time too, and fits nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, fits_any, hashes, password)

    async def warm(self) -> None:
        """Start the processes now, so that the first person does not wait for them."""
        await self.hash("")

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def _end_with_the_worker() -> None:
    """A killed worker closes no queue: its hashing processes would wait for ever."""
    worker = multiprocessing.parent_process()

    def watch() -> None:
        if worker is not None:
            worker.join()
            os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
